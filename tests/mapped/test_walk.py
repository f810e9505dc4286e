"""In which order all is read, what bounds it, and where it goes on; against the emulator over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from aiohttp import web

from ops.mapped import MappedEmulator
from streams.mapped import KINDS, MappedClient, Position, Selection, Walk
from streams.mapped.errors import AnswerTooLarge, QueryRefused
from streams.mapped.walk import IDS_PER_QUERY

Start = Callable[..., MappedEmulator]
ClientOf = Callable[..., MappedClient]

NOW = datetime(2026, 11, 2, tzinfo=UTC)
ORDERS = KINDS["workOrders"]


def orders(count: int, **fields: Any) -> list[dict[str, Any]]:
    """One an hour, the newest an hour before ``NOW``; ids do not go with time."""
    return [
        {
            "id": f"WO{(number * 7) % count:04}",
            "connectedDataSourceId": "CON1",
            "dateUpdated": (NOW - timedelta(hours=number + 1)).isoformat(),
            **fields,
        }
        for number in range(count)
    ]


class Reader:
    """Walks and keeps what came."""

    def __init__(self, client: MappedClient, selection: Selection | None = None) -> None:
        self.told: list[str] = []
        self.walk = Walk(client, selection or Selection(), now=NOW, tell=self.told.append)
        self.positions: list[Position] = []
        self.problems: list[str] = []
        self.gone = 0

    def read(self, kind: str = "workOrders", resume: Position | None = None, batches: int | None = None) -> list[str]:
        ids: list[str] = []
        for batch in islice(self._batches(kind, resume), batches):
            ids += [row["id"] for row in batch.rows]
            self.positions.append(batch.position)
            self.problems += batch.faulty
            self.gone += batch.gone
        return ids

    def _batches(self, kind: str, resume: Position | None) -> Any:
        for listing in self.walk.listings(KINDS[kind], resume):
            yield from self.walk.batches(listing)


def test_all_ids_first_then_rows_a_hundred_at_a_time(mapped: Start, client_of: ClientOf) -> None:
    emulator = mapped({"workOrders": orders(250)})
    ids = Reader(client_of(emulator.url)).read()
    assert sorted(ids) == [f"WO{number:04}" for number in range(250)]
    assert [query.count("WO0") for query in emulator.queries] == [0, 100, 100, 50]
    assert emulator.queries[0] == "{ workOrders { id } }"


def test_connector_and_dates_are_asked_for_and_hold(mapped: Start, client_of: ClientOf) -> None:
    emulator = mapped(
        {"workOrders": [*orders(10), {"id": "X", "connectedDataSourceId": "CON2", "dateUpdated": NOW.isoformat()}]}
    )
    selection = Selection("CON1", None, NOW - timedelta(hours=5), NOW - timedelta(hours=2))
    assert len(Reader(client_of(emulator.url), selection).read()) == 3


def test_entities_are_asked_for_whole_whatever_orders_are_wanted(mapped: Start, client_of: ClientOf) -> None:
    emulator = mapped({"floors": [{"id": "F1"}]})
    reader = Reader(client_of(emulator.url), Selection("CON1", ("WO1",), NOW, NOW, entities=True))
    assert reader.read("floors") == ["F1"]


class TestTooMany:
    def test_a_list_that_is_too_large_is_divided_by_time_and_comes_whole(
        self, mapped: Start, client_of: ClientOf
    ) -> None:
        emulator = mapped({"workOrders": [*orders(300), {"id": "OLD", "dateUpdated": "1999-01-01T00:00:00Z"}]})
        reader = Reader(client_of(emulator.url, max_answer_bytes=2000))
        ids = reader.read()
        assert sorted(ids) == sorted({*(f"WO{number:04}" for number in range(300)), "OLD"})
        assert [line for line in reader.told if "divided by dateUpdated" in line] == reader.told
        assert len(reader.told) == 1

    def test_what_can_t_be_divided_any_further_is_an_error(self, mapped: Start, client_of: ClientOf) -> None:
        same = [{"id": f"WO{number}", "dateUpdated": NOW.isoformat()} for number in range(200)]
        with pytest.raises(AnswerTooLarge) as caught:
            Reader(client_of(mapped({"workOrders": same}).url, max_answer_bytes=2000)).read()
        assert "--id" in caught.value.remedy

    def test_rows_that_are_too_large_are_asked_for_fewer_at_a_time(self, mapped: Start, client_of: ClientOf) -> None:
        emulator = mapped({"workOrders": orders(40, description="x" * 1000)})
        assert len(Reader(client_of(emulator.url, max_answer_bytes=15_000)).read()) == 40


class TestResume:
    def test_it_goes_on_after_the_last_batch(self, mapped: Start, client_of: ClientOf) -> None:
        client = client_of(mapped({"workOrders": orders(250)}).url)
        first = Reader(client)
        begun = first.read(batches=1)
        assert first.positions == [Position("workOrders", None, None, f"WO{IDS_PER_QUERY - 1:04}")]
        rest = Reader(client).read(resume=first.positions[-1])
        assert sorted(begun + rest) == [f"WO{number:04}" for number in range(250)]

    @pytest.mark.parametrize("stop", [1, 2, 3, 6, 9])
    def test_of_divided_lists_nothing_is_missed_wherever_it_stops(
        self, mapped: Start, client_of: ClientOf, stop: int
    ) -> None:
        client = client_of(mapped({"workOrders": orders(300)}).url, max_answer_bytes=2000)
        first = Reader(client)
        begun = first.read(batches=stop)
        rest = Reader(client).read(resume=first.positions[-1])
        assert sorted(begun + rest) == [f"WO{number:04}" for number in range(300)]

    def test_a_span_that_is_now_divided_otherwise_is_read_from_its_beginning(
        self, mapped: Start, client_of: ClientOf
    ) -> None:
        # Its last id says nothing of the ids in other halves.
        url = mapped({"workOrders": orders(300)}).url
        first = Reader(client_of(url))
        first.read(batches=2)
        rest = Reader(client_of(url, max_answer_bytes=2000)).read(resume=first.positions[-1])
        assert len(set(rest)) == 300


class TestByIds:
    def test_each_list_of_orders_is_asked_and_the_rest_is_missing(self, mapped: Start, client_of: ClientOf) -> None:
        emulator = mapped({"workOrders": orders(5), "serviceRequests": [{"id": "SR1"}]})
        wanted = Selection(ids=("NOPE", "SR1", "WO0003"))
        reader = Reader(client_of(emulator.url), wanted)
        assert (reader.read(), reader.read("serviceRequests")) == (["WO0003"], ["SR1"])
        assert reader.walk.missing() == ("NOPE",)

    def test_what_goes_on_knows_what_was_found_before(self, mapped: Start, client_of: ClientOf) -> None:
        emulator = mapped({"workOrders": orders(5), "serviceRequests": [{"id": "SR1"}]})
        wanted = Selection(ids=("SR1", "WO0003"))
        later = Reader(client_of(emulator.url), wanted)
        resume = Position("workOrders", None, None, "WO0003")
        assert [kind.name for kind in wanted.kinds_from(resume)] == ["workOrders", "serviceRequests"]
        assert later.read(resume=resume) == []
        assert later.walk.missing() == ()


class TestWhatMappedDoesNotKnow:
    def test_optional_fields_are_left_out_once_and_told(self, mapped: Start, client_of: ClientOf) -> None:
        emulator = mapped({"workOrders": orders(150, jobSubStatus="x")}, published_only=True)
        reader = Reader(client_of(emulator.url))
        assert len(reader.read()) == 150
        assert sorted(reader.told) == [
            f"Mapped does not know {name} of workOrders: left out" for name in ("dueDate", "jobSubStatus", "phones")
        ]
        # The list, three refusals, two batches.
        assert len(emulator.queries) == 6

    def test_a_list_that_may_be_missing_is_told_and_passed_over(self, mapped: Start, client_of: ClientOf) -> None:
        reader = Reader(client_of(mapped({}, published_only=True).url))
        assert reader.read("serviceRequests") == []
        assert reader.told == ["Mapped knows no list serviceRequests: none are read"]

    def test_a_field_of_the_seed_that_is_refused_ends_it(self, mapped: Start, client_of: ClientOf) -> None:
        async def fault(query: str) -> web.Response | None:
            refusal = '{"errors": [{"message": "Cannot query field \\"sector\\" on type \\"WorkOrder\\"."}]}'
            return web.Response(status=400, text=refusal) if "sector" in query else None

        emulator = mapped({"workOrders": orders(1)}, fault=fault)
        with pytest.raises(QueryRefused, match="sector") as caught:
            Reader(client_of(emulator.url)).read()
        assert "no longer the one this version asks for" in caught.value.remedy


def test_what_goes_while_it_is_read_is_counted(mapped: Start, client_of: ClientOf) -> None:
    listed = {"data": {"workOrders": [{"id": "WO0000"}, {"id": "GONE"}]}}

    async def fault(query: str) -> web.Response | None:
        return web.json_response(listed) if "summary" not in query else None

    reader = Reader(client_of(mapped({"workOrders": orders(1)}, fault=fault).url))
    assert (reader.read(), reader.gone) == (["WO0000"], 1)


def test_a_row_that_is_not_whole_is_told_and_not_counted_as_gone(mapped: Start, client_of: ClientOf) -> None:
    answer = {
        "data": {"workOrders": [{"id": "WO0000"}, {"id": "WO0001", "relatesTo": None}]},
        "errors": [{"message": "edge lost", "path": ["workOrders", 1, "relatesTo"]}],
    }

    async def fault(query: str) -> web.Response | None:
        return web.json_response(answer) if "summary" in query else None

    reader = Reader(client_of(mapped({"workOrders": orders(2)}, fault=fault).url))
    assert (reader.read(), reader.problems, reader.gone) == (["WO0000"], ["WO0001: edge lost"], 0)
