"""One scenario's stage: topics of its own on the shared broker, a Willow, worker processes, and the words for
"produce this" and "wait for that"."""

import gc
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka import Consumer, ConsumerGroupState, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from ops.demo.evidence import Coordinates
from ops.demo.processes import Child, willow_sync
from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Lists
from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from tests.acceptance.records import ESTATE, Calendar, Document, Sent, as_json, work_order
from tests.acceptance.tap import Tap
from tests.acceptance.willow import Willow

PARTITIONS = 4
PATIENCE = 60.0
"""Seconds until something that was waited for counts as missing; all of it takes a few."""
STOP_SECONDS = 45.0
"""A worker waits for its creates up to the request time-out, and then for its acknowledgements."""
_TAIL_LINES = 60
_CALLS = ("put_ticket", "patch_ticket", "get_ticket", "list_tickets")

Outcome = Mapping[str, Any]
Message = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]


class Worker(Child):
    """A ``willow-sync worker`` process with its log."""

    def __init__(self, name: str, config: Path, *options: str) -> None:
        super().__init__(name, willow_sync("worker", "--config", str(config), *options), config.with_suffix(".log"))
        self.wanted = False
        self.faults: Counter[str] = Counter()

    def start(self) -> None:
        self.wanted = True
        super().start()

    def kill(self) -> None:
        self.wanted = False
        self.faults["kills"] += self.running
        super().kill()

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self.wanted = False
        self.faults["sigterms"] += self.running
        super().stop(timeout)

    def freeze(self) -> None:
        """SIGSTOP: the process stands still, and its connections stay open."""
        self.faults["freezes"] += 1
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def resident_mib(self) -> int | None:
        """Memory in use; None where there is no /proc, or it does not run."""
        status = Path(f"/proc/{self._process.pid if self._process else 0}/status")
        try:
            found = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
        except (OSError, StopIteration):
            return None
        return int(found.split()[1]) // 1024

    @property
    def exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def tail(self) -> str:
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])

    def has_said(self, text: str) -> bool:
        return self.log.exists() and text in self.log.read_text("utf-8", "replace")


