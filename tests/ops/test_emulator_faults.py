"""Each fault on the wire, and in the journal: what the client meets, and what was carried out all the same."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from ops.demo.evidence import accepted_writes, outstanding_writes, read_journal
from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, Faults, FixedLatency, Rule
from ops.emulator.faults import kinds

WAIT = 10.0
"""Seconds; a bound for events that come soon, never a measure."""
SOON = 0.1
"""Seconds of a fault that takes time."""

CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": DEFAULT_CLIENT_ID,
    "client_secret": DEFAULT_CLIENT_SECRET,
}


class Wire:
    """An emulator, a client that repeats nothing by itself, and the journal's file."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession, journal: Path) -> None:
        self.emulator = emulator
        self.session = session
        self._journal = journal

    async def token(self) -> None:
        status, body, _ = await self.call("POST", "/oauth2/token", data=CREDENTIALS)
        assert status == 200
        self.session.headers["Authorization"] = "Bearer " + orjson.loads(body)["access_token"]

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, bytes, Any]:
        async with self.session.request(method, self.emulator.base_url + path, **more) as answer:
            return answer.status, await answer.read(), answer.headers

    async def put(self, external_id: str = "WO1") -> tuple[int, bytes, Any]:
        return await self.call("PUT", "/tickets", json={"externalId": external_id, "summary": "a", "twinId": "TW"})

    async def ticket_id(self) -> str:
        """Of a ticket that is made without any fault."""
        return str(orjson.loads((await self.put("WO-ready"))[1])["id"])

    async def patch(self, ticket_id: str) -> tuple[int, bytes, Any]:
        document = [{"op": "replace", "path": "/summary", "value": "b"}]
        return await self.call("PATCH", f"/tickets/{ticket_id}", json=document)

    def fault(self, fault: kinds.Fault, **conditions: Any) -> None:
        self.emulator.faults.replace([Rule(name="it", fault=fault, **conditions)])

    def entries(self) -> list[dict[str, Any]]:
        return read_journal(self._journal)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT):
            while not holds():
                await asyncio.sleep(0.005)


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with running(tmp_path) as wire:
        yield wire


@asynccontextmanager
async def running(tmp_path: Path, **switches: Any) -> AsyncIterator[Wire]:
    journal = tmp_path / "journal.ndjson"
    emulator = Emulator(journal=journal, **switches)
    await emulator.start()
    try:
        timeout = aiohttp.ClientTimeout(WAIT)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=1)) as session:
            session._retry_connection = False
            wire = Wire(emulator, session, journal)
            await wire.token()
            yield wire
    finally:
        await emulator.stop()


def met(entry: dict[str, Any]) -> list[str]:
    return [fault["kind"] for fault in entry["faults"]]


async def test_commit_then_reset_on_a_reused_connection(wire: Wire) -> None:
    wire.fault(kinds.CommitThenReset(), connection="reused", limit=1)
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await wire.put()
    assert caught.value.errno == errno.ECONNRESET
    token, put = wire.entries()
    assert (put["connection"], put["callOnConnection"]) == (token["connection"], 2)
    assert (put["faults"], put["status"]) == ([{"rule": "it", "kind": "commit_then_reset"}], None)
    assert (put["committed"], put["acknowledged"]) == (True, False)
    (write,) = accepted_writes(wire.entries())
    assert (write.order_id, write.acknowledged) == ("WO1", None)
    assert [ticket.id for ticket in wire.emulator.tickets] == [write.ticket_id]
    assert (await wire.put("WO2"))[0] == 201
    assert wire.entries()[-1]["callOnConnection"] == 1


