"""What ``check`` finds out about a Willow: permissions and manners, by calls that change nothing."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, ReadShape, Rule
from ops.emulator.faults import kinds
from streams.cli.finding import Finding
from streams.cli.probes import PROXY_NOTE
from streams.cli.probes_tickets import behaviour, permissions
from streams.willow import WillowClient

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def willow(**options: Any) -> AsyncIterator[tuple[Emulator, WillowClient]]:
    emulator = Emulator(**options)
    await emulator.start()
    try:
        async with WillowClient(emulator.base_url, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET) as client:
            yield emulator, client
    finally:
        await emulator.stop()


def told(findings: list[Finding]) -> dict[str, tuple[str, str]]:
    return {finding.probe: (finding.state, finding.message) for finding in findings}


async def test_permissions_are_tried_without_a_trace() -> None:
    async with willow() as (emulator, client):
        findings = [finding async for finding in permissions(client)]
        assert not list(emulator.tickets)
    assert [(finding.state, finding.message.split(":")[0]) for finding in findings] == [
        ("ok", "list tickets"),
        ("ok", "read a ticket"),
        ("ok", "change a ticket"),
        ("ok", "read twins"),
        ("note", "create a ticket"),
    ]


@pytest.mark.parametrize(
    ("operation", "status", "what", "state"),
    [
        ("list_tickets", 403, "list tickets", "failed"),
        ("patch_ticket", 403, "change a ticket", "failed"),
        ("patch_ticket", 400, "change a ticket", "note"),
        ("count_twins", 403, "read twins", "note"),
        ("list_tickets", 404, "list tickets", "failed"),
    ],
)
async def test_a_missing_permission_is_told_with_its_remedy(operation: str, status: int, what: str, state: str) -> None:
    async with willow() as (emulator, client):
        emulator.faults.replace([Rule(operations=(operation,), fault=kinds.Refusal(status=status))])
        findings = [finding async for finding in permissions(client)]
    (found,) = (finding for finding in findings if finding.message.startswith(what))
    assert found.state == state
    assert found.remedy
    assert str(status) in found.message


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", list(ReadShape))
async def test_its_manners_are_seen_by_its_tickets(base: int, count: int, shape: ReadShape) -> None:
    async with willow(page_base=base, read_shape=shape) as (_, client):
        for number in range(count):
            await client.put_ticket({"summary": "Leak", "twinId": "TW", "externalId": f"WO{number}"})
        found = told([finding async for finding in behaviour(client)])
    assert found["pages"] == ("ok", f"the first page of a list is number {base}")
    assert found["read shape"][0] == "ok"
    assert ("newer" in found["read shape"][1]) is (shape is ReadShape.NEW)
    assert found["externalId filter"] == ("ok", "finds tickets by it ('WO0' is there)")


async def test_a_filter_that_is_ignored_is_told_with_what_it_means() -> None:
    async with willow(filter_support=False) as (_, client):
        await client.put_ticket({"summary": "Leak", "twinId": "TW", "externalId": "WO1"})
        findings = [finding async for finding in behaviour(client)]
    assert told(findings)["externalId filter"] == ("note", "Willow ignores or refuses a filter by externalId")
    assert "in_doubt.then: hold" in findings[-1].remedy


async def test_an_empty_willow_proves_nothing() -> None:
    async with willow() as (_, client):
        found = told([finding async for finding in behaviour(client)])
    assert {state for state, _ in found.values()} == {"note"}


def test_what_a_proxy_must_not_do_is_told_by_the_command_and_by_the_documents() -> None:
    assert "repeats PUTs" in PROXY_NOTE.message
    for document in ("README.md", "docs/guarantees.md"):
        text = " ".join((ROOT / document).read_text("utf-8").split())
        assert re.search(r"proxy between (the )?workers? and Willow.{0,20} repeats? (a )?PUT", text), document
    assert "proxy_next_upstream off" in PROXY_NOTE.remedy
