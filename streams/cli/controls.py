"""Telling all workers something: what ``pause`` and ``resume`` share."""

import getpass
import json
import socket
from datetime import UTC, datetime
from typing import Any

import click
from confluent_kafka import KafkaException, Producer

from schemas.control import PAUSE_KEY, PAUSE_PARTITION, PauseControl, PauseState
from streams.cli.common import CliError
from streams.cli.sending import must_exist
from streams.kafka.connection import confluent_config
from streams.settings import Settings

DELIVERY_SECONDS = 30.0
"""After this nobody knows whether the workers will read it."""

note_option = click.option("--note", metavar="TEXT", help="Why; shown by every worker's /readyz and in its log.")


def tell(settings: Settings, state: PauseState, note: str | None, *, as_json: bool, meaning: str) -> None:
    """Write the record, wait until the brokers have it, and say so. Raises CliError."""
    topic = settings.topics.name("create_claims")
    record = PauseControl(state=state, at=datetime.now(UTC), by=_who(), note=note)
    offset = _write(settings, topic, record)
    if as_json:
        place = {"topic": topic, "partition": PAUSE_PARTITION, "offset": offset}
        click.echo(json.dumps({**json.loads(record.to_json()), **place}, indent=2))
    else:
        click.echo(f"{state.value}: {meaning}")
        click.echo(f"written to {topic}, partition {PAUSE_PARTITION}, offset {offset}, by {record.by}")


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        # A container's user id need not have a name.
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def _write(settings: Settings, topic: str, record: PauseControl) -> int:
    must_exist(settings, topic, "Correct topics.prefix, or run `willow-sync topics`.")
    told: list[Any] = []
    producer = Producer(
        {
            **confluent_config(settings.kafka),
            "enable.idempotence": True,
            "acks": "all",
            "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
            # What matters comes back with the record; librdkafka would write its own lines between ours.
            "log_level": 0,
        }
    )
    try:
        producer.produce(
            topic,
            record.to_json(),
            PAUSE_KEY,
            partition=PAUSE_PARTITION,
            on_delivery=lambda error, message: told.append(error or message.offset()),
        )
        producer.flush(DELIVERY_SECONDS + 5.0)
    except KafkaException as error:
        raise _not_written(topic, error.args[0].str()) from error
    if not told or not isinstance(told[0], int):
        raise _not_written(topic, told[0].str() if told else "no broker acknowledged it")
    return told[0]


def _not_written(topic: str, why: str) -> CliError:
    return CliError(
        f"not written to {topic}: {why}",
        "May this user WRITE to the topic, and do its brokers run? Then say it again: twice does no harm.",
    )
