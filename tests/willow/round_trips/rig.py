"""A client and the emulator on the world of ``tests/fixtures/willow/world.json``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.emulator import (
    DEFAULT_CLIENT_ID,
    DEFAULT_CLIENT_SECRET,
    Answer,
    Behaviour,
    Call,
    Emulator,
    Perform,
    load_world,
)
from streams.willow import EventWrite, ReporterWrite, TicketWrite, WillowClient

WORLD = Path(__file__).parents[2] / "fixtures" / "willow" / "world.json"

LEVEL, AHU, POINT = "TW-DD-II-L01", "AHU-1", "TW-DD-II-01"
LEVEL_MODEL = "dtmi:com:willowinc:Level;1"
EVENT = "00000000-0000-4000-8000-000000000001"
ATTACHMENT = "22222222-0000-4000-8000-000000000001"
NOON, ONE = datetime(2024, 10, 1, 12, 0, tzinfo=UTC), datetime(2024, 10, 1, 13, 0, tzinfo=UTC)


@dataclass
class Recorder:
    """Every answer by operation, in order; those of ``inner``, or the emulator's own."""

    inner: Behaviour | None = None
    answers: dict[str, list[Answer]] = field(default_factory=dict)

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        answer = await self.inner(call, perform) if self.inner else perform()
        self.answers.setdefault(call.operation, []).append(answer)
        return answer


@dataclass
class World:
    emulator: Emulator
    client: WillowClient
    recorder: Recorder
    waits: list[float]
    measured: list[tuple[str, int | None]]


@asynccontextmanager
async def world(**options: Any) -> AsyncIterator[World]:
    """The client's waits are recorded, not waited."""
    recorder, waits, measured = Recorder(options.pop("behaviour", None)), list[float](), list[tuple[str, int | None]]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def observe(operation: str, status: int | None, seconds: float) -> None:
        measured.append((operation, status))

    options.setdefault("world", load_world(WORLD))
    emulator = Emulator(behaviour=recorder, **options)
    await emulator.start()
    client = WillowClient(
        emulator.base_url, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, sleep=sleep, observe=observe, max_connections=8
    )
    try:
        async with client:
            yield World(emulator, client, recorder, waits, measured)
    finally:
        await emulator.stop()


def an_event(**fields: Any) -> EventWrite:
    given = {
        "name": "Fire drill",
        "start_time": NOON,
        "event_type_id": 1,
        "payload": '{"people": 40}',
        "payload_version": "1",
        "twin_id": "BLDG-1",
        "created_date": NOON,
        "last_modified_date": NOON,
    }
    return EventWrite(**{**given, **fields})


def a_ticket(**fields: Any) -> TicketWrite:
    given = {"external_id": "WO1", "summary": "Fan trips", "twin_id": AHU, "reporter": ReporterWrite(name="Ada")}
    return TicketWrite(**{**given, **fields})
