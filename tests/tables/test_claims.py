"""The claim table: the lock that makes one ticket per order, as any reader of the topic sees it (delivery.md §2)."""

import sys
import threading
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.claim import CANDIDATE_ID, Claim, ClaimState, claim_key
from schemas.source import Source
from streams.tables.claims import ClaimTable

OPEN, RELEASED, DONE, CANDIDATE = ClaimState
SOURCE = Source(topic="work-orders", partition=3, offset=7)


def claim(order: str, claim_id: str, state: ClaimState, ticket: str | None = None, why: str | None = None) -> bytes:
    return Claim(
        state=state,
        work_order_id=order,
        claim_id=claim_id,
        instance="http://willow.example/api/v3",
        source=SOURCE,
        deadline_seconds=30.0,
        ticket_id=ticket,
        why=why,
    ).to_json()


class Topic:
    def __init__(self) -> None:
        self.table = ClaimTable()
        self.offset = 0

    def tell(
        self,
        claim_id: str,
        state: ClaimState | None,
        ticket: str | None = None,
        *,
        order: str = "WO1",
        why: str | None = None,
    ) -> None:
        value = None if state is None else claim(order, claim_id, state, ticket, why)
        self.raw(claim_key(order, claim_id), value)

    def raw(self, key: bytes | None, value: bytes | None) -> None:
        self.table.apply(0, self.offset, 1_000 + self.offset, key, value)
        self.offset += 1

    def open(self, order: str = "WO1") -> list[str]:
        return [item.claim_id for item in self.table.open_claims(order)]


def test_an_open_claim_as_its_record_and_the_broker_say() -> None:
    topic = Topic()
    topic.tell("c1", OPEN)
    (found,) = topic.table.open_claims("WO1")
    assert (found.claim_id, found.offset, found.since_ms, found.deadline_seconds) == ("c1", 0, 1_000, 30.0)
    assert found.source["offset"] == 7
    assert topic.table.open_claims("WO2") == ()
    assert topic.table.done_ticket("WO1") is None
    assert topic.table.created_for("WO1") is None


def test_the_first_in_the_log_is_first() -> None:
    topic = Topic()
    for claim_id in ("z", "a", "m"):
        topic.tell(claim_id, OPEN)
    assert topic.open() == ["z", "a", "m"]


def test_an_open_claim_told_again_keeps_its_place() -> None:
    topic = Topic()
    for claim_id in ("c1", "c2", "c1"):
        topic.tell(claim_id, OPEN)
    assert topic.open() == ["c1", "c2"]


@pytest.mark.parametrize("state", [RELEASED, None])
def test_a_release_or_its_tombstone_ends_that_claim_and_no_other(state: ClaimState | None) -> None:
    topic = Topic()
    topic.tell("c1", OPEN)
    topic.tell("c2", OPEN)
    topic.tell("c1", state)
    assert topic.open() == ["c2"]
    topic.tell("c2", state)
    topic.tell("c2", state)
    assert topic.open() == []


def test_a_released_claim_may_be_opened_anew() -> None:
    topic = Topic()
    topic.tell("c1", OPEN)
    topic.tell("c2", OPEN)
    topic.tell("c1", RELEASED)
    topic.tell("c1", OPEN)
    assert topic.open() == ["c2", "c1"]


def test_done_is_never_lost() -> None:
    topic = Topic()
    topic.tell("c1", OPEN)
    topic.tell("c1", DONE, "T1")
    topic.tell("c2", OPEN)
    topic.tell("c2", RELEASED)
    topic.tell("c3", None)
    topic.tell("c1", RELEASED)
    topic.tell("c1", None)
    assert topic.table.done_ticket("WO1") == "T1"
    assert topic.table.created_for("WO1") == ("work-orders", 3, 7)


def test_a_second_ticket_does_not_replace_the_first() -> None:
    topic = Topic()
    topic.tell("c1", DONE, "T1")
    topic.tell("c2", OPEN)
    topic.tell("c2", DONE, "T2")
    assert topic.table.done_ticket("WO1") == "T1"
    assert topic.open() == []


@pytest.mark.parametrize("why", ["ticket_gone", "unbound"])
def test_a_ticket_that_is_gone_is_taken_back_with_the_claim_that_made_it(why: str) -> None:
    topic = Topic()
    topic.tell("c1", DONE, "T1")
    topic.tell("c2", RELEASED, why=why)
    assert (topic.table.done_ticket("WO1"), topic.table.done_claim("WO1")) == ("T1", "c1")
    topic.tell("c1", RELEASED, why=why)
    assert (topic.table.done_ticket("WO1"), topic.table.done_claim("WO1")) == (None, None)
    topic.tell("c3", OPEN)
    topic.tell("c3", DONE, "T2")
    assert topic.table.done_ticket("WO1") == "T2"


