"""What a worker writes while its brokers are away."""

import logging

from streams.kafka.connection import LIBRDKAFKA, logged, silent
from streams.worker import Seldom


def _record(name: str, message: str, *args: object, at: float = 0.0) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, "file", 1, message, args, None)
    record.created = at
    return record


def test_kafka_s_libraries_say_each_thing_once_in_a_while() -> None:
    quiet = Seldom(10.0)
    away = "%s [%s] %s"
    assert quiet.filter(_record(LIBRDKAFKA.name, away, "FAIL", "consumer-1", "refused"))
    assert not quiet.filter(_record(LIBRDKAFKA.name, away, "FAIL", "producer-2", "refused", at=9.0))
    assert quiet.filter(_record(LIBRDKAFKA.name, away, "SESSTMOUT", "consumer-1", "timed out", at=9.0))
    assert quiet.filter(_record(LIBRDKAFKA.name, away, "FAIL", "consumer-1", "refused", at=10.0))
    assert quiet.filter(_record("aiokafka", "Unable connect to node with id %s", 1))
    assert not quiet.filter(_record("aiokafka", "Unable connect to node with id %s", 2, at=1.0))


def test_our_own_words_are_never_held_back() -> None:
    quiet = Seldom(10.0)
    assert all(quiet.filter(_record("streams.worker", "the worker stops")) for _ in range(3))


def test_a_client_that_is_polled_writes_to_our_log_and_another_nothing() -> None:
    config = {"bootstrap.servers": "b:1"}
    assert logged(config)["logger"] is LIBRDKAFKA
    assert silent(logged(config)) == {"bootstrap.servers": "b:1", "log_level": 0}
