"""``check`` on a real broker and the Willow emulator: a tick or a remedy for each thing a worker needs."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator
from streams.cli import main
from streams.kafka.topics import ensure_topics
from streams.settings import Settings

pytestmark = pytest.mark.kafka

SITE = {
    "id": "SITE1",
    "exactType": "Site",
    "name": "Harbour House",
    "identities": [{"value": "urn:willowinc:twin:id:TW-SITE-1", "scope": "ORG", "scopeId": "O"}],
}

Make = Callable[..., Settings]
Findings = list[dict[str, str]]


@pytest.fixture(scope="module")
def willow() -> Iterator[str]:
    """The base URL of an emulator in a thread of its own, for the command runs an event loop itself."""
    emulator = Emulator()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(timeout=10)
    yield emulator.base_url
    asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()


@pytest.fixture
def make(settings_for: Make, willow: str) -> Make:
    account = {"base_url": willow, "client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET}

    def settings(**changes: Any) -> Settings:
        changes["willow"] = {**account, **changes.get("willow", {})}
        return settings_for(**changes)

    return settings


@pytest.fixture
def check(tmp_path: Path) -> Callable[[Settings], tuple[int, Findings]]:
    def run(settings: Settings) -> tuple[int, Findings]:
        plain = settings.model_dump(mode="json")
        plain["willow"]["client_secret"] = settings.willow.client_secret.get_secret_value()
        file = tmp_path / "given.json"
        file.write_text(json.dumps(plain))
        ended = CliRunner().invoke(main, ["check", "--config", str(file), "--json"])
        assert DEFAULT_CLIENT_SECRET not in ended.output
        document = json.loads(ended.stdout)
        assert document["ok"] is (ended.exit_code == 0)
        return ended.exit_code, document["findings"]

    return run


def _send_site(settings: Settings) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    producer.produce(settings.topics.entities, json.dumps(SITE), "SITE1")
    assert producer.flush(20) == 0


def _of(findings: Findings, probe: str) -> Findings:
    return [finding for finding in findings if finding["probe"] == probe]


def test_all_is_well(make: Make, check: Callable[[Settings], tuple[int, Findings]]) -> None:
    settings = make(
        selected_sites=["SITE1", "TW-SITE-1"],
        enumerations={"job_status": {"mode": "map", "values": {"WIP": "In Progress"}, "default": "Open"}},
    )
    ensure_topics(settings)
    _send_site(settings)
    code, findings = check(settings)
    assert code == 0, findings
    probes = ["settings", "broker", "topics", "sites", "token", "permissions", "pages", "read shape"]
    probes += ["externalId filter", "lists", "enumerations", "orders", "proxies"]
    assert list(dict.fromkeys(finding["probe"] for finding in findings)) == probes
    assert [finding["message"] for finding in _of(findings, "sites")] == [
        f"'SITE1' (Harbour House) is in {settings.topics.entities}",
        f"'TW-SITE-1' (Harbour House) is in {settings.topics.entities}",
    ]
    assert _of(findings, "enumerations")[0]["message"] == "2 configured values are in Willow's lists"


def test_each_fault_has_its_remedy(make: Make, check: Callable[[Settings], tuple[int, Findings]]) -> None:
    settings = make(
        selected_sites=["SITE1", "NOWHERE"],
        enumerations={"job_type": {"mode": "map", "values": {"PM": "No such type"}}},
        on_delete="close",
        closed_status="Gone",
    )
    ensure_topics(settings)
    _send_site(settings)
    code, findings = check(settings)
    assert code == 1
    failed = [finding for finding in findings if finding["state"] == "failed"]
    assert [finding["message"].split(":")[0] for finding in failed] == [
        f"'NOWHERE' is not in {settings.topics.entities} (1 entity read)",
        "enumerations.job_type",
        "closed_status",
    ]
    assert all(finding["remedy"] for finding in failed)


def test_missing_topics_are_named(make: Make, check: Callable[[Settings], tuple[int, Findings]]) -> None:
    settings = make()
    code, findings = check(settings)
    assert code == 1
    missing = [finding["message"].split(":")[0] for finding in _of(findings, "topics")]
    assert {settings.topics.work_orders, settings.topics.name("outcomes")} <= set(missing)
    assert {_of(findings, probe)[0]["state"] for probe in ("sites", "orders")} == {"skipped"}


def test_an_empty_entity_topic_is_a_fault_even_for_all_sites(
    make: Make, check: Callable[[Settings], tuple[int, Findings]]
) -> None:
    settings = make()
    ensure_topics(settings)
    _, findings = check(settings)
    (site,) = _of(findings, "sites")
    assert site["state"] == "failed"
    assert "holds no entity" in site["message"]


def test_a_refused_token_skips_what_needs_it(make: Make, check: Callable[[Settings], tuple[int, Findings]]) -> None:
    settings = make(willow={"client_secret": "wrong"})
    ensure_topics(settings)
    _send_site(settings)
    code, findings = check(settings)
    assert code == 1
    states = {finding["probe"]: finding["state"] for finding in findings}
    assert states["token"] == "failed"
    assert {states[probe] for probe in ("permissions", "lists", "enumerations", "orders")} == {"skipped"}
    assert states["sites"] == "ok"


def test_wrong_settings_are_told_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "given.yml"
    file.write_text("selected_sites: [SITE1]\nconflat: off\n")
    ended = CliRunner().invoke(main, ["check", "--config", str(file)])
    assert ended.exit_code == 1
    assert "✗ settings: conflat: unknown setting" in ended.stdout
    assert "✗ settings: willow.client_id: not set" in ended.stdout
    assert "remedy: See the remedy of each above." in ended.stderr
