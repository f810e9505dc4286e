"""The order table's own part: what it takes from the changelog, and how far its local copy is known to be whole."""

import asyncio
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types import TP

from streams.delivery.state import OrderState
from streams.kafka.producer import MAX_RECORD_BYTES, Ack, TooLarge
from streams.tables.orders import PERSIST_EVERY, OrderTable

SPOT = TP("orders-changelog", 0)


class Store(dict[bytes, bytes]):
    def put(self, key: bytes, value: bytes) -> None:
        self[key] = value


class Data:
    """One partition of rocksdict, as far as the table uses it."""

    def __init__(self) -> None:
        self.store, self.persisted = Store(), dict[TP, int]()

    def _db_for_partition(self, partition: int) -> Store:
        return self.store

    def persisted_offset(self, tp: TP) -> int | None:
        return self.persisted.get(tp)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        self.persisted[tp] = offset


class Changelog:
    """Acknowledges each record at the next offset; others may write in between."""

    def __init__(self) -> None:
        self.end = 0

    def send(self, topic: str, key: bytes, value: bytes, *, partition: int) -> "asyncio.Future[Ack]":
        acked: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        acked.set_result(Ack(partition, self.end))
        self.end += 1
        return acked


class Table(OrderTable):
    """The table without Faust."""

    changelog_topic_name = SPOT.topic

    def __init__(self) -> None:
        self.kept, self.changelog = Data(), Changelog()
        self.producer: Any = self.changelog
        self._whole = {}

    @property
    def data(self) -> Data:
        return self.kept


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Table:
    def keep(self: Table, batch: list[Any]) -> None:
        for event in batch:
            self.kept.store[event.message.key] = event.message.value

    monkeypatch.setattr(faust.Table, "apply_changelog_batch", keep)
    return Table()


async def test_how_far_own_writes_are_whole_is_persisted_now_and_then(table: Table) -> None:
    for offset in range(2 * PERSIST_EVERY):
        await table.write(0, "WO1", OrderState(ticket_id=f"T{offset}"))
        assert table.kept.persisted[SPOT] == offset // PERSIST_EVERY * PERSIST_EVERY
    assert table.read(0, "WO1").ticket_id == f"T{2 * PERSIST_EVERY - 1}"


async def test_what_another_wrote_in_between_is_left_to_the_recovery(table: Table) -> None:
    """A worker that was frozen is told of its write at an offset behind its successor's: taken for whole, its copy
    would lack all that the successor wrote."""
    await table.write(0, "WO1", OrderState(ticket_id="T1"))
    table.changelog.end += 5
    for offset in range(2 * PERSIST_EVERY):
        await table.write(0, "WO2", OrderState(ticket_id=f"T{offset}"))
    assert table.kept.persisted[SPOT] == 0
    table.apply_changelog_batch([event(offset, b"WO3", 1, "T3") for offset in range(1, table.changelog.end)])
    end = table.changelog.end
    for _ in range(PERSIST_EVERY):
        await table.write(0, "WO1", OrderState(ticket_id="T4"))
    assert table.kept.persisted[SPOT] == -(-end // PERSIST_EVERY) * PERSIST_EVERY


def event(offset: int, key: bytes, generation: int, ticket_id: str) -> Any:
    value = OrderState(generation=generation, ticket_id=ticket_id).to_json()
    return SimpleNamespace(message=SimpleNamespace(tp=SPOT, partition=0, offset=offset, key=key, value=value))


def test_a_former_owner_s_late_state_is_passed_over(table: Table) -> None:
    table.apply_changelog_batch([event(0, b"WO1", 4, "old"), event(1, b"WO1", 5, "new"), event(2, b"WO1", 4, "late")])
    assert table.read(0, "WO1").ticket_id == "new"
    table.apply_changelog_batch([event(3, b"WO2", 4, "another"), event(4, b"WO1", 4, "later")])
    assert (table.read(0, "WO1").ticket_id, table.read(0, "WO2").ticket_id) == ("new", "another")
    assert table.kept.persisted[SPOT] == 4


async def test_a_state_that_no_topic_takes_is_not_put_into_the_local_store(table: Table) -> None:
    """It stayed there, and the worker went on from it at its next start, though the changelog never had it."""
    await table.write(0, "WO1", OrderState(ticket_id="T1"))
    with pytest.raises(TooLarge, match="orders-changelog: too large"):
        await table.write(0, "WO1", OrderState(ticket_id="T" * MAX_RECORD_BYTES))
    assert (table.read(0, "WO1").ticket_id, table.changelog.end) == ("T1", 1)
