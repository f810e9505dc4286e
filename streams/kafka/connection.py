"""How to reach the brokers, in librdkafka's words."""

import logging
from collections.abc import Mapping
from typing import Any

from streams.settings import KafkaSettings

_NAMES = {
    "bootstrap_servers": "bootstrap.servers",
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "sasl_username": "sasl.username",
    "sasl_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
}
"""Our setting → librdkafka's property."""


LIBRDKAFKA = logging.getLogger("librdkafka")


def logged(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a client that is polled for ever: what librdkafka has to say comes with its polls, as a record of
    our log. Else it writes to stderr, twenty lines a second while a broker is away."""
    return {**config, "logger": LIBRDKAFKA}


def silent(config: Mapping[str, Any]) -> dict[str, Any]:
    """For a client that is not polled, and whose calls say themselves what went wrong."""
    return {name: value for name, value in config.items() if name != "logger"} | {"log_level": 0}


def confluent_config(kafka: KafkaSettings) -> dict[str, Any]:
    """Address and security for any confluent-kafka client; the password is in clear in it. Nothing else."""
    values = {theirs: getattr(kafka, ours) for ours, theirs in _NAMES.items()}
    if kafka.sasl_password is not None:
        values["sasl.password"] = kafka.sasl_password.get_secret_value()
    return {name: value for name, value in values.items() if value is not None}
