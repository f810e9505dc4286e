"""What the groups of the client share: limits, pages, errors, strict writes and tolerant reads."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from ops.emulator import Answer, Call, Perform
from streams.willow import (
    CategoryWrite,
    Conflict,
    CountTwins,
    EventType,
    EventWrite,
    Forbidden,
    Incomplete,
    Insight,
    Invalid,
    ListTwins,
    NoAnswer,
    NotFound,
    PointWrite,
    Refused,
    TicketWrite,
    TooManyRequests,
    Twin,
    Unauthorized,
    Unavailable,
    WillowClient,
)
from tests.willow.round_trips.rig import AHU, LEVEL, NOON, ONE, POINT, an_event, world

EMPTY: dict[str, Any] = {"content": [], "continuationToken": None}


def answers(operation: str, *documents: Any, status: int = 200) -> Callable[..., Any]:
    """A behaviour: the operation's calls get these answers, one after the other; all else goes through."""
    waiting = list(documents)

    async def behave(call: Call, perform: Perform) -> Answer:
        if call.operation != operation or not waiting:
            return perform()
        document = waiting.pop(0)
        body = document if isinstance(document, bytes) else orjson.dumps(document)
        return Answer(status, body, {"X-Request-Id": "willow-7"})

    return behave


async def test_twins_and_relationships_wait_together_and_time_series_apart() -> None:
    async with world() as w:
        for _ in range(10):
            await w.client.twins.get(AHU)
            await w.client.relationships.incoming(AHU)
        for _ in range(20):
            await w.client.time_series.latest(POINT)
        await w.client.models.get("dtmi:com:willowinc:Level;1")
        assert w.waits == []

        await w.client.twins.get(AHU)
        await w.client.time_series.latest(POINT)

        assert len(w.waits) == 2
        assert all(9 < seconds <= 10.5 for seconds in w.waits)


async def test_a_list_goes_on_by_its_token_even_over_an_empty_page() -> None:
    pages = [{"content": [], "continuationToken": "a"}, {"content": [{"id": "T"}], "continuationToken": "b"}, EMPTY]
    async with world(behaviour=answers("list_twins", *pages)) as w:
        assert [twin.id async for twin in w.client.twins.find()] == ["T"]


async def test_a_token_that_comes_again_is_no_endless_list() -> None:
    page = {"content": [{"id": "T"}], "continuationToken": "a"}
    async with world(behaviour=answers("list_twins", page, page, page)) as w:
        with pytest.raises(NoAnswer, match="not whole"):
            _ = [twin async for twin in w.client.twins.find()]


@pytest.mark.parametrize("document", [[], {"items": []}, {"content": {}}, {"content": [{"name": "no id"}]}, b"{"])
async def test_a_page_that_cannot_be_read_is_no_answer(document: Any) -> None:
    async with world(behaviour=answers("list_twins", *[document] * 4)) as w:
        with pytest.raises(NoAnswer):
            _ = [twin async for twin in w.client.twins.find()]


async def test_ids_without_an_answer_are_told_after_all_the_others() -> None:
    found: list[float | None] = []
    async with world() as w:

        async def read() -> None:
            async for point in w.client.time_series.points_by_ids(["NONE", POINT], NOON, ONE, page_size=2):
                found.append(point.scalar_value)  # noqa: PERF401 -- a comprehension loses what came before the error

        with pytest.raises(Incomplete) as incomplete:
            await read()

    assert len(found) == 5
    assert incomplete.value.failed == ("NONE",)
    assert (incomplete.value.method, incomplete.value.path) == ("POST", "/time-series/ids")
    assert incomplete.value.words == "There are no twins with these ids."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (418, Refused),
        (422, Invalid),
        (429, TooManyRequests),
        (500, Unavailable),
        (504, Unavailable),
    ],
)
async def test_an_error_says_which_call_and_what_willow_said(status: int, kind: type[Refused]) -> None:
    problem = {"title": "No", "detail": "not like this", "errors": {"contents": ["too long"]}}
    async with world(behaviour=answers("patch_twin", problem, problem, status=status)) as w:
        with pytest.raises(kind) as refused:
            await w.client.twins.patch(AHU, [])

    error = refused.value
    assert type(error) is kind
    assert (error.operation, error.method, error.path, error.status) == ("patch_twin", "PATCH", f"/twins/{AHU}", status)
    assert error.words == "No; not like this; contents: too long"
    assert error.request_id == "willow-7"
    assert error.errors == {"contents": ("too long",)}
    assert error.remedy


