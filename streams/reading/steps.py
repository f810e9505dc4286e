"""A fresh plan of one order, step by step, in words that need no knowledge of the code: for text, JSON and pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.delivery.reconcile import desired
from streams.planning.admission import CHECKED
from streams.planning.enumerations import FIELDS, EnumField, Origin
from streams.planning.lists import WillowLists
from streams.planning.places import Located, Whereabouts
from streams.planning.ticket import SOURCES
from streams.planning.trace import Trace, Translated
from streams.reading.replanning import Planned
from streams.settings import Settings
from streams.tables.twins import TwinTable


@dataclass(frozen=True, slots=True)
class Check:
    """A reason to refuse the record whatever it relates to; ``passed``: it does not apply."""

    code: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a place chain. ``kind`` None: the twin table does not know it."""

    id: str
    kind: str | None
    name: str | None
    selected: bool


@dataclass(frozen=True, slots=True)
class PlaceStep:
    """A related entity: where it lies, and what that means for the ticket's twin."""

    id: str
    name: str | None
    kind: str | None
    chain: tuple[Link, ...]
    whereabouts: str
    site: str | None
    missing: str | None
    loop: bool
    twin_id: str | None
    choice: str


@dataclass(frozen=True, slots=True)
class EnumerationStep:
    """One of the six. ``target`` is Willow's id, ``name`` what Willow calls it, ``source`` where the value came
    from; with none, ``why``."""

    setting: str
    field: str
    value: str | None
    target: str | None
    name: str | None
    source: str
    why: str | None = None
    at: str | None = None
    """The related entity at whose place it was looked for."""


@dataclass(frozen=True, slots=True)
class FieldStep:
    field: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Steps:
    decision: str
    """The intent's kind: ``upsert``, ``delete``, ``skip`` or ``park``."""
    reason: Mapping[str, str] | None
    filled: tuple[str, ...]
    checks: tuple[Check, ...]
    places: tuple[PlaceStep, ...]
    twin_id: str | None
    enumerations: tuple[EnumerationStep, ...]
    fields: tuple[FieldStep, ...]
    warnings: tuple[str, ...]
    fate: str
    """What the sink would do with it now (streams.delivery.foresee.Fate)."""
    code: str | None
    changed: tuple[str, ...]


def steps_of(
    planned: Planned, present_twin: str | None, twins: TwinTable, lists: WillowLists, settings: Settings
) -> Steps:
    """``present_twin``: the twin that the order's ticket has."""
    intent, trace, foreseen = planned.intent, planned.trace, planned.foreseen
    want = desired(intent, present_twin)
    upsert = intent["kind"] == "upsert"
    twin = want.twin_id if upsert else None
    return Steps(
        decision=intent["kind"],
        reason=intent["reason"],
        filled=planned.filled,
        checks=() if intent["kind"] == "delete" else tuple(_checks(trace)),
        places=tuple(_place(item, trace, twin, present_twin, twins) for item in trace.located),
        twin_id=twin,
        enumerations=tuple(_enumerations(trace, lists, settings)),
        fields=tuple(_fields(want.fields if upsert else intent["fields"])),
        warnings=(*intent["warnings"], *(want.warnings if upsert else ())),
        fate=foreseen.fate.value,
        code=foreseen.code,
        changed=foreseen.changed,
    )


def _checks(trace: Trace) -> Iterator[Check]:
    for code in CHECKED:
        passed = trace.refused is None or trace.refused.code != code
        yield Check(code, passed)
        if not passed:
            return


def _place(item: Located, trace: Trace, twin: str | None, present_twin: str | None, twins: TwinTable) -> PlaceStep:
    chain = item.chain
    nodes = [(link, twins.get(link)) for link in chain.links]
    links = tuple(
        Link(link, node.kind.value if node else None, node.name if node else None, link == chain.site)
        for link, node in nodes
    )
    return PlaceStep(
        id=item.id,
        name=item.name,
        kind=item.kind.value if item.kind else None,
        chain=links,
        whereabouts=chain.whereabouts.value,
        site=chain.site,
        missing=chain.missing,
        loop=chain.loop,
        twin_id=item.twin_id,
        choice=_choice(item, trace, twin, present_twin),
    )


def _choice(item: Located, trace: Trace, twin: str | None, present_twin: str | None) -> str:
    """Why the ticket names this entity's twin, or does not (contract §3, *The ticket's twin*)."""
    if item.chain.whereabouts is Whereabouts.OUTSIDE:
        return "in no selected site"
    if item not in trace.in_scope:
        return "nothing is known to lie in a selected site"
    if item.twin_id is None:
        return "has no Willow twin"
    if item not in trace.equals:
        return "another one is more specific"
    if item.twin_id != twin:
        return "as specific as the chosen one" if twin is not None else "the most specific with a twin"
    if len(trace.equals) == 1:
        return "chosen: the most specific with a twin"
    why = "the ticket's present twin" if twin == present_twin else "the lowest id"
    return f"chosen: {why} of {len(trace.equals)} that are the most specific with a twin"


_ORIGINS = {
    Origin.VALUES: "enumerations.{setting}.values",
    Origin.NAME: "Willow's list, by name",
    Origin.FORM: "Willow's list, by form (pass_through)",
    Origin.AS_IT_IS: "sent as it is (pass_through)",
    Origin.DEFAULT: "enumerations.{setting}.default",
    Origin.EMPTY: "empty at the source: clears the field",
}


def _enumerations(trace: Trace, lists: WillowLists, settings: Settings) -> Iterator[EnumerationStep]:
    told: dict[str, list[Translated]] = {}
    for step in trace.enumerations:
        told.setdefault(step.rule.field.setting, []).append(step)
    for item in FIELDS:
        mode = getattr(settings.enumerations, item.setting).mode.value
        for step in told.get(item.setting, ()):
            yield _enumeration(step, mode, lists)
        if item.setting not in told and trace.located:
            why = "mode: omit" if mode == "omit" else "the record does not carry it, or the plan ended before"
            yield EnumerationStep(item.setting, item.target, None, None, None, "not sent", why)


def _enumeration(step: Translated, mode: str, lists: WillowLists) -> EnumerationStep:
    item, resolved = step.rule.field, step.resolved
    target = resolved.fields.get(item.target)
    source = _ORIGINS[resolved.origin].format(setting=item.setting) if resolved.origin else f"mode: {mode}"
    why = resolved.reason.message if resolved.reason else resolved.warning
    return EnumerationStep(
        item.setting, item.target, step.value, target, _name(item, target, lists), source, why, step.entity_id
    )


def _name(item: EnumField, target: str | None, lists: WillowLists) -> str | None:
    if item.list_name is None or target is None:
        return None
    entry = lists.lookups[item.list_name].by_id.get(target)
    return entry.name if entry else None


_FROM_ENUMERATIONS = {item.target: item.source for item in FIELDS}


def _fields(fields: Mapping[str, Any]) -> Iterator[FieldStep]:
    for name, value in fields.items():
        yield FieldStep(name, value, SOURCES.get(name) or _FROM_ENUMERATIONS.get(name, ""))
