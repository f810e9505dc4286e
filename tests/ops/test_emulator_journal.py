"""The journal, the tickets' histories and the page: what a judge and a person read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    Call,
    Emulator,
    EmulatorError,
    FixedLatency,
    Journal,
    Kind,
    Perform,
)
from ops.emulator.journal import Entry

WAIT = 10.0
"""Seconds; a bound for events that come at once, never a measure."""


@asynccontextmanager
async def running(**switches: Any) -> AsyncIterator[tuple[Emulator, httpx.AsyncClient]]:
    emulator = Emulator(**switches)
    await emulator.start()
    try:
        async with httpx.AsyncClient(base_url=emulator.base_url) as client:
            form = {
                "grant_type": "client_credentials",
                "client_id": DEFAULT_CLIENT_ID,
                "client_secret": DEFAULT_CLIENT_SECRET,
            }
            answer = await client.post("/oauth2/token", data=form)
            client.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
            yield emulator, client
    finally:
        await emulator.stop()


def a_ticket(**fields: Any) -> dict[str, Any]:
    return {"externalId": "WO1", "summary": "Fan trips", "twinId": "TW1", **fields}


def replace(**fields: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value} for name, value in fields.items()]


async def entries(emulator: Emulator, client: httpx.AsyncClient, since: int = 0) -> list[dict[str, Any]]:
    answer = await client.get(f"{emulator.page_url}_emulator/journal?since={since}")
    assert answer.status_code == 200
    return [orjson.loads(line) for line in answer.content.splitlines()]


async def until(emulator: Emulator, client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    """The entries, as soon as there are ``count``: asking again is what lets the server go on."""
    async with asyncio.timeout(WAIT):
        while len(found := await entries(emulator, client)) < count:
            pass
    return found


class Held:
    """Keeps ticket writes waiting until ``release`` is set."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if call.operation == "put_ticket":
            self.arrived.set()
            await self.release.wait()
        return perform()


async def test_each_request_is_one_entry_with_what_a_judge_needs() -> None:
    async with running() as (emulator, client):
        ticket = (await client.put("/tickets", json=a_ticket())).json()
        await client.patch(f"/tickets/{ticket['id']}", json=replace(cause="Belt"))
        await client.get(f"/tickets/{ticket['id']}")
        await client.put("/tickets", json=a_ticket(summary=None))
        token, put, patch, get, refused = await entries(emulator, client)
        assert [entry["seq"] for entry in (token, put, patch, get, refused)] == [1, 2, 3, 4, 5]
        assert (token["operation"], token["body"]) == ("token", None)
        assert put["operation"] == "put_ticket"
        assert (put["method"], put["path"], put["status"]) == ("PUT", "/api/v3/tickets", 201)
        assert (put["ticketId"], put["externalId"], put["revision"]) == (ticket["id"], "WO1", 0)
        assert put["body"] == a_ticket()
        assert put["requestBytes"] > 0
        assert put["responseBytes"] > put["requestBytes"]
        assert put["arrivedMonotonic"] <= put["answeredMonotonic"]
        assert put["arrivedAt"] <= put["answeredAt"]
        assert (patch["ticketId"], patch["externalId"], patch["revision"]) == (ticket["id"], "WO1", 1)
        assert patch["body"] == replace(cause="Belt")
        assert (get["operation"], get["externalId"], get["body"]) == ("get_ticket", "WO1", None)
        assert (refused["status"], refused["ticketId"], refused["externalId"]) == (400, None, "WO1")
        # One client, one kept-alive connection.
        assert len({entry["connection"] for entry in (token, put, patch, get, refused)}) == 1
        assert await entries(emulator, client, since=4) == [refused]
        assert await entries(emulator, client, since=99) == []


async def test_the_secret_and_the_tokens_stay_out_of_the_journal(tmp_path: Path) -> None:
    file = tmp_path / "journal.ndjson"
    async with running(journal=file) as (_, client):
        await client.get("/tickets/status")
    assert DEFAULT_CLIENT_SECRET not in file.read_text()
    assert "earer" not in file.read_text()