def test_an_operator_may_say_another_ticket() -> None:
    topic = Topic()
    topic.tell("c1", DONE, "T1")
    topic.tell("c1", DONE, "T9")
    assert topic.table.done_ticket("WO1") == "T9"


def test_a_candidate_stands_until_its_tombstone() -> None:
    topic = Topic()
    topic.tell(CANDIDATE_ID, CANDIDATE, "T1")
    topic.tell("c1", OPEN)
    topic.tell("c1", RELEASED)
    assert topic.table.candidate("WO1") == "T1"
    assert topic.table.done_ticket("WO1") is None
    topic.tell(CANDIDATE_ID, None)
    assert topic.table.candidate("WO1") is None


def test_the_instances_that_claims_name() -> None:
    topic = Topic()
    topic.tell("c1", OPEN)
    assert len(topic.table.instances) == 1


def test_orders_whose_ids_hold_the_separator_are_apart() -> None:
    topic = Topic()
    topic.tell("c1", OPEN, order="A|B")
    topic.tell("c2", OPEN, order="A")
    assert (topic.open("A|B"), topic.open("A")) == (["c1"], ["c2"])


def test_after_compaction_the_same_stands() -> None:
    """Compaction keeps the newest record of each key at its offset, and drops tombstones at last."""
    history = [("c1", OPEN, None), ("c2", OPEN, None), ("c1", RELEASED, None), ("c3", OPEN, None), ("c3", DONE, "T3")]
    whole, compacted = Topic(), Topic()
    newest = {claim_id: at for at, (claim_id, _, _) in enumerate(history)}
    for at, (claim_id, state, ticket) in enumerate(history):
        whole.tell(claim_id, state, ticket)
        compacted.offset = at
        if newest[claim_id] == at:
            compacted.tell(claim_id, state, ticket)
    assert whole.open() == compacted.open() == ["c2"]
    assert whole.table.done_ticket("WO1") == compacted.table.done_ticket("WO1") == "T3"


STRANGE = (
    b"",
    b"nonsense",
    b"null",
    b"[]",
    b"{}",
    b'{"state":"cancelled"}',
    b'{"state":{}}',
    b'{"state":"done"}',
    b'{"state":"done","ticketId":null}',
    b'{"state":"done","ticketId":7,"source":"x"}',
)


@pytest.mark.parametrize("value", STRANGE)
def test_a_word_that_is_not_known_releases_nothing(value: bytes) -> None:
    """Taken for a release, it would let the next owner create a second ticket."""
    topic = Topic()
    topic.tell("c1", OPEN)
    topic.raw(claim_key("WO1", "c1"), value)
    assert topic.open() == ["c1"]
    assert topic.table.done_ticket("WO1") is None


@pytest.mark.parametrize("source", [None, [], "x", {}, {"topic": "t", "partition": "0", "offset": None}])
def test_done_counts_whatever_its_source(source: Any) -> None:
    topic = Topic()
    topic.raw(claim_key("WO1", "c1"), orjson.dumps({"state": "done", "ticketId": "T1", "source": source}))
    assert topic.table.done_ticket("WO1") == "T1"
    assert topic.table.created_for("WO1") is None


@pytest.mark.parametrize("key", [None, b"", b"WO1", b"\xff\xfe"])
def test_a_key_that_is_not_ours_is_passed_over(key: bytes | None) -> None:
    topic = Topic()
    topic.raw(key, claim("WO1", "c1", OPEN))
    assert topic.open() == []


moves = st.tuples(st.sampled_from(["c1", "c2", "c3"]), st.sampled_from([OPEN, RELEASED, DONE, None]))


@given(st.lists(moves, max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_history(history: list[tuple[str, ClaimState | None]]) -> None:
    topic = Topic()
    still_open: list[str] = []
    tickets: list[str] = []
    for claim_id, state in history:
        topic.tell(claim_id, state, f"T-{claim_id}" if state is DONE else None)
        if state is OPEN:
            still_open += [] if claim_id in still_open else [claim_id]
        else:
            still_open = [other for other in still_open if other != claim_id]
        tickets += [f"T-{claim_id}"] if state is DONE else []
    assert topic.open() == still_open
    assert topic.table.done_ticket("WO1") == (tickets[0] if tickets else None)


def test_a_reader_in_another_thread_never_sees_a_claim_neither_open_nor_done() -> None:
    """Between the two a second owner, whose claim is next, would send its PUT."""
    topic, orders = Topic(), [f"WO{number}" for number in range(400)]

    def write() -> None:
        for order in orders:
            topic.tell("c1", OPEN, order=order)
            topic.tell("c1", DONE, "T1", order=order)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        writer = threading.Thread(target=write)
        writer.start()
        for order in orders:
            seen_open = False
            while topic.table.done_ticket(order) is None:
                was_open = bool(topic.open(order))
                done = topic.table.done_ticket(order)
                assert was_open or done or not seen_open
                seen_open = seen_open or was_open
        writer.join(10.0)
    finally:
        sys.setswitchinterval(interval)
