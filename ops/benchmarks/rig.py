"""What a benchmark runs on: Apache Kafka, the Willow emulator and one worker, each a process of its own."""

import json
import re
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from ops.benchmarks import sample
from ops.benchmarks.processor import ProcessorMeter
from ops.benchmarks.sample import Sample
from ops.demo.processes import Child, DemoFailed, run_to_end, uninterrupted, wait_until, willow_sync
from ops.emulator import Plan
from ops.kafka import Broker, KafkaRuntime, KafkaSetupError
from ops.portfolio.mappings import lists

LATENCY = 0.05
"""Seconds that each call to Willow takes: the L of the goals."""
IN_FLIGHT = 64
"""``willow.max_in_flight``: the C of the goals."""
PARTITIONS = 8
TOPICS = {
    "work_orders": "mapped.work-orders",
    "entities": "mapped.entities",
    "outcomes": "willow-sync.outcomes",
    "ticket_intents": "willow-sync.ticket-intents",
    "create_claims": "willow-sync.create-claims",
}
LEAST_RATE = 50.0
"""Records a second below which a benchmark gives up: its figure would be none."""
START_SECONDS = 60.0
"""What a command, a start or a drain may take on a busy machine."""
_POLL_SECONDS = 0.1
_PAGES = re.compile(r"pages at (http\S+)")
_ADDRESSES = re.compile(r"base URL (\S+), page (\S+)")

Step = Callable[[str], None]
"""Told what is being done, for people who wait."""


def worker_command(config: Path) -> list[str]:
    """The worker as users run it."""
    return willow_sync("worker", "--config", str(config))


class Worker(Child):
    """The worker's process, whose processor time is measured."""

    @property
    def pid(self) -> int:
        assert self._process is not None, "start() first"
        return self._process.pid


