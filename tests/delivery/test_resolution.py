"""An operator's word does what it was given for, and nothing later."""

import pytest

from streams.delivery.resolution import holds, word
from streams.delivery.state import OrderState, Waiting


def in_doubt(claim_id: str) -> OrderState:
    return OrderState(waiting=Waiting("in_doubt", "create_in_doubt", 1.0, {}, claim_id=claim_id))


@pytest.mark.parametrize("ticket_id", [None, "T2"])
def test_a_word_on_a_doubt_is_of_its_claim(ticket_id: str | None) -> None:
    said = word(ticket_id, in_doubt("c1"), None)
    assert holds(said, in_doubt("c1"), None)
    assert not holds(said, in_doubt("c2"), None)
    assert not holds(said, OrderState(), None)
    assert not holds(said, OrderState(), "T2")


@pytest.mark.parametrize("bound", [None, "T1"])
@pytest.mark.parametrize("ticket_id", [None, "T2"])
def test_a_word_on_a_binding_is_of_the_ticket_that_was_bound(ticket_id: str | None, bound: str | None) -> None:
    said = word(ticket_id, OrderState(), bound)
    assert holds(said, OrderState(), bound)
    assert not holds(said, OrderState(), "T3")
    assert not holds(said, in_doubt("c1"), bound)


def test_a_ticket_that_is_back_may_be_bound_again() -> None:
    state = OrderState(ticket_id="T1", gone=True)
    assert holds(word("T1", state, "T1"), state, "T1")


def test_a_word_that_names_nothing_does_nothing() -> None:
    assert not holds({"ticketId": None}, OrderState(), None)
    assert not holds({"ticketId": None}, in_doubt("c1"), None)
