"""``willow-sync broker``: one Apache Kafka node on this machine, in the foreground."""

import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import click

from ops.kafka import KAFKA_VERSION, Broker, FetchProgress, KafkaRuntime, prepare
from streams.cli.common import Advance, progress

_LOOK_INTERVAL = 0.5
"""Seconds until a broker that ended by itself is noticed."""


def prepare_with_progress() -> KafkaRuntime:
    """A Java and the jars, with a progress display while jars are fetched. Raises KafkaSetupError."""
    with ExitStack() as display:
        advance: list[Advance] = []

        def show(done: FetchProgress) -> None:
            if not advance:
                label = f"fetching Apache Kafka {KAFKA_VERSION} ({done.of_bytes / 1e6:.0f} MB)"
                advance.append(display.enter_context(progress(done.of_jars, label, unit="jar")))
            else:
                advance[0](1)

        return prepare(progress=show)


@click.command(short_help="Run an Apache Kafka broker on this machine, without Docker.")
@click.option("--port", type=click.IntRange(0, 65535), default=9092, show_default=True, help="Port; 0 is any free one.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".willow-sync/kafka"),
    show_default=True,
    help="Where its records and its log are kept.",
)
def command(port: int, data_dir: Path) -> None:
    """Runs one Apache Kafka broker in the foreground, until Ctrl-C or SIGTERM.

    Neither Docker nor an installed Java is needed: the pinned jars are fetched once (45 MB, verified) and
    kept in ~/.cache/willow-sync. What it stored is there again when it is started on the same --data-dir. It
    listens on this machine only, without a password: for trying out and for tests, not for production.

    \b
    Example:
      willow-sync broker --port 9092 --data-dir /tmp/kafka
    """
    stop = threading.Event()
    with Broker(prepare_with_progress(), data_dir, port=port) as broker:
        # Only now: before this a signal must end the start itself, and the broker dies with us.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        click.echo(f"Apache Kafka {KAFKA_VERSION} at {broker.bootstrap_servers}")
        click.echo(f"log: {broker.log}")
        click.echo("Ctrl-C ends it; its records stay in " + str(broker.data_dir))
        while not stop.wait(_LOOK_INTERVAL):
            if not broker.running:
                raise broker.failure()
        click.echo("stopping …", err=True)
