"""The identity table: order ↔ ticket, whatever compaction left and whatever strange record comes (contract §6)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.identity import TICKET_URN, TicketIdentity, TicketIdentityValue
from schemas.source import EntityType
from streams.tables.identities import NEWEST, IdentityTable

INSTANCE = "http://willow.example/api/v3"


def identity(order: str, ticket: str, instance: str = INSTANCE) -> bytes:
    value = TicketIdentityValue(scope_id="ORG1", value=TICKET_URN + ticket)
    return TicketIdentity(
        entity_type=EntityType.WORK_ORDER, entity_id=order, identity=value, instance=instance
    ).to_json()


class Topic:
    """Applies records one after the other."""

    def __init__(self) -> None:
        self.table = IdentityTable()
        self._offset = 0

    def tell(self, order: str | None, value: bytes | None) -> None:
        self.table.apply(0, self._offset, 0, None if order is None else order.encode(), value)
        self._offset += 1

    def bind(self, order: str, ticket: str) -> None:
        self.tell(order, identity(order, ticket))


def test_both_ways() -> None:
    topic = Topic()
    topic.bind("WO1", "T1")
    assert topic.table.ticket_of("WO1") == "T1"
    assert topic.table.owner_of("T1") == "WO1"
    assert topic.table.ticket_of("WO2") is topic.table.owner_of("T2") is None
    assert len(topic.table) == 1
    assert topic.table.instances == {INSTANCE}


def test_a_repeated_identity_changes_nothing() -> None:
    topic = Topic()
    topic.bind("WO1", "T1")
    topic.bind("WO1", "T1")
    assert (topic.table.ticket_of("WO1"), topic.table.owner_of("T1"), len(topic.table)) == ("T1", "WO1", 1)


def test_the_newest_identity_is_the_orders() -> None:
    """As compaction leaves it: a reader that starts later sees only that one."""
    topic = Topic()
    topic.bind("WO1", "T1")
    topic.bind("WO1", "T2")
    assert topic.table.ticket_of("WO1") == "T2"
    assert topic.table.owner_of("T2") == "WO1"
    assert topic.table.owner_of("T1") is None


def test_a_tombstone_frees_order_and_ticket() -> None:
    topic = Topic()
    topic.bind("WO1", "T1")
    topic.tell("WO1", None)
    assert topic.table.ticket_of("WO1") is topic.table.owner_of("T1") is None
    assert len(topic.table) == 0
    topic.tell("WO1", None)
    topic.bind("WO2", "T1")
    assert topic.table.owner_of("T1") == "WO2"


@pytest.mark.parametrize("ended", ["by a tombstone", "by another ticket"])
def test_a_ticket_stays_its_owners_when_another_order_lets_go_of_it(ended: str) -> None:
    topic = Topic()
    topic.bind("WO1", "T1")
    topic.bind("WO2", "T1")
    assert topic.table.owner_of("T1") == "WO1"
    if ended == "by a tombstone":
        topic.tell("WO2", None)
    else:
        topic.bind("WO2", "T2")
    assert topic.table.owner_of("T1") == "WO1"


def test_a_known_ticket_for_a_look_up_is_none_of_those_looked_for() -> None:
    topic = Topic()
    assert topic.table.any_order(besides=()) is None
    topic.bind("WO1", "T1")
    assert topic.table.any_order(besides={"WO1"}) is None
    topic.bind("WO2", "T2")
    assert topic.table.any_order(besides=()) == "WO2", "the newest: a filter that only sees recent tickets knows it"
    assert topic.table.any_order(besides={"WO2"}) == "WO1"
    topic.tell("WO1", None)
    assert topic.table.any_order(besides={"WO2"}) is None


def test_as_many_are_at_hand_as_one_look_up_may_name() -> None:
    topic = Topic()
    for number in range(NEWEST * 2):
        topic.bind(f"WO{number}", f"T{number}")
    besides = {f"WO{number}" for number in range(NEWEST + 1, NEWEST * 2)}
    assert topic.table.any_order(besides=besides) == f"WO{NEWEST}"


STRANGE = (
    b"",
    b"\x00\x00\x00\x00\x01",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"identity":null,"instance":"i"}',
    b'{"identity":{"value":null},"instance":"i"}',
    b'{"identity":{"value":["urn"]},"instance":"i"}',
    b'{"identity":{"value":"urn:willowinc:ticket:id:T9"}}',
    b'{"identity":{"value":"urn:willowinc:ticket:id:T9"},"instance":{}}',
    b'{"identity":{"value":"urn:willowinc:ticket:id:T9"},"instance":null}',
    b'{"identity":{"value":"urn:willowinc:twin:id:TW9"},"instance":"i"}',
)


@pytest.mark.parametrize("value", STRANGE)
def test_what_is_not_ours_is_passed_over(value: bytes) -> None:
    topic = Topic()
    topic.bind("WO1", "T1")
    topic.tell("WO1", value)
    topic.tell(None, identity("WO2", "T2"))
    assert topic.table.ticket_of("WO1") == "T1"
    assert topic.table.instances == {INSTANCE}
    assert len(topic.table) == 1


records = st.tuples(st.sampled_from(["WO1", "WO2", "WO3"]), st.sampled_from([None, "T1", "T2", "T3"]))


@given(st.lists(records, max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_owner_always_has_its_ticket(history: list[tuple[str, str | None]]) -> None:
    topic = Topic()
    newest: dict[str, str] = {}
    for order, ticket in history:
        topic.tell(order, None if ticket is None else identity(order, ticket))
        newest = {**newest, order: ticket} if ticket else {key: value for key, value in newest.items() if key != order}
    assert {order: topic.table.ticket_of(order) for order in newest} == newest
    assert len(topic.table) == len(newest)
    for ticket in ("T1", "T2", "T3"):
        owner = topic.table.owner_of(ticket)
        assert owner is None or newest[owner] == ticket
