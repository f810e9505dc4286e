"""``willow-sync produce``: a file of changes onto an input topic."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any

import click
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.cli.common import Advance, CliError, progress, with_settings
from streams.cli.ndjson import BadLine, Line, parse_line
from streams.kafka.admin import REQUEST_TIMEOUT, wait_for_broker
from streams.kafka.connection import confluent_config
from streams.settings import Settings

DELIVERY_SECONDS = 60.0
"""After this a record counts as not delivered; also the longest wait for room in the queue."""
SHOWN_PROBLEMS = 20

_PRODUCER: dict[str, Any] = {
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "linger.ms": 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 10_000,
    "message.timeout.ms": int(DELIVERY_SECONDS * 1000),
    # librdkafka would write its own lines into ours; what matters comes back with each record.
    "log_level": 0,
}


@dataclass(slots=True)
class _Tally:
    sent: int = 0
    problems: int = 0

    def problem(self, text: str) -> None:
        self.problems += 1
        if self.problems <= SHOWN_PROBLEMS:
            click.echo(text, err=True)


@click.command("produce", epilog="Example: willow-sync produce changes.ndjson --topic entities")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--topic",
    default="work-orders",
    show_default=True,
    help="work-orders or entities (the input topics of the settings), or a topic's name.",
)
@with_settings
def command(settings: Settings, file: IO[bytes], topic: str) -> None:
    """Send a file of changes (NDJSON; - is stdin) to an input topic.

    A line is the entity or envelope itself (the key is its id), or {"key": …, "value": …, "headers": {…}};
    a value of null is a tombstone. Wrong lines are reported by number and left out, the others are sent, and
    the exit code says that something was wrong.
    """
    name = _topic_name(settings, topic)
    _must_exist(settings, name)
    producer = Producer({**confluent_config(settings.kafka), **_PRODUCER})
    tally = _Tally()
    with progress(None, f"to {name}") as advance:
        _send_all(producer, name, file, tally, advance)
    click.echo(f"{tally.sent} records acknowledged by {name}")
    if tally.problems:
        raise CliError(
            f"{tally.problems} {'line was' if tally.problems == 1 else 'lines were'} not sent "
            f"(up to {SHOWN_PROBLEMS} are named above)",
            "Correct those lines and send them again; sending a change twice does no harm.",
        )


def _topic_name(settings: Settings, topic: str) -> str:
    return {"work-orders": settings.topics.work_orders, "entities": settings.topics.entities}.get(topic, topic)


def _must_exist(settings: Settings, topic: str) -> None:
    # A producer would wait its whole time-out for a topic with a typing error in its name.
    found = wait_for_broker(settings).list_topics(topic, timeout=REQUEST_TIMEOUT).topics[topic]
    if found.error is not None:
        raise CliError(
            f"topic {topic}: {found.error.str()}", "Create it with `willow-sync topics`, or correct --topic."
        )


def _send_all(producer: Producer, topic: str, lines: Iterable[bytes], tally: _Tally, advance: Advance) -> None:
    for number, text in enumerate(lines, start=1):
        text = text.removeprefix(b"\xef\xbb\xbf") if number == 1 else text
        if not text.strip():
            continue
        try:
            _send(producer, topic, parse_line(text), number, tally, advance)
        except BadLine as error:
            tally.problem(f"line {number}: {error}")
    left = producer.flush(DELIVERY_SECONDS)
    if left:
        raise CliError(
            f"{left} records were not acknowledged within {DELIVERY_SECONDS:.0f} s",
            "See the broker's log, then send the file again; sending a change twice does no harm.",
        )


def _send(producer: Producer, topic: str, line: Line, number: int, tally: _Tally, advance: Advance) -> None:
    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is None:
            tally.sent += 1
            advance()
        else:
            tally.problem(f"line {number}: not delivered: {error.str()}")

    while True:
        try:
            producer.produce(topic, line.value, line.key, headers=list(line.headers), on_delivery=delivered)
        except BufferError:
            # A full queue is waited for, not grown; each record in it ends by its time-out.
            producer.poll(1.0)
        except KafkaException as error:
            raise BadLine(f"refused: {error.args[0].str()}") from None
        else:
            producer.poll(0)
            return
