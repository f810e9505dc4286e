"""The state of an order survives its round trip, and keeps no more in clear than it must (delivery.md §1)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.reconcile import changes
from streams.delivery.state import (
    UNSURE,
    OrderState,
    Owed,
    ReadBack,
    Waiting,
    field_hash,
    generation_of,
    hashes_of,
    log_key,
    outdated,
)

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(max_size=5)
sources = st.fixed_dictionaries({"topic": texts, "partition": st.integers(0, 9), "offset": st.integers(0, 2**53)})
intents = st.fixed_dictionaries({"kind": st.just("upsert"), "source": sources, "record": st.dictionaries(texts, texts)})
owed = st.builds(Owed, source=sources, replay_id=st.none() | texts)
waitings = st.builds(
    Waiting,
    kind=st.sampled_from(["parked", "fill", "in_doubt"]),
    code=texts,
    since=st.floats(0, 2e9),
    intent=intents,
    owed=st.lists(owed, max_size=3),
    behind=st.lists(intents, max_size=2),
    outcome=st.none() | st.dictionaries(texts, texts),
    claim_id=st.none() | texts,
    claim=st.none() | st.dictionaries(texts, st.integers(0, 9)),
    call_ended=st.none() | st.floats(0, 2e9),
)
read_backs = st.builds(ReadBack, due=st.floats(0, 2e9), fields=st.dictionaries(texts, texts), ticket_id=texts)
states = st.builds(
    OrderState,
    generation=st.integers(0, 2**31),
    decided=st.dictionaries(texts, st.integers(0, 2**53)),
    watermark=st.none() | texts.filter(bool),
    last=st.none() | st.dictionaries(texts, texts, min_size=1),
    ticket_id=st.none() | texts.filter(bool),
    hashes=st.dictionaries(texts, texts),
    whole=st.booleans(),
    clear=st.dictionaries(texts, st.none() | texts),
    scope=st.dictionaries(texts, texts),
    left=st.none() | texts.filter(bool),
    gone=st.booleans(),
    waiting=st.none() | waitings,
    read_back=st.none()
    | st.builds(ReadBack, due=st.floats(0, 2e9), fields=st.dictionaries(texts, texts), ticket_id=texts),
    queue=st.lists(intents, max_size=2),
)


@given(states)
@UNHURRIED
def test_round_trip(state: OrderState) -> None:
    assert OrderState.from_json(state.to_json()) == state


def test_an_empty_state_says_nothing() -> None:
    assert OrderState().to_json() == b"{}"
    assert OrderState.from_json(b"{}") == OrderState()


def test_what_is_to_be_woken_or_counted_is_found_by_its_bytes() -> None:
    """``OrderTable.restless`` looks for the names in the raw value, and parses only what has one."""
    names = (b'"waiting"', b'"read_back"', b'"left"')
    assert not any(name in OrderState(ticket_id="T1").to_json() for name in names)
    assert names[0] in OrderState(waiting=Waiting("parked", "c", 1.0, {})).to_json()
    assert names[1] in OrderState(read_back=ReadBack(1.0, {"summary": "a"}, "T1")).to_json()
    assert names[2] in OrderState(left="no_related_entity").to_json()


@pytest.mark.parametrize("nothing", [None, "", {}])
def test_what_is_empty_and_what_was_never_sent_are_the_same(nothing: Any) -> None:
    assert field_hash(nothing) == ""


@pytest.mark.parametrize("something", [0, False, [], "0", " ", {"a": None}])
def test_what_is_not_empty_has_a_hash(something: Any) -> None:
    assert len(field_hash(something)) == 10


def test_a_hash_does_not_depend_on_the_order_of_names() -> None:
    assert field_hash({"a": 1, "b": 2}) == field_hash({"b": 2, "a": 1}) != field_hash({"a": 2, "b": 1})


def test_no_personal_data_is_kept() -> None:
    state = OrderState()
    state.remember("T1", {"reporter": {"name": "Ann Example"}, "summary": "leak", "statusId": "S1"}, whole=True)
    raw = state.to_json()
    assert b"Ann" not in raw
    assert b"leak" not in raw
    assert state.clear == {"statusId": "S1"}


def test_remember_whole_forgets_and_in_part_adds() -> None:
    state = OrderState(gone=True)
    state.remember("T1", {"summary": "a", "twinId": "TW1"}, whole=True)
    state.remember("T1", {"cause": "b", "statusId": None}, whole=False)
    assert state.hashes == hashes_of({"summary": "a", "twinId": "TW1", "cause": "b", "statusId": None})
    assert state.clear == {"twinId": "TW1", "statusId": None}
    assert (state.gone, state.whole) == (False, True)
    state.remember("T2", {"summary": "c"}, whole=True)
    assert (state.ticket_id, state.hashes) == ("T2", hashes_of({"summary": "c"}))


def test_only_what_changed_is_hashed_anew() -> None:
    state = OrderState()
    state.remember("T1", {"summary": "a", "cause": "b", "statusId": "S1"}, whole=True)
    state.remember("T1", {"summary": "a", "cause": "c", "statusId": "S1"}, whole=False, changed={"cause": "c"})
    assert state.hashes == hashes_of({"summary": "a", "cause": "c", "statusId": "S1"})
    assert state.clear == {"statusId": "S1"}


def test_what_was_never_sent_is_empty_in_a_ticket_of_our_own_and_unknown_in_another() -> None:
    state = OrderState()
    state.remember("T1", {"summary": "a"}, whole=False)
    assert (state.hash_of("cause"), state.hash_of("summary")) == (UNSURE, field_hash("a"))
    state.remember("T2", {"summary": "a"}, whole=True)
    state.remember("T2", {"solution": "b"}, whole=False)
    assert (state.hash_of("cause"), OrderState.from_json(state.to_json()).hash_of("cause")) == ("", "")
    state.remember("T3", {"cause": "c"}, whole=False)
    assert (state.hash_of("summary"), state.hash_of("cause")) == (UNSURE, field_hash("c"))
    state.remember("T4", {"summary": "a"}, whole=True)
    state.forget_ticket()
    assert state.hash_of("summary") == UNSURE


def test_a_field_in_doubt_is_sent_whatever_it_should_be() -> None:
    state = OrderState()
    state.doubt_hashes(["summary"])
    assert state.hashes == {}, "nothing was sent yet: Willow's own word counts"
    state.remember("T1", {"summary": "a", "cause": None}, whole=True)
    state.doubt_hashes(["summary", "cause"])
    assert changes({"summary": "a", "cause": None}, state) == {"summary": "a", "cause": None}


def test_what_is_read_back_follows_what_is_wanted_by_then() -> None:
    state = OrderState()
    state.read_back_at(5.0, "T1", {"summary": "a"})
    state.read_back_at(9.0, "T1", {"cause": "b"})
    state.remember("T1", {"summary": "newer", "solution": "not in doubt"}, whole=False)
    assert state.read_back == ReadBack(9.0, {"summary": "newer"}, "T1", {"cause": "b"})
    assert (state.hash_of("summary"), state.hash_of("cause")) == (field_hash("newer"), UNSURE)
    state.read_back_at(11.0, "T1", {"sector": "c"}, wanted=True)
    assert state.read_back == ReadBack(11.0, {"summary": "newer", "sector": "c"}, "T1", {"cause": "b"})


def test_a_topic_that_was_made_again_is_another_log() -> None:
    place = {"topic": "work-orders", "partition": 3}
    assert log_key(place) == "work-orders/3"
    assert log_key({**place, "topicId": "one"}) != log_key({**place, "topicId": "two"})


@given(states)
@UNHURRIED
def test_the_generation_is_found_without_parsing(state: OrderState) -> None:
    assert generation_of(state.to_json()) == state.generation


def test_a_state_of_a_former_owner_is_outdated_wherever_it_stands() -> None:
    """A worker that was frozen sends what it had queued when it wakes, behind what its successor wrote."""
    former, successor = (OrderState(generation=number, watermark="x").to_json() for number in (4, 5))
    assert outdated(former, successor)
    assert not outdated(successor, former)
    assert not outdated(former, former)
    assert not outdated(former, None)
    assert not outdated(OrderState(ticket_id="T1").to_json(), b'{"ticket_id":"T1"}')
