"""The client against the Willow emulator: every operation, both read shapes, both page bases."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Emulator,
    ReadShape,
)
from streams.willow import (
    Filter,
    Refused,
    WillowClient,
    name_lookup,
)
from streams.willow.wire import UnknownField


@dataclass
class World:
    client: WillowClient
    measured: list[tuple[str, int | None]]


@asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    measured: list[tuple[str, int | None]] = []

    def observe(operation: str, status: int | None, seconds: float) -> None:
        measured.append((operation, status))

    emulator = Emulator(**options)
    await emulator.start()
    client = WillowClient(
        emulator.base_url,
        DEFAULT_CLIENT_ID,
        DEFAULT_CLIENT_SECRET,
        request_timeout=20,
        max_connections=8,
        observe=observe,
    )
    try:
        async with client:
            yield World(client, measured)
    finally:
        await emulator.stop()


def fields(external_id: str = "WO1", **more: Any) -> dict[str, Any]:
    return {"externalId": external_id, "summary": "Leak", "twinId": "TW-1", **more}


async def create(client: WillowClient, count: int) -> list[str]:
    return [(await client.put_ticket(fields(f"WO{number}"))).id for number in range(count)]


@pytest.mark.parametrize("shape", list(ReadShape))
async def test_create_change_and_read_back(shape: ReadShape) -> None:
    async with world(read_shape=shape) as w:
        statuses, priorities = await w.client.statuses(), await w.client.priorities()
        names = name_lookup(statuses, priorities)
        desired = fields(
            statusId=statuses[1].id,
            priorityId=priorities[0].id,
            reporter={"name": "Ann", "email": "a@x", "phone": None},
            assigneeType="user",
            assignee={"name": "Bob", "email": None},
            dueDate="2026-11-02T09:14:11.402Z",
            customProperties={"mappingKey": "m"},
        )

        created = await w.client.put_ticket(desired)
        changed = {"summary": "Big leak", "statusId": statuses[2].id, "dueDate": None}
        patched = await w.client.patch_ticket(created.id, changed)
        read = await w.client.get_ticket(created.id)

        assert (created.http_status, patched.http_status, read.http_status) == (201, 200, 200)
        assert created.compare(desired, names).to_send == {}
        assert read.compare({**desired, **changed}, names).to_send == {}
        assert read.status == statuses[2].name
        assert read.priority == priorities[0].name
        assert (read.external_id, read.summary, read.twin_id) == ("WO1", "Big leak", "TW-1")
        assert read.created_date
        assert read.updated_date
        assert ("put_ticket", 201) in w.measured


async def test_a_second_create_makes_a_second_ticket() -> None:
    async with world() as w:
        first, second = [await w.client.put_ticket(fields()) for _ in range(2)]

        assert first.id != second.id


async def test_an_unknown_field_is_refused_before_anything_is_sent() -> None:
    async with world() as w:
        with pytest.raises(UnknownField):
            await w.client.put_ticket({"jobStatus": "Open"})
        assert w.measured == []


@pytest.mark.parametrize("shape", list(ReadShape))
@pytest.mark.parametrize("base", [0, 1])
async def test_the_five_metadata_lists(shape: ReadShape, base: int) -> None:
    async with world(read_shape=shape, page_base=base) as w:
        statuses, priorities = await w.client.statuses(), await w.client.priorities()
        categories = await w.client.categories()
        job_types = await w.client.job_types()
        services = await w.client.services_needed()

        assert {"Open", "In Progress", "Closed"} <= {status.name for status in statuses}
        assert {"Urgent", "High", "Medium", "Low"} == {priority.name for priority in priorities}
        assert len(categories) > 3
        assert len(job_types) > 3
        assert {service.category_id for service in services} <= {category.id for category in categories}
        for entries in (statuses, priorities, categories, job_types, services):
            assert len({entry.id for entry in entries}) == len(entries)


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
async def test_listing_is_whole_whatever_the_page_base(base: int, count: int) -> None:
    async with world(page_base=base) as w:
        ids = await create(w.client, count)

        for _ in range(2):
            assert [ticket.id async for ticket in w.client.list_tickets(page_size=3)] == ids


async def test_one_page_as_willow_numbers_them() -> None:
    async with world(page_base=1) as w:
        ids = await create(w.client, 3)

        page = await w.client.ticket_page(2, page_size=2)

        assert [ticket.id for ticket in page.items] == ids[2:]
        assert (page.before, page.after, page.total) == (2, 0, 3)


@pytest.mark.parametrize("base", [0, 1])
async def test_a_look_up_by_external_ids(base: int) -> None:
    async with world(page_base=base) as w:
        await create(w.client, 5)

        found = await w.client.find_by_external_ids(["WO1", "WO3", "WO99"])
        nothing = await w.client.find_by_external_ids(["WO99"])

        assert sorted(ticket.external_id or "" for ticket in found.tickets) == ["WO1", "WO3"]
        assert found.honoured
        assert (nothing.tickets, nothing.honoured) == ((), True)


async def test_a_filter_that_is_ignored_is_noticed_at_once() -> None:
    async with world(filter_support=False) as w:
        await create(w.client, 5)
        w.measured.clear()

        found = await w.client.find_by_external_ids(["WO4"])

        assert not found.honoured
        assert len(w.measured) == 1


@pytest.mark.parametrize("ids", [[], [f"WO{number}" for number in range(101)]])
async def test_a_look_up_is_bounded(ids: list[str]) -> None:
    async with world() as w:
        with pytest.raises(ValueError, match="expected 1 to 100"):
            await w.client.find_by_external_ids(ids)


async def test_a_filter_of_ones_own_that_willow_refuses_says_so() -> None:
    async with world() as w:
        with pytest.raises(Refused) as refused:
            _ = [ticket async for ticket in w.client.list_tickets([Filter("colour", "=", "red")])]

        assert refused.value.status == 400


async def test_a_client_is_used_inside_async_with() -> None:
    client = WillowClient("http://127.0.0.1:9", "client", "secret")

    with pytest.raises(RuntimeError, match="async with"):
        await client.statuses()
    assert client.token_expires_in is None


@pytest.mark.parametrize("end", ["", "/", "/api/v3", "/api/v3/"])
def test_base_urls_in_every_spelling(end: str) -> None:
    client = WillowClient(f" https://example.app.willowinc.com{end} ", "client", "secret")

    assert client.base_url == "https://example.app.willowinc.com/api/v3"


@pytest.mark.parametrize("shape", list(ReadShape))
async def test_the_twins_that_exist_among_many_ids(shape: ReadShape) -> None:
    known = [f"TW-{number}" for number in range(150)]
    async with world(read_shape=shape, twins=known) as w:
        found = await w.client.twins_by_ids([*known, "TW-none"])

        assert [twin.id for twin in found] == known
        assert w.measured.count(("twins_by_ids", 200)) == 2
