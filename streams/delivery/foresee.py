"""What the sink would do with an intent, given what is known of its order: for plans that change nothing. Pure.

Made of the functions that the sink itself decides with; what only Willow can say (its own word on a ticket whose last
state nobody remembers, a refusal) is not foretold.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from schemas.intent import IntentKind
from streams.delivery.create import InDoubt, Seen, Ticketed, before_claim
from streams.delivery.reconcile import Desired, Verdict, changes, desired, fill, judge
from streams.delivery.state import OrderState


class Fate(StrEnum):
    CREATE = "create"
    ADOPT = "adopt"
    """The order's own identity names a ticket that nobody else is known to own."""
    UPDATE = "update"
    COMPARE = "compare"
    """It has a ticket, and nobody remembers what was sent: Willow's own word decides what is updated."""
    UNCHANGED = "unchanged"
    SKIP = "skip"
    REJECT = "reject"
    PARK = "park"
    WAIT = "wait"
    """A create of the order is in doubt; the record waits behind it."""
    SUPERSEDED = "superseded"
    """A newer record of the order was decided already."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """``code`` is the reason's, where there is one; ``changed`` the ticket fields that an update sends."""

    fate: Fate
    code: str | None = None
    changed: tuple[str, ...] = ()
    twin_id: str | None = None


#: A skip for one of these says nothing about whether the order still qualifies.
NOT_LEAVING = frozenset({"not_a_change", "willow_born", "undecodable", "internal_error"})

_PLACED = {
    Verdict.SUPERSEDED: Foreseen(Fate.SUPERSEDED),
    Verdict.STALE: Foreseen(Fate.SKIP, "stale"),
    Verdict.DROP: Foreseen(Fate.SUPERSEDED),
    Verdict.REPEAT: Foreseen(Fate.UNCHANGED),
}


def to_plan_again(intent: Mapping[str, Any], state: OrderState) -> dict[str, Any] | None:
    """The folded record that the sink would have planned in place of this intent's; None if it takes it as it is."""
    if intent["kind"] != IntentKind.UPSERT or _stands_behind(state):
        return None
    try:
        return fill(intent, state)
    except KeyError:
        return None


def foresee(
    intent: Mapping[str, Any], state: OrderState, seen: Seen, owner_of: Callable[[str], str | None]
) -> Foreseen:
    """What would become of an intent (as its topic has it) that arrived now, alone. ``owner_of``: the order that owns
    a ticket, as far as the identities say."""
    verdict = judge(intent, state, state.watermark)
    if verdict is not Verdict.ACCEPT:
        return _PLACED[verdict]
    if _stands_behind(state):
        return Foreseen(Fate.WAIT, "create_in_doubt")
    code = (intent.get("reason") or {}).get("code")
    match intent["kind"]:
        case IntentKind.PARK:
            return Foreseen(Fate.PARK, code)
        case IntentKind.DELETE:
            if seen.ticket is None:
                return Foreseen(Fate.SKIP, "deleted_untracked")
            return _close(intent, state, seen.ticket, None) or Foreseen(Fate.SKIP, "deleted_kept")
        case IntentKind.SKIP:
            if seen.ticket is None or code in NOT_LEAVING:
                return Foreseen(Fate.SKIP, code)
            left = f"left_{code}"
            return _close(intent, state, seen.ticket, left) or Foreseen(Fate.SKIP, left)
    return _upsert(intent, state, seen, owner_of)


def _stands_behind(state: OrderState) -> bool:
    return state.waiting is not None and state.waiting.kind == "in_doubt"


def _upsert(
    intent: Mapping[str, Any], state: OrderState, seen: Seen, owner_of: Callable[[str], str | None]
) -> Foreseen:
    try:
        fill(intent, state)
    except KeyError:
        return Foreseen(Fate.SKIP, "incomplete_record")
    want = desired(intent, state.clear.get("twinId"))
    position = before_claim(seen)
    if isinstance(position, InDoubt):
        return Foreseen(Fate.WAIT, "create_in_doubt", twin_id=want.twin_id)
    if not isinstance(position, Ticketed):
        named = intent.get("ticketIds")
        if named and owner_of(named[0]) not in (None, intent["workOrderId"]):
            return Foreseen(Fate.SKIP, "ticket_owned_by_other")
        return Foreseen(Fate.ADOPT if named else Fate.CREATE, twin_id=want.twin_id)
    if state.gone:
        return Foreseen(Fate.REJECT, "ticket_not_found", twin_id=want.twin_id)
    return _to_ticket(intent, want, state, position.ticket_id, None)


def _close(intent: Mapping[str, Any], state: OrderState, ticket_id: str, code: str | None) -> Foreseen | None:
    """With ``on_delete`` or ``on_leave: close`` the intent carries what closes the ticket."""
    if not intent.get("fields") or state.gone:
        return None
    return _to_ticket(intent, Desired(dict(intent["fields"]), state.clear.get("twinId")), state, ticket_id, code)


def _to_ticket(
    intent: Mapping[str, Any], want: Desired, state: OrderState, ticket_id: str, code: str | None
) -> Foreseen:
    if state.ticket_id != ticket_id or not state.hashes:
        return Foreseen(Fate.COMPARE, code, twin_id=want.twin_id)
    changed = want.fields if intent.get("force") else changes(want.fields, state)
    fate = Fate.UPDATE if changed else Fate.UNCHANGED
    return Foreseen(fate, code, tuple(sorted(changed)), want.twin_id)
