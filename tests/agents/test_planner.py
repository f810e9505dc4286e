"""What the planner does with a record that came back and that it fails on."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from schemas.dead_letter import OFFSET, PARTITION, TOPIC
from schemas.outcome import outcome_id_of
from schemas.replan import Cause, Replan
from schemas.source import Source
from streams.agents.planner import Planner
from streams.agents.writer import Writer
from streams.delivery.pacing import Pace
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


async def test_its_dead_letter_names_the_replan_and_its_outcome_the_replay() -> None:
    producer, window = AcknowledgesAtOnce(), Window()
    into: Any = producer
    writer = Writer(into, SETTINGS)
    view: Any = ReadWhole()
    lists: Any = BrokenLists()
    twins, rules = TwinTable(InputFormat.AUTO), Rules.of(SETTINGS)
    planner = Planner(twins, view, lists, writer, rules, InputFormat.AUTO, {}, clock=lambda: 1_800_000_000.0)
    replan = Replan(cause=Cause.REPLAY, work_order_id="WO1", source=SOURCE, replay_id="replay-1", record={"id": "WO1"})
    topic = SETTINGS.topics.name("replans")
    message = SimpleNamespace(topic=topic, partition=1, offset=9, key=b"WO1", value=replan.to_json(), headers=None)

    async def events() -> AsyncIterator[Any]:
        yield SimpleNamespace(message=message)

    slots: Any = window
    await planner.replans(events(), slots, Pace(1000.0, clock=lambda: 0.0))
    await asyncio.sleep(0)
    assert len(window.finished) == 1
    letter, said = producer.sent
    assert letter[:3] == ("willow-sync.dead-letters", b"WO1", message.value)
    # Sent to the work order topic, the replan's own bytes would be poison there.
    assert (letter[3][TOPIC], letter[3][PARTITION], letter[3][OFFSET]) == (topic.encode(), b"1", b"9")
    own = outcome_id_of("mapped.work-orders", 3, 1207, True, "replay-1")
    assert own.encode() in (said[2] or b"")
    assert b'"replayId":"replay-1"' in (said[2] or b"")