async def test_commit_then_504(wire: Wire) -> None:
    ready = await wire.ticket_id()
    wire.fault(kinds.CommitThenError())
    status, body, headers = await wire.put()
    assert (status, headers["Content-Type"]) == (504, "text/html")
    assert b"504 Gateway Timeout" in body
    assert (await wire.patch(ready))[0] == 504
    put, patch = wire.entries()[-2:]
    assert [(entry["committed"], entry["acknowledged"], entry["revision"]) for entry in (put, patch)] == [
        (True, False, 0),
        (True, False, 1),
    ]
    assert put["arrivedMonotonic"] <= put["committedMonotonic"] <= put["answeredMonotonic"]
    (changed,) = wire.emulator.tickets.with_external_ids(["WO-ready"])
    assert changed.fields["summary"] == "b"


@pytest.mark.parametrize("told", ["error", "reset"])
async def test_a_late_commit_is_two_entries_of_one_write(wire: Wire, told: Any) -> None:
    wire.fault(kinds.LateCommit(seconds=SOON, told=told), limit=1)
    if told == "error":
        assert (await wire.put())[0] == 504
    else:
        with pytest.raises(aiohttp.ClientOSError):
            await wire.put()
    assert len(wire.emulator.tickets) == 0
    request = wire.entries()[-1]
    assert (request["event"], request["committed"], request["ticketId"]) == ("request", False, None)
    assert outstanding_writes(wire.entries()) == {request["request"]}
    await wire.until(lambda: len(wire.entries()) == 3)
    late = wire.entries()[-1]
    assert (late["event"], late["request"], late["seq"]) == ("commit", request["request"], 3)
    assert (late["committed"], late["acknowledged"], late["revision"]) == (True, False, 0)
    assert late["committedMonotonic"] >= late["commitDueMonotonic"] - 0.01 > late["answeredMonotonic"]
    (ticket,) = wire.emulator.tickets
    assert [write.ticket_id for write in accepted_writes(wire.entries())] == [ticket.id] == [late["ticketId"]]
    assert outstanding_writes(wire.entries()) == set()


async def test_a_late_commit_happens_though_the_client_has_gone(wire: Wire) -> None:
    wire.fault(kinds.LateCommit(seconds=0.3, told="silence"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.put(), 0.05)
    assert len(wire.emulator.tickets) == 0
    await wire.until(lambda: wire.entries()[-1]["event"] == "commit")
    request, late = wire.entries()[-2:]
    assert (request["status"], request["clientGone"], request["committed"]) == (None, True, False)
    assert (late["committed"], late["externalId"]) == (True, "WO1")
    assert len(wire.emulator.tickets) == 1


async def test_a_late_commit_that_the_client_waited_for_is_told_once(wire: Wire) -> None:
    wire.fault(kinds.LateCommit(seconds=0.05, told="silence"))
    with pytest.raises(aiohttp.ClientError):
        await wire.put()
    await wire.until(lambda: outstanding_writes(wire.entries()) == set() and len(wire.entries()) > 1)
    assert len(accepted_writes(wire.entries())) == 1


async def test_a_late_write_that_willow_refuses_or_never_does_says_so(wire: Wire) -> None:
    wire.fault(kinds.LateCommit(seconds=0.05))
    await wire.call("PUT", "/tickets", json={"summary": "no twin"})
    await wire.until(lambda: wire.entries()[-1]["event"] == "commit")
    assert wire.entries()[-1]["committed"] is False
    wire.fault(kinds.LateCommit(seconds=60))
    await wire.put()
    await wire.emulator.stop()
    assert (wire.entries()[-1]["event"], wire.entries()[-1]["committed"]) == ("commit", False)
    assert outstanding_writes(wire.entries()) == set()
    assert accepted_writes(wire.entries()) == []


async def test_silence_ends_with_the_client_or_with_its_time(wire: Wire) -> None:
    wire.fault(kinds.Silence(committed=True))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.put(), 0.05)
    await wire.until(lambda: len(wire.entries()) == 2)
    entry = wire.entries()[-1]
    assert (entry["status"], entry["clientGone"], entry["committed"], entry["acknowledged"]) == (
        None,
        True,
        True,
        False,
    )
    wire.fault(kinds.Silence(seconds=0.05))
    with pytest.raises(aiohttp.ClientOSError):
        await wire.put("WO2")
    assert wire.entries()[-1]["committed"] is False


