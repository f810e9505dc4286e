"""One order held against one ticket, with the sink's own comparison. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.intent import IntentKind
from streams.delivery.reconcile import desired
from streams.delivery.state import UNSURE, OrderState, field_hash
from streams.planning.lists import WillowLists
from streams.reading.findings import Difference, Finding, Kind, was_refused
from streams.reading.replanning import Planned
from streams.willow import Ticket
from streams.willow.wire import FIELDS, NameLookup, read_name
from streams.willow.wire import Kind as FieldKind

_TWIN = "twinId"

_EXACT = tuple(name for name, entry in FIELDS.items() if entry.kind is FieldKind.TEXT and entry.compared)
"""Fields that Willow gives back as they were sent, so that their hash tells a change."""


@dataclass(frozen=True, slots=True)
class Words:
    """What Willow's lists call what. ``ids`` is for reads of the older shape, which show a status and a priority by
    name; ``names`` (folded id → name) for people."""

    ids: NameLookup
    names: Mapping[str, str]

    @classmethod
    def of(cls, lists: WillowLists) -> "Words":
        listed = {"statusId": lists.statuses, "priorityId": lists.priorities}
        ids = {name: {entry.name.casefold(): entry.id for entry in entries} for name, entries in listed.items()}
        everything = (*lists.statuses, *lists.priorities, *lists.categories, *lists.job_types, *lists.services)
        return cls(ids, {entry.id.casefold(): entry.name for entry in everything})

    def difference(self, name: str, wanted: Any, in_willow: Any, *, only_hash: bool = False) -> Difference:
        called = (self.names.get(str(value).casefold()) for value in (wanted, in_willow))
        return Difference(name, wanted, in_willow, only_hash, *called)


@dataclass(frozen=True, slots=True)
class Compared:
    findings: tuple[Finding, ...]
    hidden: tuple[str, ...] = ()
    """Fields that the ticket does not show."""
    by_hash: bool = False


def wants_ticket(planned: Planned | None) -> bool:
    return planned is not None and planned.intent["kind"] == IntentKind.UPSERT


def site_of(planned: Planned | None) -> str | None:
    """The selected site in which the order lies, as far as its plan came."""
    located = planned.trace.located if planned is not None else ()
    return next((item.chain.site for item in located if item.chain.site is not None), None)


def compare(
    order_id: str, ticket: Ticket, state: OrderState, planned: Planned | None, words: Words, *, waits: bool
) -> Compared:
    """``waits``: the order's newest record is not carried out yet, so that only what was sent can be held against
    Willow."""
    if planned is None or waits or not wants_ticket(planned):
        there = tuple(_by_hash(ticket, state, words))
        return Compared(tuple(_findings(order_id, ticket, there, (), site_of(planned))), by_hash=True)
    want = desired(planned.intent, state.clear.get(_TWIN)).fields
    comparison = ticket.compare(want, words.ids)
    changed_there: list[Difference] = []
    not_sent: list[Difference] = []
    for name, value in comparison.differs.items():
        as_sent = state.hash_of(name) == field_hash(value) and bool(state.hashes)
        found = changed_there if as_sent or name == _TWIN else not_sent
        found.append(words.difference(name, value, _shown(ticket, name)))
    findings = _findings(order_id, ticket, tuple(changed_there), tuple(not_sent), site_of(planned), state)
    return Compared(tuple(findings), tuple(comparison.hidden))


def _shown(ticket: Ticket, name: str) -> Any:
    """The older read shape has a name in place of the id."""
    return ticket.field(name) if ticket.shows(name) else read_name(ticket.document, name)


def _by_hash(ticket: Ticket, state: OrderState, words: Words) -> Iterator[Difference]:
    for name, sent in state.hashes.items():
        if sent == UNSURE or not ticket.shows(name):
            continue
        there = ticket.field(name)
        if name in state.clear:
            if str(state.clear[name] or "").casefold() != str(there or "").casefold():
                yield words.difference(name, state.clear[name], there)
        elif name in _EXACT and field_hash(there) != sent:
            yield words.difference(name, None, there, only_hash=True)


def _findings(
    order_id: str,
    ticket: Ticket,
    changed_there: tuple[Difference, ...],
    not_sent: tuple[Difference, ...],
    site: str | None,
    state: OrderState | None = None,
) -> Iterator[Finding]:
    twin = tuple(item for item in changed_there if item.field == _TWIN)
    drift = tuple(item for item in changed_there if item.field != _TWIN)
    if twin:
        evidence = f"Willow has twin {twin[0].in_willow}, expected {twin[0].wanted}"
        yield Finding(Kind.TWIN_MOVED, order_id, ticket.id, evidence, twin, site)
    if drift:
        evidence = f"changed in Willow: {_names(drift)}"
        yield Finding(Kind.DRIFT, order_id, ticket.id, evidence, drift, site)
    if not_sent:
        evidence = f"not as a fresh plan wants it: {_names(not_sent)}{_last(state)}"
        refused = was_refused(state.last if state is not None else None)
        yield Finding(Kind.NOT_SENT, order_id, ticket.id, evidence, not_sent, site, refused=refused)


def _names(differences: tuple[Difference, ...]) -> str:
    return ", ".join(item.field for item in differences)


def _last(state: OrderState | None) -> str:
    last: Mapping[str, Any] = (state.last if state is not None else None) or {}
    reason = last.get("reason")
    return f" (its newest record was {last['outcome']}: {reason['code']})" if reason else ""