class Rig:
    """One benchmark's processes under one folder; see ``rig()``. All methods raise DemoFailed."""

    def __init__(self, runtime: KafkaRuntime, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.broker = Broker(runtime, folder / "kafka", log=folder / "kafka.log")
        self.journal = folder / "willow-journal.ndjson"
        self.emulator = Child("the Willow emulator", self._emulator_command(), folder / "emulator.log")
        self._config = folder / "worker.yml"
        self.worker = self._worker(worker_command)
        self._settings = settings
        self._refused: list[str] = []

    def start(self) -> None:
        """Broker, emulator and topics; the worker is started by ``start_worker``."""
        self.broker.start()
        (self.folder / "lists.json").write_text(json.dumps(lists()))
        self.emulator.start()
        wait_until(self._emulator_answers, "the Willow emulator", START_SECONDS, self.emulator.log)
        self._config.write_text(yaml.safe_dump(self._worker_settings()))
        self.run("topics")
        self._producer = Producer(
            {
                "bootstrap.servers": self.broker.bootstrap_servers,
                "log_level": 0,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                # A record leaves at once: the feeder's own waiting is no latency of the worker.
                "linger.ms": 0,
            }
        )
        self._consumer = Consumer(
            {"bootstrap.servers": self.broker.bootstrap_servers, "log_level": 0, "group.id": "benchmarks"}
        )

    def run(self, command: str) -> None:
        """One of our commands, with the worker's settings, to its end."""
        line = willow_sync(command, "--config", str(self._config))
        run_to_end(Child(f"willow-sync {command}", line, self.folder / f"{command}.log"), START_SECONDS)

    def start_worker(self, command: Callable[[Path], list[str]] = worker_command) -> ProcessorMeter:
        """``command`` is that of another program than the worker, given its configuration file."""
        self.worker.stop()
        self.worker = self._worker(command)
        self.worker.start()
        return ProcessorMeter(self.worker.pid)

    def _worker(self, command: Callable[[Path], list[str]]) -> Worker:
        return Worker("the worker", command(self._config), self.folder / "worker.log")

    def use_faults(self, plan: Plan) -> None:
        """From now on: the seconds of its rules count from here."""
        url = f"{self._emulator_addresses()[2]}_emulator/faults"
        # Without defaults: some conditions may not even be named together with some faults.
        rules = [
            rule.model_dump(mode="json", exclude_defaults=True) | {"fault": rule.fault.model_dump(mode="json")}
            for rule in plan.rules
        ]
        document = json.dumps({"seed": plan.seed, "rules": rules})
        request = urllib.request.Request(url, document.encode(), method="PUT")
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS):
                return
        except (urllib.error.URLError, TimeoutError) as error:
            raise DemoFailed(f"the emulator took no faults: {error}", f"read {self.emulator.log}") from error

    def close(self) -> None:
        """Stops everything, in bounded time."""
        for child in (self.worker, self.emulator):
            child.stop()
        self.broker.kill()

    def send(self, topic: str, samples: Iterable[Sample]) -> None:
        """Sends as fast as it goes; returns when the broker has all. ``topic`` is a key of TOPICS."""
        for item in samples:
            self.send_one(topic, item)
        left = self._producer.flush(START_SECONDS)
        if left or self._refused:
            what = self._refused[0] if self._refused else f"{left} records not acknowledged in {START_SECONDS:g} s"
            raise DemoFailed(f"sending to {TOPICS[topic]} failed: {what}", f"read {self.broker.log}")

    def send_one(self, topic: str, item: Sample) -> None:
        """Hands one record to the producer."""
        headers = list(item.headers)
        while True:
            try:
                self._producer.produce(
                    TOPICS[topic], item.value, item.key, headers=headers, on_delivery=self._delivered
                )
            except BufferError:
                # A full queue is waited for, not grown; each record in it ends by librdkafka's own time-out.
                self._producer.poll(1.0)
            else:
                self._producer.poll(0)
                return

    def until_decided(self, count: int, meter: ProcessorMeter, *, besides: float = 0.0) -> None:
        """Returns when the outcomes topic holds this many records. The bound grows with their number; ``besides``:
        seconds that are waited for on purpose."""

        def enough() -> bool:
            self.worker.require_running()
            self.emulator.require_running()
            meter.sample()
            return self.count("outcomes") >= count

        self._wait(enough, f"{count} outcomes", besides + count / LEAST_RATE)

    def until_taken(self, count: int) -> None:
        """Returns when this many intents are in the worker's hands, neither more to be read nor one of them done.
        Needs ``web={"port": 0}`` among the settings."""
        address = _PAGES.findall(self.worker.log.read_text("utf-8", "replace"))[-1]

        def enough() -> bool:
            self.worker.require_running()
            with urllib.request.urlopen(f"{address.rstrip('/')}/metrics", timeout=START_SECONDS) as answer:
                return f"\nwillow_sync_pending_records {count:.1f}\n" in answer.read().decode()

        self._wait(enough, f"{count} intents to be taken by the worker", count / LEAST_RATE)

    def _wait(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        timeout = START_SECONDS + seconds
        wait_until(condition, what, timeout, self.worker.log, sleep=lambda _: time.sleep(_POLL_SECONDS))

    def count(self, topic: str) -> int:
        """Records that were written to a topic so far."""
        return sum(self.ends(topic).values())

    def ends(self, topic: str) -> dict[int, int]:
        """Partition → offset after its newest record."""
        spots = [TopicPartition(TOPICS[topic], partition) for partition in range(PARTITIONS)]
        try:
            return {spot.partition: self._consumer.get_watermark_offsets(spot, timeout=10)[1] for spot in spots}
        except KafkaException as error:
            raise DemoFailed(f"{TOPICS[topic]} can't be counted: {error}", f"read {self.broker.log}") from error

    def instants(self, topic: str) -> list[float]:
        """When each record of a topic was handed to its producer: epoch seconds, in order."""
        spots = [TopicPartition(TOPICS[topic], partition, 0) for partition in range(PARTITIONS)]
        found: list[float] = []
        try:
            left = sum(self._consumer.get_watermark_offsets(spot, timeout=10)[1] for spot in spots)
            self._consumer.assign(spots)
            deadline = time.monotonic() + START_SECONDS
            while left > len(found) and time.monotonic() < deadline:
                records = self._consumer.consume(1000, timeout=1.0)
                found += [record.timestamp()[1] / 1000 for record in records if record.error() is None]
        except KafkaException as error:
            raise DemoFailed(f"{TOPICS[topic]} can't be read: {error}", f"read {self.broker.log}") from error
        if len(found) < left:
            raise DemoFailed(f"read {len(found)} of {left} records of {TOPICS[topic]}", f"read {self.broker.log}")
        return sorted(found)

    def _delivered(self, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            self._refused.append(error.str())

    def _emulator_command(self) -> list[str]:
        files = ("--lists", str(self.folder / "lists.json"), "--journal", str(self.journal))
        return willow_sync("emulator", "--port", "0", "--latency", str(LATENCY), *files)

    def _emulator_answers(self) -> bool:
        self.emulator.require_running()
        return _ADDRESSES.search(self.emulator.log.read_text("utf-8", "replace")) is not None

    def _worker_settings(self) -> dict[str, Any]:
        willow, others = self._settings.get("willow", {}), {**self._settings}
        others.pop("willow", None)
        return {
            "kafka": {"bootstrap_servers": self.broker.bootstrap_servers, "group_id": "willow-sync-benchmarks"},
            "willow": {
                "base_url": self._emulator_addresses()[1],
                "client_id": "emulator-client",
                "client_secret": "emulator-secret",
                "max_in_flight": IN_FLIGHT,
                **willow,
            },
            "topics": {"partitions": PARTITIONS, **TOPICS},
            **sample.settings(),
            "web": {"port": None},
            "data_dir": str(self.folder / "worker-data"),
            **others,
        }

    def _emulator_addresses(self) -> re.Match[str]:
        """Of its API and of its page."""
        found = _ADDRESSES.search(self.emulator.log.read_text("utf-8", "replace"))
        assert found is not None, "start() first"
        return found


@contextmanager
def rig(runtime: KafkaRuntime, **settings: Any) -> Iterator[Rig]:
    """A started Rig. Nothing of it runs on afterwards, however it ends.

    ``settings`` are added to the worker's, those of ``willow`` to that section. The folder stays only after a failure,
    whose remedy names a log in it. Raises DemoFailed, KafkaSetupError."""
    folder = Path(tempfile.mkdtemp(prefix="willow-sync-benchmark-"))
    built = Rig(runtime, folder, settings)
    failed = False
    try:
        built.start()
        yield built
    except (DemoFailed, KafkaSetupError):
        failed = True
        raise
    finally:
        with uninterrupted():
            built.close()
            if not failed:
                shutil.rmtree(folder, ignore_errors=True)