async def test_reset_carries_nothing_out(wire: Wire) -> None:
    wire.fault(kinds.Reset())
    with pytest.raises(aiohttp.ClientOSError):
        await wire.put()
    assert (wire.entries()[-1]["status"], wire.entries()[-1]["committed"]) == (None, False)
    assert len(wire.emulator.tickets) == 0


async def test_drip_sends_the_body_in_small_pieces(wire: Wire) -> None:
    wire.fault(kinds.Drip(seconds=SOON))
    loop, pieces = asyncio.get_running_loop(), list[float]()
    document = {"externalId": "WO1", "summary": "a", "twinId": "TW"}
    async with wire.session.put(wire.emulator.base_url + "/tickets", json=document) as answer:
        start, body = loop.time(), b""
        async for piece in answer.content.iter_any():
            pieces.append(loop.time() - start)
            body += piece
    assert orjson.loads(body)["externalId"] == "WO1"
    assert len(pieces) > 5
    assert pieces[-1] > SOON / 2
    entry = wire.entries()[-1]
    assert (entry["status"], entry["acknowledged"], entry["responseBytes"]) == (201, True, len(body))
    assert entry["answeredMonotonic"] - entry["committedMonotonic"] >= SOON * 0.9


async def test_a_drip_that_the_client_left_was_never_acknowledged(wire: Wire) -> None:
    wire.fault(kinds.Drip(seconds=60))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(wire.put(), 0.05)
    await wire.until(lambda: len(wire.entries()) == 2)
    entry = wire.entries()[-1]
    assert (entry["committed"], entry["acknowledged"], entry["clientGone"]) == (True, False, True)