class Stage:
    """``willow_port`` names the port of a Willow that is not up yet; else it is started. ``changes`` are settings,
    section by section. Close it."""

    def __init__(
        self,
        bootstrap_servers: str,
        folder: Path,
        *,
        lists: Lists | None = None,
        willow_port: int | None = None,
        **changes: Any,
    ) -> None:
        self.name = f"a{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self.bootstrap_servers = bootstrap_servers
        self.willow = Willow(folder / "willow.ndjson", lists)
        self._willow_port = willow_port
        if willow_port is None:
            self.willow.start()
        self._changes = changes
        self.settings = self._settings(self.name)
        self.make_topics(self.settings)
        self.workers: list[Worker] = []
        self.sent: list[Sent] = []
        self.twins: dict[str, str] = {}
        """Entity id → Willow twin id, as the entities say."""
        self.calendar = Calendar()
        self.faults: Counter[str] = Counter()
        """What a scenario does to others than its workers."""
        self.tap = Tap(bootstrap_servers, self.settings.topics)
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "partitioner": "murmur2_random"})
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})
        self.entities(*ESTATE)

    def told(self) -> str:
        """For the end of the run: what this scenario saw."""
        faults = sum((worker.faults for worker in self.workers), self.faults)
        calls = {name: count for name in _CALLS if (count := self.willow.calls(name))}
        figures = {"records": len(self.sent), "outcomes": len(self.tap.outcomes), **faults, **calls}
        return ", ".join(f"{count} {name}" for name, count in figures.items())

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.tap.close()
        self._producer.flush(5.0)
        # Else their threads end when the garbage is collected, perhaps at the exit and without a broker to say bye to.
        del self._producer, self._admin
        gc.collect()
        self.willow.close()

    # -- settings and workers ------------------------------------------------------------------------------------

    def start_willow(self) -> None:
        assert self._willow_port is not None
        self.willow.start(self._willow_port)

    def make_topics(self, settings: Settings) -> None:
        wrong = [state for state in ensure_topics(settings) if state.state not in ("present", "created")]
        assert not wrong, wrong

    def worker(self, *options: str, group: str | None = None, name: str | None = None, **changes: Any) -> Worker:
        """A worker that was started. ``group``: another consumer group on the same topics."""
        name = name or f"worker-{len(self.workers) + 1}"
        values = self._values(group or self.name, name, changes)
        if group is not None:
            self.make_topics(Settings.model_validate(values))
        config = self.folder / f"{name}.yml"
        config.write_text(yaml.safe_dump(values, allow_unicode=True))
        worker = Worker(name, config, *options)
        self.workers.append(worker)
        worker.start()
        return worker

    def _settings(self, group: str) -> Settings:
        return Settings.model_validate(self._values(group, "settings", {}))

    def _values(self, group: str, name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        port = self._willow_port
        willow = self.willow.base_url if port is None else f"http://127.0.0.1:{port}/api/v3"
        values: dict[str, Any] = {
            "kafka": {"bootstrap_servers": self.bootstrap_servers, "group_id": group, "session_timeout": "6s"},
            "willow": {
                "base_url": willow,
                "client_id": DEFAULT_CLIENT_ID,
                "client_secret": DEFAULT_CLIENT_SECRET,
                "request_timeout": "5s",
            },
            "topics": {
                "prefix": f"{self.name}.",
                "work_orders": f"{self.name}.in.work-orders",
                "entities": f"{self.name}.in.entities",
                "partitions": PARTITIONS,
            },
            "selected_sites": ["SITE1"],
            "in_doubt": {"then": "create", "settle": "3s"},
            "web": {"port": None},
            "data_dir": str(self.folder / f"{name}-data"),
        }
        for section, value in {**self._changes, **changes}.items():
            merge = isinstance(value, dict) and section in values
            values[section] = {**values[section], **value} if merge else value
        return values

    # -- producing -----------------------------------------------------------------------------------------------

    def change(self, order_id: str, **fields: Any) -> Sent:
        """A change of an order, as ``records.work_order`` makes it, with the next ``dateUpdated``."""
        return self.send_changes([work_order(order_id, self.calendar.next(), **fields)])[0]

    def send_changes(self, documents: Iterable[Document]) -> list[Sent]:
        """Flat records, keyed by their id, in this order."""
        listed = list(documents)
        ats = self._produce(
            self.settings.topics.work_orders, [(doc["id"].encode(), as_json(doc), ()) for doc in listed]
        )
        sent = [
            Sent(at, doc["id"].encode(), as_json(doc), order_id=doc["id"], fields=doc)
            for at, doc in zip(ats, listed, strict=True)
        ]
        self.sent += sent
        return sent

    def delete(self, order_id: str) -> Sent:
        """A tombstone."""
        return self.raw(order_id.encode(), None, order_id=order_id)

    def raw(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        *,
        order_id: str | None = None,
        fields: Mapping[str, Any] | None = None,
        poison: bool = False,
    ) -> Sent:
        """Any bytes; the rest is what the judge must know of them."""
        at = self._produce(self.settings.topics.work_orders, [(key, value, headers)])[0]
        sent = Sent(at, key, value, tuple(headers), order_id, fields, poison)
        self.sent.append(sent)
        return sent

    def entities(self, *documents: Document) -> None:
        messages = [(doc["id"].encode(), as_json(doc), ()) for doc in documents]
        self._produce(self.settings.topics.entities, messages)
        for doc in documents:
            for identity in doc["identities"]:
                self.twins[doc["id"]] = identity["value"].rpartition(":")[2]

    def _produce(self, topic: str, messages: Iterable[Message]) -> list[Coordinates]:
        places: list[dict[str, Any]] = []
        for key, value, headers in messages:
            place: dict[str, Any] = {}
            places.append(place)

            def keep(error: Any, message: Any, place: dict[str, Any] = place) -> None:
                place["error"], place["message"] = error, message

            self._producer.produce(topic, value, key, headers=list(headers), on_delivery=keep)
        self._producer.flush(PATIENCE)
        assert all(place and place["error"] is None for place in places), places
        return [Coordinates(topic, place["message"].partition(), place["message"].offset()) for place in places]

    # -- waiting -------------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Returns when it holds. Fails with what it waited for and the workers' last lines."""
        deadline = time.monotonic() + seconds
        while True:
            self.tap.drain(0.05)
            if condition():
                return
            for worker in self.workers:
                if worker.wanted and not worker.running:
                    raise AssertionError(f"{worker.name} ended by itself with {worker.exit_code}:\n{worker.tail()}")
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {worker.name}\n{worker.tail()}" for worker in self.workers)
                raise AssertionError(f"waited {seconds:g} s for {what}, in vain\n{logs}")

    def final(self, sent: Sent) -> Outcome:
        """The record's final outcome, waited for."""
        self.finals([sent])
        return self.tap.finals[sent.at][0]

    def finals(self, sent: Sequence[Sent], seconds: float = PATIENCE) -> list[Outcome]:
        """The final outcomes of all, waited for."""

        def missing() -> list[Sent]:
            return [item for item in sent if item.at not in self.tap.finals]

        what = f"the final outcomes of {len(sent)} records, the last of {sent[-1].order_id}"
        try:
            self.until(lambda: not missing(), what, seconds)
        except AssertionError as error:
            left = [f"{item.order_id} {item.at} parked={item.at in self.tap.parked}" for item in missing()]
            raise AssertionError(f"{len(left)} of {len(sent)} have no final outcome: {left[:5]}\n{error}") from error
        return [self.tap.finals[item.at][0] for item in sent]

    def parked(self, sent: Sent) -> Outcome:
        """The record's ``parked`` outcome, waited for."""
        self.until(lambda: sent.at in self.tap.parked, f"{sent.order_id} to be parked")
        return self.tap.parked[sent.at][0]

    def members(self, count: int, group: str | None = None) -> None:
        """Waits until so many workers share the partitions."""
        group = group or self.name

        def joined() -> bool:
            try:
                found = self._admin.describe_consumer_groups([group], request_timeout=10)[group].result()
            except KafkaException:
                # Before its first member a group has no coordinator.
                return False
            return found.state == ConsumerGroupState.STABLE and len(found.members) == count

        self.until(joined, f"{count} members in the group {group}")

    def stop(self, worker: Worker) -> None:
        """SIGTERM; it must end in order, with exit code 0."""
        worker.stop()
        assert worker.exit_code == 0, f"exit code {worker.exit_code} after {signal.SIGTERM!r}:\n{worker.tail()}"

    def lag(self, topic: str) -> int:
        """Records of a topic that the group has not committed yet."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": self.name, "log_level": 0})
        try:
            spots = consumer.committed([TopicPartition(topic, p) for p in range(PARTITIONS)], timeout=10)
            ends = [consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(PARTITIONS)]
        finally:
            consumer.close()
        return sum(end - max(0, spot.offset) for spot, end in zip(spots, ends, strict=True))
