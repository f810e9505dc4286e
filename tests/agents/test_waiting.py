"""Look-ups of orders in doubt: how many share a call, when a zero counts, what a list that is paged shows, and what
ends a doubt without one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from schemas.claim import ClaimState, claim_key
from schemas.identity import TICKET_URN
from streams.agents import waiting
from streams.agents.order import Books
from streams.agents.waiting import WaitingIndex
from streams.delivery.pacing import Pace
from streams.delivery.state import Waiting
from streams.tables.claims import ClaimTable
from streams.tables.identities import IdentityTable
from streams.tables.twins import TwinTable
from streams.tables.view import View
from streams.willow import MAX_EXTERNAL_IDS, Ticket, WillowClient
from streams.willow.models.tickets import Found

CLAIMED, SETTLE = 10_000.0, 300.0


def ticket(ticket_id: str, external_id: str | None, created: float) -> Ticket:
    shown = {} if external_id is None else {"externalId": external_id}
    return Ticket(
        ticket_id, {"id": ticket_id, "createdDate": datetime.fromtimestamp(created, UTC).isoformat(), **shown}
    )


class Willow:
    """Its tickets; a look-up finds them if it honours the filter. ``read`` are those that a list handed out."""

    def __init__(self) -> None:
        self.tickets: list[Ticket] = []
        self.honoured = True
        self.asked: list[list[str]] = []
        self.read: list[str] = []

    async def find_by_external_ids(self, external_ids: Sequence[str]) -> Found:
        self.asked.append(list(external_ids))
        found = [one for one in self.tickets if self.honoured and one.external_id in external_ids]
        return Found(tuple(found), honoured=self.honoured)

    async def list_tickets(self, **_: Any) -> AsyncIterator[Ticket]:
        for one in sorted(self.tickets, key=lambda one: str(one.created_date), reverse=True):
            self.read.append(one.id)
            yield one


class World:
    """A worker's index, its views, and the signals that it sent round."""

    def __init__(self) -> None:
        self.willow, self.now = Willow(), CLAIMED
        self.claims, self.identities = ClaimTable(), IdentityTable()
        self.signals: list[tuple[str, dict[str, Any] | None]] = []
        books = Books(cast(Any, None), self.identities, self.claims, cast(Any, self), lambda: self.now)
        self.index = WaitingIndex(
            books,
            cast(TwinTable, None),
            cast(View, SimpleNamespace(positions={})),
            cast(WillowClient, self.willow),
            external_id=lambda order_id: order_id,
            settle=SETTLE,
            pace=Pace(1000.0, clock=lambda: self.now),
        )
        self._offset = 0

    async def signal(self, order_id: str, cause: str, result: dict[str, Any] | None = None) -> None:
        assert cause == "look_up"
        self.signals.append((order_id, result))

    def bind(self, order_id: str, ticket_id: str) -> None:
        value = {"identity": {"value": TICKET_URN + ticket_id}, "instance": "i"}
        self.identities.apply(0, 0, 0, order_id.encode(), orjson.dumps(value))

    def claim(self, order_id: str, state: ClaimState, ticket_id: str | None = None) -> None:
        self._offset += 1
        record = {"state": state.value, "source": None, "ticketId": ticket_id}
        self.claims.apply(0, self._offset, 1, claim_key(order_id, "c1"), orjson.dumps(record))

    def doubt(self, order_id: str, *, claimed: float = CLAIMED) -> None:
        """In doubt since now about a claim that another worker made."""
        self.claim(order_id, ClaimState.OPEN)
        about = {"offset": 1, "sinceMs": int(claimed * 1000), "deadlineSeconds": 60.0, "source": {}}
        state = Waiting("in_doubt", "create_in_doubt", self.now, {}, claim_id="c1", claim=about)
        self.index.changed(order_id, 0, state)

    def shown(self, order_id: str) -> tuple[list[str], bool]:
        """What the only look-up of the order found, and whether it counts."""
        ((_, result),) = [signal for signal in self.signals if signal[0] == order_id]
        assert result is not None
        assert result["claimId"] == "c1"
        return result["found"], result["counted"]


