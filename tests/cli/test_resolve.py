"""A word of `resolve` that Willow speaks against is not taken."""

import asyncio
from collections.abc import Callable

import pytest

from ops.emulator import Emulator, Kind
from streams.cli.common import CliError
from streams.cli.resolve_check import Known, check_word
from streams.delivery.state import OrderState
from streams.planning.reasons import NAMED_REMEDY, named_not_found
from streams.reading.states import Bindings
from streams.settings import Settings
from streams.tables.claims import ClaimTable
from streams.tables.identities import IdentityTable

GONE = "00000000-0000-4000-8000-000000000000"


class Desk:
    """An operator's word on WO1, with the emulator as Willow."""

    def __init__(self, willow_at: Callable[[Emulator], dict[str, str]]) -> None:
        self.emulator = Emulator()
        self.willow = willow_at(self.emulator)

    def ticket(self, external_id: str | None = None) -> str:
        status = self.emulator.lists.id_of(Kind.STATUSES, "Open")
        fields = {"summary": "Leak", "twinId": "TW-AHU1", "statusId": status, "externalId": external_id}
        return self.emulator.tickets.create(fields, 0).id

    def say(self, ticket_id: str | None, state: OrderState, *, force: bool = False) -> CliError | None:
        settings = Settings.model_validate({"willow": self.willow, "selected_sites": ["*"]})
        known = Known("WO1", state, Bindings(IdentityTable(), ClaimTable()))
        try:
            asyncio.run(check_word(settings, known, ticket_id, force=force))
        except CliError as error:
            return error
        return None


@pytest.fixture
def desk(willow_at: Callable[[Emulator], dict[str, str]]) -> Desk:
    return Desk(willow_at)


def test_an_order_whose_ticket_is_there_keeps_it(desk: Desk) -> None:
    bound, other = desk.ticket("WO1"), desk.ticket()
    state = OrderState(ticket_id=bound)
    for word in (None, other):
        refused = desk.say(word, state)
        assert refused is not None
        assert refused.message == f"WO1 has ticket {bound} in Willow"
        assert "explain WO1" in refused.remedy
        assert desk.say(word, state, force=True) is None
    assert desk.say(bound, state) is None


def test_a_ticket_that_only_its_external_id_tells_speaks_against_none(desk: Desk) -> None:
    made = desk.ticket("WO1")
    for state in (OrderState(), OrderState(ticket_id=GONE, gone=True)):
        refused = desk.say(None, state)
        assert refused is not None
        assert refused.message == f"WO1 has ticket {made} in Willow, by the externalId 'WO1'"
        assert f"resolve WO1 --ticket {made}" in refused.remedy
        assert desk.say(made, state) is None


def test_what_resolve_is_for(desk: Desk) -> None:
    desk.ticket("WO2")
    gone = OrderState(ticket_id=GONE, gone=True)
    assert desk.say(None, gone) is None
    assert desk.say(None, OrderState()) is None
    assert desk.say(desk.ticket(), gone) is None


def test_an_order_that_names_a_missing_ticket_is_mended_in_mapped(desk: Desk) -> None:
    why = named_not_found(GONE, "404").model_dump()
    refused = desk.say(None, OrderState(last={"outcome": "rejected", "reason": why}))
    assert refused is not None
    assert GONE in refused.message
    assert refused.remedy == NAMED_REMEDY
    assert desk.say(desk.ticket(), OrderState(last={"outcome": "rejected", "reason": why})) is None


def test_force_makes_no_ticket_that_is_not_there(desk: Desk) -> None:
    theirs = desk.ticket("WO2")
    for word, found in ((GONE, "Willow has no ticket"), (theirs, "has the externalId 'WO2'")):
        refused = desk.say(word, OrderState(), force=True)
        assert refused is not None
        assert found in refused.message


def test_a_willow_that_cannot_be_asked_speaks_against_all(desk: Desk) -> None:
    desk.willow["client_secret"] = "wrong"
    for word in (None, GONE):
        refused = desk.say(word, OrderState())
        assert refused is not None
        assert refused.message.startswith("Willow can't be asked which ticket WO1 has: ")
        assert "--force" in refused.remedy
        assert desk.say(word, OrderState(), force=True) is None