async def test_truncated_json_short_and_cut_off(wire: Wire) -> None:
    wire.fault(kinds.Truncated(keep=0.5))
    status, body, _ = await wire.put()
    assert status == 201
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body)
    wire.fault(kinds.Truncated(announced="full"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await wire.put("WO2")
    short, cut = wire.entries()[-2:]
    for entry in (short, cut):
        assert (entry["status"], entry["committed"], entry["acknowledged"]) == (201, True, False)
    assert 0 < cut["responseBytes"] <= short["responseBytes"]
    assert len(wire.emulator.tickets) == 2


async def test_2xx_without_id(wire: Wire) -> None:
    wire.fault(kinds.WithoutId())
    status, body, _ = await wire.put()
    document = orjson.loads(body)
    assert (status, document["externalId"], "id" in document) == (201, "WO1", False)
    assert (wire.entries()[-1]["committed"], wire.entries()[-1]["acknowledged"]) == (True, False)
    # A refusal has no id anyway: it stays what it is.
    assert (await wire.call("PUT", "/tickets", json={}))[0] == 400


async def test_429_in_its_three_forms(wire: Wire) -> None:
    wire.fault(kinds.TooManyRequests(retry_after=7))
    status, body, headers = await wire.put()
    assert (status, headers["Retry-After"], orjson.loads(body)["status"]) == (429, "7", 429)
    wire.fault(kinds.TooManyRequests(form="date", retry_after=7))
    status, _, headers = await wire.put()
    at, dated = parsedate_to_datetime(headers["Retry-After"]), parsedate_to_datetime(headers["Date"])
    assert headers["Retry-After"].endswith(" GMT")
    assert 7 <= (at - dated).total_seconds() <= 9
    wire.fault(kinds.TooManyRequests(form="plain"))
    status, body, headers = await wire.put()
    assert (status, headers["Content-Type"]) == (429, "text/plain; charset=utf-8")
    assert "Retry-After" not in headers
    assert body == b"Too many requests; slow down."
    assert [entry["committed"] for entry in wire.entries()[1:]] == [False] * 3


async def test_401_once_for_good_and_until_the_token_is_renewed(wire: Wire) -> None:
    wire.fault(kinds.Unauthorized(), limit=1)
    assert [(await wire.put())[0] for _ in range(2)] == [401, 201]
    wire.fault(kinds.Unauthorized())
    assert [(await wire.put())[0] for _ in range(3)] == [401, 401, 401]
    wire.fault(kinds.RevokedToken(), nth=2)
    assert [(await wire.put())[0] for _ in range(4)] == [201, 401, 401, 401]
    assert met(wire.entries()[-1]) == ["revoked_token"]
    await wire.token()
    assert (await wire.put())[0] == 201
    assert "earer" not in orjson.dumps(wire.entries()).decode()


async def test_a_refused_token(wire: Wire) -> None:
    wire.fault(kinds.TokenRefused(status=400, error="unauthorized_client"))
    status, body, _ = await wire.call("POST", "/oauth2/token", data=CREDENTIALS)
    assert (status, orjson.loads(body)["error"]) == (400, "unauthorized_client")
    assert (await wire.put())[0] == 201


async def test_refusals_with_and_without_errors(wire: Wire) -> None:
    ready = await wire.ticket_id()
    wire.fault(kinds.Refusal(status=403))
    status, body, headers = await wire.put()
    assert (status, orjson.loads(body)["title"]) == (403, "Forbidden")
    assert headers["Content-Type"].startswith("application/problem+json")
    wire.fault(kinds.Refusal(status=404))
    assert ((await wire.put())[0], (await wire.patch(ready))[0]) == (404, 404)
    for code in (400, 409, 413, 422):
        wire.fault(kinds.Refusal(status=code, errors={"/priorityId": ("not known",)}))
        status, body, _ = await wire.patch(ready)
        assert (status, orjson.loads(body)["errors"]) == (code, {"/priorityId": ["not known"]})
    wire.fault(kinds.Refusal(status=408))
    assert (await wire.patch(ready))[0] == 408
    assert [ticket.fields["summary"] for ticket in wire.emulator.tickets] == ["a"]


async def test_a_storm_of_server_errors_is_drawn_by_its_seed(wire: Wire) -> None:
    async def storm() -> list[int]:
        wire.fault(kinds.ServerErrors(statuses=(500, 502, 503)), probability=0.7)
        return [(await wire.put())[0] for _ in range(30)]

    first = await storm()
    assert {500, 502, 503, 201} == set(first)
    assert await storm() == first
    refused = [entry for entry in wire.entries() if met(entry)]
    assert not any(entry["committed"] for entry in refused)


async def test_an_outage_refuses_connections_and_resets_those_there_are(wire: Wire) -> None:
    wire.fault(kinds.Silence(), operations=("get_ticket",))
    waiting = asyncio.create_task(wire.call("GET", "/tickets/x"))
    await asyncio.sleep(0.05)
    wire.fault(kinds.Refuse(), until=0.3)
    with pytest.raises(aiohttp.ClientOSError) as caught:
        await waiting
    assert caught.value.errno == errno.ECONNRESET
    base_url = wire.emulator.base_url
    with pytest.raises(aiohttp.ClientConnectorError) as refused:
        await wire.put()
    assert refused.value.os_error.errno == errno.ECONNREFUSED

    async def answers(expected: int | None) -> None:
        """Asks until it is so: a status, or None for refused."""
        async with asyncio.timeout(WAIT):
            while True:
                try:
                    found: int | None = (await wire.call("GET", "/tickets/status"))[0]
                except aiohttp.ClientOSError as error:
                    found = None if error.errno == errno.ECONNREFUSED else 0
                if found == expected:
                    return
                await asyncio.sleep(0.01)

    await answers(200)
    assert wire.emulator.faults.seconds >= 0.3
    assert wire.emulator.base_url == base_url
    # Rules that are taken away in the middle of an outage end it.
    wire.fault(kinds.Refuse(), until=60)
    await answers(None)
    wire.emulator.faults.replace([])
    await answers(200)


@pytest.mark.parametrize(
    "latency",
    [
        kinds.FixedLatency(seconds=SOON, wait="after_commit"),
        kinds.UniformLatency(low=SOON, high=SOON),
        kinds.LognormalLatency(median=SOON, sigma=0),
    ],
)
async def test_latencies_come_before_or_after_the_commit_and_besides_other_faults(
    wire: Wire, latency: kinds.Latency
) -> None:
    wire.emulator.faults.replace([Rule(fault=kinds.CommitThenError()), Rule(fault=latency)])
    assert (await wire.put())[0] == 504
    entry = wire.entries()[-1]
    assert met(entry) == [latency.kind, "commit_then_error"]
    before = entry["committedMonotonic"] - entry["arrivedMonotonic"]
    after = entry["answeredMonotonic"] - entry["committedMonotonic"]
    slow, quick = (after, before) if latency.wait == "after_commit" else (before, after)
    assert slow >= SOON * 0.9 > quick


async def test_a_ticket_is_in_no_list_until_it_has_lived_some_time(wire: Wire) -> None:
    async def total(**body: Any) -> int:
        _, found, _ = await wire.call("POST", "/tickets", json=body)
        return int(orjson.loads(found)["total"])

    filtered = {"filterSpecifications": [{"field": "externalId", "operator": "in", "value": ["WO1"]}]}
    wire.fault(kinds.Unlisted(seconds=0.2))
    _, body, _ = await wire.put()
    assert (await total(), await total(**filtered)) == (0, 0)
    assert met(wire.entries()[-1]) == ["unlisted"]
    assert (await wire.call("GET", f"/tickets/{orjson.loads(body)['id']}"))[0] == 200
    await asyncio.sleep(0.25)
    assert (await total(), await total(**filtered)) == (1, 1)


async def test_faults_are_read_and_replaced_while_it_runs(wire: Wire) -> None:
    control = wire.emulator.page_url + "_emulator/faults"
    yaml_text = "seed: 3\nrules:\n- {name: storm, every: 2, fault: {kind: too_many_requests, retry_after: 4}}\n"
    async with wire.session.put(control, data=yaml_text) as answer:
        assert answer.status == 200
    assert [(await wire.put())[0] for _ in range(3)] == [201, 429, 201]
    async with wire.session.get(control) as answer:
        shown = await answer.json()
    (rule,) = shown["rules"]
    assert rule == {
        "name": "storm",
        "every": 2,
        "fault": {"kind": "too_many_requests", "form": "seconds", "retry_after": 4},
        "matched": 3,
        "applied": 1,
    }
    async with wire.session.put(control, data='{"rules": [{"fault": "drizzle"}]}') as answer:
        problem = await answer.json()
    assert answer.status == 400
    assert "drizzle" in problem["detail"]
    assert list(problem["errors"]) == ["rules.0.fault"]
    assert [(await wire.put())[0] for _ in range(2)] == [429, 201]
    async with wire.session.put(control, data='{"rules": []}') as answer:
        assert (await answer.json())["rules"] == []
    assert [(await wire.put())[0] for _ in range(2)] == [201, 201]


async def test_the_behaviour_answers_what_no_rule_spoils(tmp_path: Path) -> None:
    waits = list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    rules = [Rule(orders="WO-bad*", fault=kinds.ServerErrors(statuses=(503,)))]
    async with running(tmp_path, behaviour=Faults(rules, otherwise=FixedLatency(9.0, sleep))) as wire:
        assert [(await wire.put(name))[0] for name in ("WO-bad7", "WO-good")] == [503, 201]
    assert waits == [9.0, 9.0]
    again = tmp_path / "again"
    again.mkdir()
    async with running(again, behaviour=FixedLatency(9.0, sleep)) as wire:
        wire.fault(kinds.Refusal(status=403))
        assert (await wire.put())[0] == 403
    assert waits == [9.0, 9.0, 9.0]
