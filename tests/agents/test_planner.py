"""What the planner does with a record that came back and that it fails on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from faust.types import TP

from schemas.dead_letter import OFFSET, PARTITION, TOPIC
from schemas.outcome import outcome_id_of
from schemas.replan import Cause, Replan
from schemas.source import Source
from streams.agents.planner import MAX_INTERNAL_ERRORS, Planner, PlannerBroken
from streams.agents.writer import Writer
from streams.delivery.bounds import MAX_PLAN_BYTES
from streams.delivery.pacing import Pace
from streams.kafka.record import ConsumerRecord
from streams.planning.lists import WillowLists
from streams.planning.rules import Rules
from streams.settings import InputFormat, Settings
from streams.tables.twins import TwinTable

SETTINGS = Settings.model_validate(
    {"willow": {"base_url": "http://willow.example", "client_id": "a", "client_secret": "b"}, "selected_sites": ["*"]}
)
SOURCE = Source(topic="mapped.work-orders", partition=3, offset=1207, topic_id="id-1")


class ReadWhole:
    """A view that has read all there is."""

    positions: dict[int, int] = {}

    async def until_ready(self) -> None:
        return None

    async def reached(self, positions: dict[int, int], *, seconds: float) -> bool:
        return True


class BrokenLists:
    async def get(self) -> Any:
        raise ZeroDivisionError("a fault of ours")


class ListsThatFailFor:
    """One turn after the other: an exception is raised, lists are handed out."""

    def __init__(self, *turns: WillowLists | Exception) -> None:
        self._turns = iter(turns)

    async def get(self) -> WillowLists:
        turn = next(self._turns)
        if isinstance(turn, Exception):
            raise turn
        return turn


class SomeLists:
    def __init__(self, lists: WillowLists) -> None:
        self._lists = lists

    async def get(self) -> WillowLists:
        return self._lists


class AcknowledgesAtOnce:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, bytes | None, dict[str, bytes]]] = []

    def send(self, topic: str, key: Any, value: Any, *, headers: Any = (), **_: Any) -> "asyncio.Future[Any]":
        self.sent.append((topic, key, value, dict(headers or ())))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future


class Window:
    def __init__(self) -> None:
        self.finished: list[Any] = []

    async def admit(self, event: Any) -> Any:
        return event

    def done(self, slot: Any) -> None:
        self.finished.append(slot)


def _planner(producer: Any, lists: Any) -> Planner:
    view: Any = ReadWhole()
    twins, rules = TwinTable(InputFormat.AUTO), Rules.of(SETTINGS)
    writer = Writer(producer, SETTINGS)
    return Planner(twins, view, lists, writer, rules, InputFormat.AUTO, {}, clock=lambda: 1_800_000_000.0)


def _message(topic: str, value: bytes | None, headers: Any = None, offset: int = 9) -> ConsumerRecord:
    return ConsumerRecord(TP(topic, 1), offset, 1, b"WO1", value, headers or (), None)


async def _arriving(*records: ConsumerRecord) -> AsyncIterator[ConsumerRecord]:
    for record in records:
        yield record


def _replan(**more: Any) -> Replan:
    return Replan(cause=Cause.REPLAY, work_order_id="WO1", source=SOURCE, replay_id="replay-1", **more)


async def test_its_dead_letter_names_the_replan_and_its_outcome_the_replay() -> None:
    producer, window = AcknowledgesAtOnce(), Window()
    topic = SETTINGS.topics.name("replans")
    message = _message(topic, _replan(record={"id": "WO1"}).to_json())
    slots: Any = window
    await _planner(producer, BrokenLists()).replans(_arriving(message), slots, Pace(1000.0, clock=lambda: 0.0))
    await asyncio.sleep(0)
    assert len(window.finished) == 1
    letter, said = producer.sent
    assert letter[:3] == ("willow-sync.dead-letters", b"WO1", message.value)
    # Sent to the work order topic, the replan's own bytes would be poison there.
    assert (letter[3][TOPIC], letter[3][PARTITION], letter[3][OFFSET]) == (topic.encode(), b"1", b"9")
    own = outcome_id_of("mapped.work-orders", 3, 1207, True, "replay-1")
    assert own.encode() in (said[2] or b"")
    assert b'"replayId":"replay-1"' in (said[2] or b"")


async def test_a_trace_header_without_a_value_is_no_trace() -> None:
    """Kafka's headers may be null: a good record was dead-lettered for one."""
    producer, window = AcknowledgesAtOnce(), Window()
    slots: Any = window
    deleted = _message("mapped.work-orders", None, [("traceparent", None)])
    traced = _message("mapped.work-orders", None, [("traceparent", None), ("traceparent", b"00-1-2-01")])
    await _planner(producer, SomeLists(WillowLists(statuses=()))).work_orders(_arriving(deleted, traced), slots)
    assert [topic for topic, *_ in producer.sent] == ["willow-sync.ticket-intents"] * 2
    assert [headers for *_, headers in producer.sent] == [{}, {"traceparent": b"00-1-2-01"}]


