"""Reaching the brokers for administration: a bounded wait, and errors that say what to do.

KafkaProblem
├── BrokerUnreachable   no broker answered in time, or none let us in
└── TopicProblem        a topic is missing, or the brokers refused what we asked
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from streams.kafka.connection import confluent_config
from streams.settings import KafkaSettings, Settings

REACH_TIMEOUT = 15.0
"""Seconds that a command waits for a broker: longer than its start, shorter than a person's patience."""
REQUEST_TIMEOUT = 30.0
"""Seconds for one request of the admin client."""


class KafkaProblem(Exception):
    """Its text says what was found; ``remedy`` says what the operator can do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class BrokerUnreachable(KafkaProblem):
    pass


class TopicProblem(KafkaProblem):
    pass


class _NotYet(Exception):
    """No answer, but a later attempt may get one."""


_START_ONE = (
    "is the address right (kafka.bootstrap_servers), does kafka.security_protocol suit it, and do the brokers run? "
    "`willow-sync broker` starts one on this machine; what a broker advertises (advertised.listeners) must be "
    "reachable too"
)
_NO_WAITING: Mapping[int, str] = {
    KafkaError._AUTHENTICATION: "check kafka.sasl_mechanism, kafka.sasl_username and kafka.sasl_password",
    KafkaError._SSL: "check kafka.security_protocol and the kafka.ssl_… files",
    KafkaError._RESOLVE: "correct the host name in kafka.bootstrap_servers, or this machine's DNS",
}
"""Causes that no waiting mends → remedy."""
_RESOLVE_ATTEMPTS = 3


def wait_for_broker(
    settings: Settings, timeout: float = REACH_TIMEOUT, *, sleep: Callable[[float], None] = time.sleep
) -> AdminClient:
    """An admin client, once a broker has answered it. ``timeout`` in seconds.

    Raises BrokerUnreachable: when nobody answered in time, and at once when waiting cannot help."""
    knock = _Knock(settings.kafka)
    retrying = Retrying(
        stop=stop_after_delay(timeout),
        wait=wait_fixed(0.2),
        retry=retry_if_exception_type(_NotYet),
        sleep=sleep,
    )
    try:
        retrying(knock, min(2.0, timeout))
    except RetryError as error:
        raise knock.unreachable(f"no broker answered within {timeout:g} s", _START_ONE) from error
    return knock.admin


class _Knock:
    """One attempt after the other to get an answer; remembers what the client said was wrong."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._servers = kafka.bootstrap_servers
        self._causes: list[Any] = []
        try:
            self.admin = AdminClient(
                {
                    **confluent_config(kafka),
                    # The cause stands in our error; librdkafka would print it ten times a second.
                    "log_level": 0,
                    "error_cb": self._causes.append,
                    # Its own 10 s would let a broker that is up by now wait until our time is over.
                    "reconnect.backoff.max.ms": 1000,
                }
            )
        except KafkaException as error:
            # A certificate file that is not there, for instance: found when the client is made.
            raise BrokerUnreachable(
                f"the Kafka client refuses the settings: {error.args[0].str()}", "correct the kafka settings"
            ) from error

    def __call__(self, timeout: float) -> None:
        try:
            self.admin.list_topics(timeout=timeout)
        except KafkaException as error:
            self.admin.poll(0)
            self._give_up_if_useless()
            raise _NotYet from error

    def unreachable(self, what: str, remedy: str) -> BrokerUnreachable:
        # The summary "all brokers are down" is librdkafka's last word each time, and tells no cause.
        causes = [cause.str() for cause in self._causes if cause.code() != KafkaError._ALL_BROKERS_DOWN]
        because = f": {causes[-1]}" if causes else ""
        return BrokerUnreachable(f"{what} at {self._servers}{because}", remedy)

    def _give_up_if_useless(self) -> None:
        for code, remedy in _NO_WAITING.items():
            seen = sum(cause.code() == code for cause in self._causes)
            # A name may not resolve for a moment, while a container's network comes up.
            if seen >= (_RESOLVE_ATTEMPTS if code == KafkaError._RESOLVE else 1):
                what = "no broker was found" if code == KafkaError._RESOLVE else "no broker let us in"
                raise self.unreachable(what, remedy)
