"""What Willow says when it says no, and what becomes of it.

``Scripted`` stands where the emulator lets faults in: it answers in Willow's place, or lets the call through.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    Call,
    Emulator,
    Perform,
)
from streams.delivery.answers import refused_fields
from streams.willow import (
    PROPERTIES,
    NoAnswer,
    NotSent,
    NotSentReason,
    Refused,
    TokenRefused,
    WillowClient,
)

Step = Callable[[Call], Answer]


def says(status: int, body: bytes = b"", **headers: str) -> Step:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda call: Answer(status, body, named)


def repeats_the_bearer(call: Call) -> Answer:
    return Answer(500, f"your headers: {call.authorization}".encode(), {})


@dataclass
class Scripted:
    """Operation → the steps of its next calls; after them calls go through."""

    steps: dict[str, list[Step]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        self.calls.append(call)
        waiting = self.steps.get(call.operation)
        return waiting.pop(0)(call) if waiting else perform()

    @property
    def seen(self) -> list[str]:
        return [call.operation for call in self.calls]


@dataclass
class World:
    emulator: Emulator
    client: WillowClient
    script: Scripted
    waits: list[float]
    measured: list[tuple[str, int | None]]


@asynccontextmanager
async def world(secret: str = DEFAULT_CLIENT_SECRET, **options: Any) -> AsyncIterator[World]:
    script, waits, measured = Scripted(), list[float](), list[tuple[str, int | None]]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def observe(operation: str, status: int | None, seconds: float) -> None:
        measured.append((operation, status))

    emulator = Emulator(behaviour=script, **options)
    await emulator.start()
    client = WillowClient(
        emulator.base_url,
        DEFAULT_CLIENT_ID,
        secret,
        request_timeout=20,
        max_connections=8,
        wall_clock=lambda: 1_793_610_000.0,
        sleep=sleep,
        jitter=lambda: 0.0,
        observe=observe,
    )
    try:
        async with client:
            yield World(emulator, client, script, waits, measured)
    finally:
        await emulator.stop()


def fields(external_id: str = "WO1", **more: Any) -> dict[str, Any]:
    return {"externalId": external_id, "summary": "Leak", "twinId": "TW-1", **more}


async def create(client: WillowClient, count: int) -> list[str]:
    return [(await client.put_ticket(fields(f"WO{number}"))).id for number in range(count)]


async def test_a_filter_that_is_refused_is_not_honoured() -> None:
    async with world() as w:
        w.script.steps["list_tickets"] = [says(400)]

        assert not (await w.client.find_by_external_ids(["WO4"])).honoured


async def test_a_validation_error_names_the_fields() -> None:
    sent = fields(twinId="TW-9", categoryId="not a uuid")
    async with world(twins=["TW-1"]) as w:
        with pytest.raises(Refused) as refused:
            await w.client.put_ticket(sent)

        assert refused.value.status == 400
        named = refused_fields(refused.value.errors, list(sent), PROPERTIES, listed=False)
        assert set(named) == {"twinId", "categoryId"}
        assert "TW-9" in str(refused.value)


async def test_a_ticket_that_does_not_exist() -> None:
    missing = "00000000-0000-4000-8000-000000000000"
    async with world() as w:
        with pytest.raises(Refused) as on_get:
            await w.client.get_ticket(missing)
        with pytest.raises(Refused) as on_patch:
            await w.client.patch_ticket(missing, {"summary": "S"})

        assert (on_get.value.status, on_patch.value.status) == (404, 404)
        assert on_patch.value.path == f"/tickets/{missing}"


async def test_a_patch_may_be_answered_without_a_body() -> None:
    async with world() as w:
        w.script.steps["patch_ticket"] = [says(204)]

        ticket = await w.client.patch_ticket("T1", {"summary": "S"})

        assert (ticket.id, ticket.http_status) == ("T1", 204)


RETRY_AFTERS = [({}, None), ({"Retry_After": "7"}, 7.0), ({"Retry_After": "Mon, 02 Nov 2026 09:01:30 GMT"}, 90.0)]


@pytest.mark.parametrize(("headers", "seconds"), RETRY_AFTERS)
async def test_too_many_calls_in_all_three_forms(headers: dict[str, str], seconds: float | None) -> None:
    words = b"You have exceeded the limit of 20 calls per 10 seconds; use bulk calls."
    async with world() as w:
        w.script.steps["put_ticket"] = [says(429, words, Content_Type="text/plain", **headers)]
        with pytest.raises(Refused) as refused:
            await w.client.put_ticket(fields())

        assert refused.value.retry_after == seconds
        assert refused.value.problem is None
        assert refused.value.text == words.decode()
        assert w.script.seen.count("put_ticket") == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 504])
async def test_the_client_never_repeats_a_write(status: int) -> None:
    async with world() as w:
        ticket = await w.client.put_ticket(fields())
        for operation in ("put_ticket", "patch_ticket", "get_ticket"):
            w.script.steps[operation] = [says(status)]
        w.script.calls.clear()

        for call in (
            w.client.put_ticket(fields("WO2")),
            w.client.patch_ticket(ticket.id, {"summary": "S"}),
            w.client.get_ticket(ticket.id),
        ):
            with pytest.raises(Refused):
                await call
        assert w.script.seen == ["put_ticket", "patch_ticket", "get_ticket"]
        assert w.waits == []


async def test_lists_are_repeated_after_faults_of_the_moment() -> None:
    async with world() as w:
        await create(w.client, 2)
        w.script.steps["list_tickets"] = [
            says(503, Retry_After="3"),
            says(429),
            says(200, b'{"items":['),
        ]

        assert len([ticket async for ticket in w.client.list_tickets()]) == 2
        assert w.waits == [3.0, 0.0, 0.0]


async def test_a_401_renews_the_token_once_and_the_call_goes_through() -> None:
    async with world() as w:
        await w.client.authenticate()
        w.script.steps["put_ticket"] = [says(401)]

        ticket = await w.client.put_ticket(fields())

        assert ticket.http_status == 201
        assert w.script.seen.count("put_ticket") == 2
        assert sum(operation == "token" for operation, _ in w.measured) == 2


async def test_many_401s_at_once_renew_the_token_once() -> None:
    async with world() as w:
        await w.client.authenticate()
        w.script.steps["put_ticket"] = [says(401)] * 8

        await asyncio.gather(*(w.client.put_ticket(fields(f"WO{number}")) for number in range(8)))

        assert sum(operation == "token" for operation, _ in w.measured) == 2


async def test_a_second_401_is_a_refusal() -> None:
    async with world() as w:
        w.script.steps["put_ticket"] = [says(401), says(401)]
        with pytest.raises(Refused) as refused:
            await w.client.put_ticket(fields())

        assert refused.value.status == 401
        assert w.script.seen.count("put_ticket") == 2


async def test_wrong_credentials_are_never_sent_and_never_shown() -> None:
    async with world(secret="wr0ng-secret") as w:
        with pytest.raises(TokenRefused) as refused:
            await w.client.put_ticket(fields())

        assert isinstance(refused.value, NotSent)
        assert (refused.value.method, refused.value.path) == ("PUT", "/tickets")
        said = str(refused.value)
        assert said.startswith("PUT /tickets: the token was refused: Willow answered 40")
        assert said.count("request id") == 1
        assert "oauth2" not in said
        assert "wr0ng-secret" not in f"{refused.value} {refused.value!r} {w.client!r}"
        assert w.waits == []


async def test_a_token_endpoint_that_is_down_is_a_fault_of_the_moment() -> None:
    async with world() as w:
        w.script.steps["token"] = [says(503, Retry_After="60")]
        with pytest.raises(NotSent) as not_sent:
            await w.client.put_ticket(fields())

        assert not_sent.value.reason is NotSentReason.TOKEN
        assert not_sent.value.retry_after == 60.0
        assert not_sent.value.status == 503


async def test_a_redirect_is_not_followed() -> None:
    async with world() as w:
        w.script.steps["put_ticket"] = [says(307, Location="http://127.0.0.1:9/elsewhere")]
        with pytest.raises(Refused) as refused:
            await w.client.put_ticket(fields())

        assert refused.value.status == 307
        assert "elsewhere" in str(refused.value)


async def test_a_list_of_another_shape_is_unreadable_without_showing_it() -> None:
    async with world() as w:
        body = orjson.dumps([{"id": "1", "name": {"secret": "Ann"}}])
        w.script.steps["list_statuses"] = [says(200, body)] * 4
        with pytest.raises(NoAnswer) as unreadable:
            await w.client.statuses()
        assert "Ann" not in str(unreadable.value)
        assert "name" in str(unreadable.value)


async def test_an_error_page_that_repeats_the_bearer_does_not_carry_it_on() -> None:
    async with world() as w:
        w.script.steps["put_ticket"] = [repeats_the_bearer]
        with pytest.raises(Refused) as refused:
            await w.client.put_ticket(fields())

        bearer = w.script.calls[-1].authorization.removeprefix("Bearer ")
        assert bearer
        assert bearer not in f"{refused.value} {refused.value.text}"
        assert "Bearer ***" in refused.value.text
