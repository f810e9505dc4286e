"""Whether a work order lies in a selected site and has a twin to name: the place rows of contract §3, in
order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.intent import IntentKind
from schemas.outcome import Reason
from streams.planning.places import (
    Entities,
    Located,
    PlaceKind,
    Whereabouts,
    candidates,
    watched,
)
from streams.planning.reasons import reason
from streams.planning.rules import Rules

_NAMED = 5
"""Entities that a message names; an order may relate to hundreds."""


@dataclass(frozen=True, slots=True)
class Halt:
    """A skip, or a park with what it waits for (as told) and what wakes it (as watched)."""

    kind: IntentKind
    reason: Reason
    waiting_for: Sequence[str] = ()
    watch: Sequence[str] = ()


def halted(located: Sequence[Located], entities: Entities, rules: Rules) -> Halt | None:
    """None if the ticket has a twin to name."""
    if (wanted := _lacking(located, rules)) is not None:
        return Halt(IntentKind.SKIP, reason("no_related_entity", wanted=wanted))
    in_scope = candidates(located)
    if not in_scope:
        return _unknown_site(located, entities, rules) or _unknown_entity(located) or _outside(located)
    if any(item.twin_id is not None for item in in_scope):
        return None
    why = reason("no_willow_twin", entities=_labels(in_scope))
    return Halt(IntentKind.PARK, why, [item.id for item in in_scope], watched(located))


def loops(located: Iterable[Located]) -> list[str]:
    """Warnings for chains that come back to themselves or are too long."""
    return [f"location_loop: {item.id}" for item in located if item.chain.loop]


def _lacking(located: Sequence[Located], rules: Rules) -> str | None:
    if not located:
        return "place or Thing"
    # An entity of which nothing is known yet may be a place: it is parked as unknown, not skipped for good.
    if rules.require_related_place and all(item.kind is PlaceKind.THING for item in located):
        return "place (require_related_place: true)"
    return None


def _unknown_site(located: Sequence[Located], entities: Entities, rules: Rules) -> Halt | None:
    sites = rules.selection.unknown(entities)
    if not sites:
        return None
    # Nothing tells a Mapped id from a twin id: both are watched.
    watch = sorted({*watched(located), *sites, *(f"twin:{site}" for site in sites)})
    return Halt(IntentKind.PARK, reason("unknown_site", sites=_some(sites)), sites, watch)


def _unknown_entity(located: Sequence[Located]) -> Halt | None:
    unknown = [item for item in located if item.chain.whereabouts is Whereabouts.UNKNOWN]
    if not unknown:
        return None
    why = reason("unknown_entity", entities=_some([_gap(item) for item in unknown]))
    return Halt(IntentKind.PARK, why, sorted({item.chain.missing or item.id for item in unknown}), watched(located))


def _outside(located: Sequence[Located]) -> Halt:
    return Halt(IntentKind.SKIP, reason("outside_selected_sites", entities=_labels(located)))


def _gap(item: Located) -> str:
    if item.chain.loop:
        return f"{_label(item)} (location_loop at {item.chain.missing})"
    return item.id if item.chain.missing == item.id else f"{_label(item)} (its chain ends at {item.chain.missing})"


def _label(item: Located) -> str:
    return f"{item.name} ({item.id})" if item.name else item.id


def _labels(items: Iterable[Located]) -> str:
    return _some([_label(item) for item in items])


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _NAMED
    return ", ".join(texts[:_NAMED]) + (f" and {more} more" if more > 0 else "")