ENTITY = {"id": "WO1", "exactType": "WorkOrder", "jobStatus": "Open", "relatesTo": []}
FAULT = ZeroDivisionError("a fault of ours")


async def test_errors_apart_from_each_other_do_not_stop_the_planner_of_what_comes_back() -> None:
    """They were never forgotten: the fifth one since the start stopped the worker."""
    turns = [turn for _ in range(6) for turn in (FAULT, WillowLists())]
    messages = [_message(SETTINGS.topics.name("replans"), _replan(record=ENTITY).to_json()) for _ in turns]
    producer, window = AcknowledgesAtOnce(), Window()
    slots: Any = window
    planner = _planner(producer, ListsThatFailFor(*turns))
    await planner.replans(_arriving(*messages), slots, Pace(1000.0, clock=lambda: 0.0))
    await asyncio.sleep(0)
    assert len(window.finished) == len(turns)


async def test_five_errors_in_a_row_stop_the_worker_whatever_the_other_stream_does() -> None:
    planner = _planner(AcknowledgesAtOnce(), ListsThatFailFor(*[FAULT] * 5))
    slots: Any = Window()
    broken = _message(SETTINGS.topics.name("replans"), _replan(record=ENTITY).to_json())
    good = _message("mapped.work-orders", b'{"op": "m"}')  # planned without lists
    pace = Pace(1000.0, clock=lambda: 0.0)
    for _ in range(MAX_INTERNAL_ERRORS - 1):
        await planner.replans(_arriving(broken), slots, pace)
        await planner.work_orders(_arriving(good), slots)
    with pytest.raises(PlannerBroken):
        await planner.replans(_arriving(broken), slots, pace)


async def _came_back(planner: Planner, replan: Replan) -> None:
    slots: Any = Window()
    message = _message(SETTINGS.topics.name("replans"), replan.to_json())
    await planner.replans(_arriving(message), slots, Pace(1000.0, clock=lambda: 0.0))


def _waiting(cause: Cause, **record: Any) -> Replan:
    said = {**ENTITY, "dateUpdated": "2026-11-02T09:14:11.402Z", **record}
    return Replan(cause=cause, work_order_id="WO1", source=SOURCE, waiting_id="w1", record=said)


@pytest.mark.parametrize("cause", [Cause.WAKE, Cause.FILL])
@pytest.mark.parametrize("code", ["internal_error", "undecodable"])
async def test_what_waits_and_can_t_be_planned_is_left_to_the_sink_to_conclude(cause: Cause, code: str) -> None:
    """Told here as dead-lettered, its order waited on for ever, and what else it owed was never told."""
    producer = AcknowledgesAtOnce()
    lists: Any = BrokenLists() if code == "internal_error" else SomeLists(WillowLists())
    # Either as it is planned, or by the size of its plan.
    replan = _waiting(cause, description="d" * (MAX_PLAN_BYTES + 1 if code == "undecodable" else 1))
    await _came_back(_planner(producer, lists), replan)
    ((topic, key, value, _),) = producer.sent
    intent = orjson.loads(value or b"")
    assert (topic, key, len(value or b"") < 4096) == ("willow-sync.ticket-intents", b"WO1", True)
    assert (intent["kind"], intent["cause"], intent["waitingId"]) == ("skip", cause.value, "w1")
    assert intent["reason"]["code"] == code
    assert "dead letter" not in intent["reason"]["remedy"]
    # Else the sink would take an older record for a newer one.
    assert intent["dateUpdated"] == "2026-11-02T09:14:11.402000Z"