@pytest.mark.parametrize("body", [b'{\n "summary":\r\n "a", "twinId": "b"\n}', b"{\n", b"\xff\n\xfe"])
async def test_an_entry_is_one_line_whatever_was_sent(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "journal.ndjson"
    async with running(journal=file) as (emulator, client):
        await client.put("/tickets", content=body, headers={"Content-Type": "application/json"})
        in_memory = await entries(emulator, client)
    assert [orjson.loads(line) for line in file.read_bytes().splitlines()] == in_memory
    assert len(in_memory) == 2


async def test_unknown_paths_are_in_the_journal_and_the_judges_own_calls_are_not() -> None:
    async with running() as (emulator, client):
        await client.get("/nothing")
        await client.get(emulator.page_url)
        assert [(entry["operation"], entry["status"]) for entry in await entries(emulator, client)] == [
            ("token", 200),
            (None, 404),
        ]


async def test_a_client_that_goes_away_leaves_a_ticket_and_an_entry_that_says_so() -> None:
    held = Held()
    async with running(behaviour=held) as (emulator, client):
        async with httpx.AsyncClient(base_url=emulator.base_url, headers=client.headers) as leaving:
            call = asyncio.create_task(leaving.put("/tickets", json=a_ticket()))
            await asyncio.wait_for(held.arrived.wait(), WAIT)
            call.cancel()
            await asyncio.wait([call])
        await client.get("/tickets/status")
        held.release.set()
        found = await until(emulator, client, 3)
        # The order is that of the answers; "request" is that of the arrivals.
        assert [entry["request"] for entry in found] == [1, 3, 2]
        assert (found[-1]["status"], found[-1]["clientGone"]) == (201, True)
        assert len(emulator.tickets) == 1


async def test_a_body_that_is_cut_off_is_never_performed() -> None:
    async with running() as (emulator, client):
        _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(emulator.base_url).port)
        writer.write(
            b"PUT /api/v3/tickets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: " + client.headers["Authorization"].encode() + b"\r\n"
            b'Content-Length: 100\r\n\r\n{"summary":"a","twinId":"b"}'
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        found = await until(emulator, client, 2)
        assert (found[-1]["operation"], found[-1]["status"]) == ("put_ticket", 499)
        assert len(emulator.tickets) == 0


async def test_stopping_ends_a_waiting_call_and_its_entry_has_no_status(tmp_path: Path) -> None:
    file, held = tmp_path / "journal.ndjson", Held()
    async with running(behaviour=held, journal=file) as (emulator, client):
        call = asyncio.create_task(client.put("/tickets", json=a_ticket()))
        await asyncio.wait_for(held.arrived.wait(), WAIT)
        await asyncio.wait_for(emulator.stop(), WAIT)
        with pytest.raises(httpx.TransportError):
            await call
    last = orjson.loads(file.read_bytes().splitlines()[-1])
    assert (last["operation"], last["externalId"], last["status"]) == ("put_ticket", "WO1", None)


async def test_the_latency_comes_before_the_commit() -> None:
    seen: list[tuple[float, int]] = []
    started: list[Emulator] = []

    async def sleep(seconds: float) -> None:
        seen.extend((seconds, len(emulator.tickets)) for emulator in started)

    async with running(behaviour=FixedLatency(0.05, sleep)) as (emulator, client):
        started.append(emulator)
        await client.put("/tickets", json=a_ticket())
        assert seen == [(0.05, 0)]
        assert len(emulator.tickets) == 1


def test_memory_is_bounded_and_a_gap_is_never_hidden() -> None:
    def entry(number: int) -> Entry:
        return Entry(number, 1, "GET", "/api/v3/tickets/status", "2026-11-02T09:14:11Z", 1.0)

    by_count = Journal(max_entries=3)
    by_bytes = Journal(max_bytes=2000)
    for number in range(1, 101):
        by_count.append(entry(number))
        by_bytes.append(entry(number))
    assert (by_count.first, by_count.last) == (98, 100)
    assert [orjson.loads(line)["seq"] for line in by_count.since(97)] == [98, 99, 100]
    assert [orjson.loads(line)["seq"] for line in by_count.since(99)] == [100]
    assert by_count.since(100) == []
    with pytest.raises(LookupError, match="entries 97 to 97 are no longer in memory"):
        by_count.since(96)
    assert 1 < by_bytes.last - by_bytes.first < 10
    assert sum(map(len, by_bytes.since(by_bytes.first - 1))) <= 2000


async def test_a_reader_who_is_too_late_is_told() -> None:
    async with running() as (emulator, client):
        emulator.journal._max_entries = 2
        for _ in range(3):
            await client.get("/tickets/status")
        answer = await client.get(f"{emulator.page_url}_emulator/journal")
        assert answer.status_code == 410
        assert "since=2" in answer.json()["detail"]
        answer = await client.get(f"{emulator.page_url}_emulator/journal?since=x")
        assert answer.status_code == 400


def test_a_journal_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "journal.ndjson"
    file.write_text('{"seq":1}\n')
    with pytest.raises(EmulatorError, match="is not empty") as caught:
        Emulator(journal=file)
    assert "--journal" in caught.value.remedy
    with pytest.raises(EmulatorError, match="can't write"):
        Emulator(journal=tmp_path / "missing" / "journal.ndjson")


async def test_tickets_and_stats_tell_histories_and_doubles() -> None:
    async with running(twins=["TW1"]) as (emulator, client):
        base = f"{emulator.page_url}_emulator"
        first = (await client.put("/tickets", json=a_ticket())).json()
        second = (await client.put("/tickets", json=a_ticket())).json()
        closed = emulator.lists.id_of(Kind.STATUSES, "Closed")
        await client.patch(f"/tickets/{first['id']}", json=replace(summary="x", statusId=closed))
        assert (await client.put("/tickets", json=a_ticket(twinId="TW2"))).status_code == 400
        assert (await client.post(f"{base}/twins", json=["TW2"])).json() == {"twins": 2}
        assert (await client.put("/tickets", json=a_ticket(externalId=None, twinId="TW2"))).status_code == 201

        told = (await client.get(f"{base}/tickets")).json()
        assert told["duplicates"] == {"WO1": [first["id"], second["id"]]}
        shown = told["tickets"][0]
        assert (shown["id"], shown["externalId"], shown["statusName"]) == (first["id"], "WO1", "Closed")
        assert [revision["changed"] for revision in shown["revisions"]] == [
            a_ticket(),
            {"summary": "x", "statusId": closed},
        ]
        # A revision names the journal's entry that made it.
        found = await entries(emulator, client)
        by_request = {entry["request"]: entry for entry in found}
        assert [by_request[revision["request"]]["revision"] for revision in shown["revisions"]] == [0, 1]

        stats = (await client.get(f"{base}/stats")).json()
        assert (stats["tickets"], stats["updates"], stats["duplicates"]) == (3, 1, 1)
        assert stats["requests"] == len(found)
        assert stats["inFlight"] == 0
        assert {"operation": "put_ticket", "status": 400, "count": 1} in stats["answers"]


async def test_added_twins_must_be_a_list_of_ids() -> None:
    async with running() as (emulator, client):
        for wrong in (b"{", b"{}", b'[""]'):
            answer = await client.post(f"{emulator.page_url}_emulator/twins", content=wrong)
            assert answer.status_code == 400


NASTY = '<script>alert("1")</script>&\'"'


async def test_the_page_shows_the_newest_tickets_and_escapes_everything() -> None:
    async with running() as (emulator, client):
        empty = await client.get(emulator.page_url)
        assert "No ticket yet" in empty.text
        await client.put("/tickets", json=a_ticket(externalId="WO-OLD"))
        body = a_ticket(
            externalId=NASTY,
            summary=NASTY,
            twinId=NASTY,
            customProperties={NASTY: NASTY},
            reporter={"name": NASTY},
        )
        ticket = (await client.put("/tickets", json=body)).json()
        await client.patch(f"/tickets/{ticket['id']}", json=replace(notes=NASTY))
        front = await client.get(emulator.page_url)
        part = await client.get(f"{emulator.page_url}?part")
        detail = await client.get(f"{emulator.page_url}ticket/{ticket['id']}")
        for page in (front, part, detail):
            assert page.status_code == 200
            assert "<script>alert" not in page.text
            assert "script-src 'sha256-" in page.headers["Content-Security-Policy"]
        assert "&lt;script&gt;alert(" in part.text
        assert front.text.index("&lt;script&gt;") < front.text.index("WO-OLD")
        assert f'href="/ticket/{ticket["id"]}"' in part.text
        assert part.text in front.text
        assert "notes:" in detail.text
        assert (await client.get(f"{emulator.page_url}ticket/none")).status_code == 404