@pytest.mark.parametrize(
    "write",
    [
        lambda: CategoryWrite(name="a" * 81),
        lambda: CategoryWrite.model_validate({"name": "a", "colour": "red"}),
        lambda: an_event(id="17"),
        lambda: an_event(start_time=datetime(2026, 1, 1)),
        lambda: an_event(start_time="2026-01-01T00:00:00Z"),
        lambda: an_event(event_type_id="1"),
        lambda: EventWrite.model_validate({"name": "x"}),
        lambda: PointWrite.model_validate({"dt_id": AHU, "source_timestamp": NOON, "scalar_value": 1.0}),
        lambda: ListTwins(page_size=1001),
        lambda: TicketWrite(summary="", twin_id=AHU),
        lambda: TicketWrite.model_validate({"summary": "x", "twin_id": AHU, "category_id": "HVAC"}),
    ],
)
def test_a_wrong_write_is_refused_before_it_is_sent(write: Callable[[], Any]) -> None:
    with pytest.raises(ValidationError):
        write()


async def test_time_without_an_offset_is_refused_before_it_is_sent() -> None:
    async with world() as w:
        with pytest.raises(ValidationError):
            await w.client.time_series.latest(POINT, datetime(2026, 1, 1))
        with pytest.raises(ValueError, match="no file"):
            await w.client.events.upload([])
        assert w.measured == []


def test_null_is_sent_where_it_was_given_and_nothing_where_it_was_not() -> None:
    sent = an_event(name=None).model_dump(mode="json", by_alias=True, exclude_unset=True)

    assert sent["name"] is None
    assert "description" not in sent
    assert sent["startTime"] == "2024-10-01T12:00:00Z"


async def test_a_list_of_events_may_be_answered_with_nothing() -> None:
    async with world(behaviour=answers("put_events", b"", b"", status=201)) as w:
        assert await w.client.events.put_many([an_event()]) == []
        with pytest.raises(NoAnswer, match="expected the event"):
            await w.client.events.put(an_event())


@pytest.mark.parametrize(
    ("entry", "number", "name"),
    [
        ({"id": 1, "name": "CalendarEvent"}, 1, "CalendarEvent"),
        ({"eventTypeId": 1, "eventType": "CalendarEvent", "more": True}, 1, "CalendarEvent"),
        ("CalendarEvent", None, "CalendarEvent"),
        (1, 1, None),
    ],
)
async def test_event_types_in_any_form(entry: Any, number: int | None, name: str | None) -> None:
    async with world(behaviour=answers("list_event_types", [entry])) as w:
        assert await w.client.events.types() == [EventType.model_validate(entry)]

    (kind,) = [EventType.model_validate(entry)]
    assert (kind.id, kind.name, kind.document) == (number, name, entry)


def test_what_cannot_be_read_is_left_out_and_costs_nothing_else() -> None:
    insight = Insight.model_validate(
        {"id": 7, "priority": "high", "createdDate": "soon", "tags": None, "impactScores": [{"value": "x"}], "new": 1}
    )
    twin = Twin.model_validate({"id": "T", "contents": None, "incomingRelationships": [{"name": "broken"}]})

    assert (insight.id, insight.priority, insight.created_date, insight.tags) == ("7", None, None, ())
    assert insight.impact_scores[0].value is None
    assert (twin.contents, twin.incoming_relationships, twin.name) == ({}, (), None)
    assert Twin.model_validate({"id": "T", "lastUpdateTime": "2026-01-01T01:00:00+01:00"}).last_update_time == datetime(
        2026, 1, 1, tzinfo=UTC
    )


async def test_every_group_says_when_the_client_is_not_open() -> None:
    client = WillowClient("http://127.0.0.1:9", "client", "secret")

    with pytest.raises(RuntimeError, match="async with"):
        await client.twins.count(CountTwins())
    with pytest.raises(RuntimeError, match="async with"):
        await anext(client.events.find())
    with pytest.raises(RuntimeError, match="async with"):
        client.tickets.attachment("T1", "A1")


async def test_a_ticket_shows_its_twins_name_and_the_places_that_hold_it() -> None:
    async with world() as w:
        details = (await w.client.tickets.put(TicketWrite(summary="Fan trips", twin_id=AHU))).details

    assert details.twin_name == "AHU 1"
    assert [place.id for place in details.locations] == ["Room-L01-100", LEVEL, "BLDG-1", "LAND-1"]


async def test_an_id_with_a_slash_stays_one_id() -> None:
    async with world() as w:
        with pytest.raises(NotFound) as missing:
            await w.client.twins.get(f"../{LEVEL}")

        assert missing.value.path == f"/twins/..%2F{LEVEL}"