At = Callable[[float], Awaitable[None]]
Rig = tuple[World, At]


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The world, and its index at work at a moment, counted from the beginning of the doubts."""
    monkeypatch.setattr(waiting, "TURN_SECONDS", 0.0)
    world = World()

    async def at(seconds: float) -> None:
        world.now, world.signals, world.willow.asked = CLAIMED + seconds, [], []
        running = asyncio.create_task(world.index.look_up_doubts())
        for _ in range(30):
            await asyncio.sleep(0)
        running.cancel()

    return world, at


async def test_up_to_a_hundred_ids_share_a_call_the_known_ticket_s_among_them(rig: Rig) -> None:
    world, at = rig
    world.bind("KNOWN", "T0")
    world.willow.tickets = [ticket("T0", "KNOWN", 1.0)]
    for number in range(150):
        world.doubt(f"WO{number}")
    await at(5.0)
    assert [len(ids) for ids in world.willow.asked] == [MAX_EXTERNAL_IDS, 52]
    assert all("KNOWN" in ids for ids in world.willow.asked)
    assert len(world.signals) == 150
    assert all(world.shown(f"WO{number}") == ([], True) for number in range(150))


async def test_of_several_tickets_the_oldest_comes_first(rig: Rig) -> None:
    world, at = rig
    world.bind("KNOWN", "T0")
    world.willow.tickets = [
        ticket("younger", "WO1", CLAIMED + 2.0),
        ticket("T0", "KNOWN", 1.0),
        ticket("older", "WO1", CLAIMED + 1.0),
    ]
    world.doubt("WO1")
    await at(5.0)
    assert world.shown("WO1") == (["older", "younger"], True)


async def test_without_a_known_ticket_the_list_is_paged_and_no_filter_is_believed(rig: Rig) -> None:
    world, at = rig
    world.willow.tickets = [ticket("T1", "WO1", CLAIMED + 1.0)]
    world.doubt("WO1")
    world.doubt("WO2")
    await at(5.0)
    assert world.willow.asked == []
    assert (world.shown("WO1"), world.shown("WO2")) == ((["T1"], True), ([], True))


async def test_where_the_filter_is_ignored_the_list_is_paged_down_to_ten_minutes_before_the_claim(rig: Rig) -> None:
    world, at = rig
    world.bind("KNOWN", "T0")
    world.willow.honoured = False
    world.willow.tickets = [
        ticket("T0", "KNOWN", 1.0),
        ticket("before", "OLD", CLAIMED - 602.0),
        ticket("T1", "WO1", CLAIMED - 599.0),
        ticket("T2", "NOBODY", CLAIMED + 9.0),
    ]
    world.doubt("WO1")
    await at(5.0)
    assert world.shown("WO1") == (["T1"], True)
    assert world.willow.read == ["T2", "T1", "before"]


async def test_a_list_that_shows_no_external_id_leaves_the_doubt_to_a_person(rig: Rig) -> None:
    world, at = rig
    world.willow.tickets = [ticket("T1", None, CLAIMED + 1.0)]
    world.doubt("WO1")
    await at(5.0 + 10 * SETTLE)
    assert world.shown("WO1") == ([], False)


@pytest.mark.parametrize("seen", ["an identity", "done", "a release"])
async def test_what_a_view_shows_ends_the_doubt_at_once_and_is_said_once(rig: Rig, seen: str) -> None:
    world, at = rig
    world.doubt("WO1")
    await at(0.1)
    assert world.signals == []
    if seen == "an identity":
        world.bind("WO1", "T1")
    else:
        world.claim("WO1", ClaimState.DONE if seen == "done" else ClaimState.RELEASED, "T1")
    await at(0.2)
    assert world.signals == [("WO1", None)]
    assert world.willow.asked == []
    await at(0.3)
    assert world.signals == []


async def test_a_look_up_is_due_when_a_pause_ends_and_when_settle_does(rig: Rig) -> None:
    world, at = rig
    world.doubt("WO1")
    await at(0.5)
    assert world.signals == []
    world.index.look_up_now()
    await at(0.6)
    assert world.shown("WO1") == ([], True)
    for planned in (5.0, 30.0, 120.0):
        await at(planned)
        assert len(world.signals) == 1
    # A successor counts from the claim and its claimer's deadline.
    await at(60.0 + SETTLE - 0.1)
    assert world.signals == []
    await at(60.0 + SETTLE)
    assert world.shown("WO1") == ([], True)
