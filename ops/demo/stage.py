"""The stage of the demo: a broker, the Willow emulator, topics and two workers, all under one folder."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml
from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from ops.demo.processes import Child, run_to_end, wait_until, willow_sync
from ops.kafka import Broker, KafkaRuntime, free_port
from ops.portfolio import Portfolio

WORKERS = 2
GROUP = "willow-sync-demo"
EMULATOR_LATENCY = 0.12
"""Seconds a Willow call takes: long enough that creates are in flight when the worker is killed."""
TOPICS = {
    "work_orders": "mapped.work-orders",
    "entities": "mapped.entities",
    "outcomes": "willow-sync.outcomes",
    "ticket_identities": "willow-sync.ticket-identities",
    "dead_letters": "willow-sync.dead-letters",
}
"""Setting → topic; written into the workers' settings, so that the demo and they agree."""

_EMULATOR_START = 20.0
_TOPICS_TIMEOUT = 60.0
_JOIN_TIMEOUT = 90.0
_ADDRESSES = re.compile(r"base URL (\S+), page (\S+)")


class Stage:
    """Everything that runs. ``folder`` must be empty; ``close()`` stops all of it, in reverse order."""

    def __init__(self, folder: Path, runtime: KafkaRuntime, portfolio: Portfolio) -> None:
        self.folder = folder
        self.broker = Broker(runtime, folder / "kafka", log=folder / "kafka.log")
        self.journal = folder / "willow-journal.ndjson"
        self.emulator = Child("the Willow emulator", self._emulator_command(), folder / "emulator.log")
        self.workers: list[Child] = []
        self.consoles: list[str] = []
        self.configs: list[Path] = []
        self.base_url = ""
        self.page_url = ""
        self._portfolio = portfolio

    @property
    def children(self) -> Sequence[Child]:
        return (self.emulator, *self.workers)

    def start_broker(self) -> None:
        """Raises KafkaSetupError."""
        self.broker.start()

    def start_emulator(self) -> None:
        """Raises DemoFailed."""
        (self.folder / "twins.json").write_text(json.dumps(self._portfolio.twins))
        (self.folder / "lists.json").write_text(json.dumps(self._portfolio.lists))
        (self.folder / "world.json").write_text(json.dumps(self._portfolio.world))
        self.emulator.start()
        wait_until(self._emulator_answers, "the Willow emulator", _EMULATOR_START, self.emulator.log)

    def create_topics(self) -> None:
        """As an operator does it: ``willow-sync topics``. Raises DemoFailed."""
        for number in range(1, WORKERS + 1):
            self._write_config(number)
        command = willow_sync("topics", "--config", str(self.configs[0]))
        run_to_end(Child("willow-sync topics", command, self.folder / "topics.log"), _TOPICS_TIMEOUT)

    def start_workers(self) -> None:
        """Starts the workers, and returns when both have their share of the partitions. Raises DemoFailed."""
        for number, config in enumerate(self.configs, 1):
            command = willow_sync("worker", "--config", str(config))
            self.workers.append(Child(f"worker {number}", command, self.folder / f"worker-{number}.log"))
            self.workers[-1].start()
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap_servers, "log_level": 0})
        what = f"{WORKERS} workers in the group {GROUP}"
        wait_until(lambda: self._joined(admin), what, _JOIN_TIMEOUT, self.workers[0].log)

    def close(self) -> None:
        """Stops everything; at most some 30 s, when nothing obeys."""
        for worker in self.workers:
            worker.terminate()
        for child in reversed(self.children):
            child.stop()
        # Its data is thrown away: no need to let it close its logs.
        self.broker.kill()

    def stats(self) -> dict[str, Any]:
        """The emulator's figures; empty when it does not answer just now."""
        return self._ask("_emulator/stats")

    def ticket_of(self, order_id: str) -> str | None:
        """Id of the first ticket with this externalId, as Willow's page would show it."""
        for ticket in self._ask("_emulator/tickets").get("tickets", ()):
            if ticket["externalId"] == order_id:
                return str(ticket["id"])
        return None

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = httpx.get(self.page_url + path, timeout=5.0).json()
        except (httpx.HTTPError, ValueError):
            return {}
        return found

    def _emulator_command(self) -> list[str]:
        files = {"--twins": "twins.json", "--lists": "lists.json", "--world": "world.json"}
        files["--journal"] = self.journal.name
        named = [part for option, name in files.items() for part in (option, str(self.folder / name))]
        return willow_sync("emulator", "--port", "0", "--latency", str(EMULATOR_LATENCY), *named)

    def _emulator_answers(self) -> bool:
        self.emulator.require_running()
        found = _ADDRESSES.search(self.emulator.log.read_text("utf-8", "replace"))
        if found:
            self.base_url, self.page_url = found.groups()
        return found is not None

    def _joined(self, admin: AdminClient) -> bool:
        for worker in self.workers:
            worker.require_running()
        try:
            group = admin.describe_consumer_groups([GROUP], request_timeout=10)[GROUP].result()
        except KafkaException:
            # Before the first member there is no coordinator, and then no group.
            return False
        return group.state == ConsumerGroupState.STABLE and len(group.members) == WORKERS

    def _write_config(self, number: int) -> None:
        port = free_port()
        config = self.folder / f"worker-{number}.yml"
        config.write_text(yaml.safe_dump(self._settings(number, port), allow_unicode=True, sort_keys=False))
        self.configs.append(config)
        self.consoles.append(f"http://127.0.0.1:{port}/")

    def _settings(self, number: int, port: int) -> dict[str, Any]:
        return {
            "kafka": {
                "bootstrap_servers": self.broker.bootstrap_servers,
                "group_id": GROUP,
                # The killed worker's partitions move after this time: short enough to wait for.
                "session_timeout": "6s",
            },
            "willow": {
                "base_url": self.base_url,
                "client_id": "emulator-client",
                "client_secret": "emulator-secret",
                "request_timeout": "5s",
            },
            "topics": {"partitions": 4, **TOPICS},
            **self._portfolio.settings,
            # Creates in flight at the kill are looked up after 5 s, and made anew if Willow never saw them.
            "in_doubt": {"then": "create", "settle": "5s"},
            "web": {"port": port},
            "data_dir": str(self.folder / f"worker-{number}-data"),
        }
