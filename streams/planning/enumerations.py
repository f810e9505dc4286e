"""The six enumerations (contract §3, §8; seed 000 "Enumerations"): a source value → Willow's id, or why
not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.outcome import Reason
from streams.planning.lists import Listed, Lookup, WillowLists, fold_form, fold_name
from streams.planning.reasons import ENUMERATION_NAMES, reason
from streams.settings import Enumeration, EnumerationMode, Enumerations


@dataclass(frozen=True, slots=True)
class EnumField:
    """One of the six: its setting, the source field, the ticket field, Willow's list (None: Willow publishes
    none), and whether its entries are bound to places."""

    setting: str
    target: str
    list_name: str | None
    placed: bool = False

    @property
    def source(self) -> str:
        return ENUMERATION_NAMES[self.setting][0]

    @property
    def noun(self) -> str:
        return ENUMERATION_NAMES[self.setting][1]


FIELDS: tuple[EnumField, ...] = (
    EnumField("job_status", "statusId", "statuses"),
    EnumField("job_sub_status", "subStatusId", None),
    EnumField("job_priority", "priorityId", "priorities"),
    EnumField("job_type", "jobTypeId", "job_types"),
    EnumField("sector", "categoryId", "categories", placed=True),
    EnumField("services_needed", "serviceNeededId", "services", placed=True),
)


_AMBIGUOUS = "ambiguous_"
"""The reason codes of values that more than one entry fits begin so."""


class Origin(StrEnum):
    """Where a value of Willow's came from: for whoever asks why."""

    VALUES = "values"
    """``enumerations.….values`` of the settings."""
    NAME = "name"
    """Willow's own list, by name."""
    FORM = "form"
    """``pass_through``: Willow's own list, by form."""
    AS_IT_IS = "as_it_is"
    """``pass_through``: Willow has no such form."""
    DEFAULT = "default"
    """``enumerations.….default`` of the settings."""
    EMPTY = "empty"
    """Empty at the source: it clears the field."""


_ORIGINS = {EnumerationMode.MAP: Origin.VALUES, EnumerationMode.MATCH_NAME: Origin.NAME}


@dataclass(frozen=True, slots=True)
class Rule:
    """An enumeration as configured. ``values`` maps folded source values to Willow ids or names; ``origin`` is where
    its mode finds a value, None for ``pass_through``, which finds it in two places."""

    field: EnumField
    source: str
    mode: EnumerationMode
    values: Mapping[str, str]
    default: str | None
    required: bool
    origin: Origin | None = None


def rules_of(settings: Enumerations) -> tuple[Rule, ...]:
    """The rules in the order in which they are tried, ``omit`` left out.

    Raises ValueError if two keys of a mapping are one without case and spacing and disagree."""
    pairs = ((item, getattr(settings, item.setting)) for item in FIELDS)
    return tuple(_rule(item, setting) for item, setting in pairs if setting.mode is not EnumerationMode.OMIT)


def _rule(item: EnumField, setting: Enumeration) -> Rule:
    values: dict[str, str] = {}
    for name, target in setting.values.items():
        if values.setdefault(fold_name(name), target) != target:
            raise ValueError(
                f"enumerations.{item.setting}.values: {name!r} stands there twice (case and spacing do not"
                f" count), for {values[fold_name(name)]!r} and for {target!r}; keep one"
            )
    origin = _ORIGINS.get(setting.mode)
    return Rule(item, item.source, setting.mode, values, setting.default, setting.required, origin)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a place-bound entry must be offered: the ticket's twin and the twins it lies in."""

    twins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Missed:
    """Why no single entry fits. ``remedy`` is what the operator can do about an unmapped one."""

    why: str
    remedy: str = ""
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """What becomes of one enumeration: ``fields`` has its ticket field unless it is left out."""

    fields: dict[str, str | None] = field(default_factory=dict)
    warning: str | None = None
    reason: Reason | None = None
    """Required, and there is no single value: the order is skipped."""
    origin: Origin | None = field(default=None, compare=False)
    """None where there is no value."""

    @property
    def ambiguous(self) -> bool:
        """More than one entry fits."""
        said = self.reason.code if self.reason is not None else self.warning or ""
        return said.startswith(_AMBIGUOUS)


def resolve(
    rule: Rule, value: str | None, lists: WillowLists, place: Place | None = None, category: str | None = None
) -> Resolved:
    """The ticket field of one source value. ``category`` is the ticket's, for services that hang under
    one."""
    if value is None or not value.strip():
        return _resolve_null(rule, lists, place, category)
    found = _match(rule, value, lists, place, category)
    origin = rule.origin or (Origin.AS_IT_IS if found == value else Origin.FORM)
    if isinstance(found, Missed) and not found.ambiguous and rule.default is not None:
        found, origin = find(rule.field, rule.default, lists, place, category), Origin.DEFAULT
    if not isinstance(found, Missed):
        return Resolved({rule.field.target: found}, origin=origin)
    return _missed(rule, value, found)


def _resolve_null(rule: Rule, lists: WillowLists, place: Place | None, category: str | None) -> Resolved:
    if rule.default is not None:
        found = find(rule.field, rule.default, lists, place, category)
        if isinstance(found, Missed):
            return _missed(rule, None, found)
        return Resolved({rule.field.target: found}, origin=Origin.DEFAULT)
    if rule.required:
        return _missed(rule, None, Missed("it is empty at the source", "Give the order a value at its source."))
    return Resolved({rule.field.target: None}, origin=Origin.EMPTY)


def _missed(rule: Rule, value: str | None, missed: Missed) -> Resolved:
    code = f"{_AMBIGUOUS if missed.ambiguous else 'unmapped_'}{rule.field.setting}"
    said = "null" if value is None else repr(value)
    if not rule.required:
        return Resolved(warning=f"{code}: {said[:200]}")
    values = {"value": said, "why": missed.why}
    return Resolved(reason=reason(code, **values) if missed.ambiguous else reason(code, **values, remedy=missed.remedy))


def _match(rule: Rule, value: str, lists: WillowLists, place: Place | None, category: str | None) -> str | Missed:
    if rule.mode is EnumerationMode.PASS_THROUGH:
        return _pass_through(rule, value, lists)
    if rule.mode is EnumerationMode.MAP:
        target = rule.values.get(fold_name(value))
        if target is None:
            setting = f"enumerations.{rule.field.setting}.values"
            return Missed(f"{setting} does not name it", f"Add it to {setting}.")
        return find(rule.field, target, lists, place, category)
    if rule.field.list_name is None:
        return Missed(
            f"Willow publishes no list of {rule.field.noun} names to match",
            f"Use enumerations.{rule.field.setting}.mode: map and type Willow's ids into values.",
        )
    return _named(rule.field, value, lists.lookups[rule.field.list_name], place, category)


def _pass_through(rule: Rule, value: str, lists: WillowLists) -> str:
    # Seed 000's toggle: only a status is brought to Willow's form, and what can't be is sent as it is.
    if rule.field.setting != "job_status":
        return value
    entry = None if value in lists.lookups["statuses"].by_id else by_form(rule.field, value, lists)
    return value if entry is None else entry.id


def by_form(item: EnumField, value: str, lists: WillowLists) -> Listed | None:
    """The one active entry whose name has the value's form (``IN_PROGRESS`` for ``In Progress``); None for several."""
    if item.list_name is None:
        return None
    entries = lists.lookups[item.list_name].by_form.get(fold_form(value), ())
    active = [entry for entry in entries if entry.is_active]
    return active[0] if len(active) == 1 else None


def find(
    item: EnumField, target: str, lists: WillowLists, place: Place | None = None, category: str | None = None
) -> str | Missed:
    """The id that a configured target (a Willow id or name) means. Sub statuses have no list: an id as it is
    typed."""
    if item.list_name is None:
        return target
    lookup = lists.lookups[item.list_name]
    entry = lookup.by_id.get(target)
    if entry is None:
        return _named(item, target, lookup, place, category)
    return _single(item, repr(target), (entry,), place, category)


def _named(item: EnumField, name: str, lookup: Lookup, place: Place | None, category: str | None) -> str | Missed:
    entries = lookup.by_name.get(fold_name(name), ())
    if not entries:
        return Missed(
            f"Willow has no {item.noun} named {name[:100]!r}",
            f"Create it in Willow, or name another {item.noun} under enumerations.{item.setting}.",
        )
    return _single(item, repr(name[:100]), entries, place, category)


def _single(
    item: EnumField, said: str, entries: tuple[Listed, ...], place: Place | None, category: str | None
) -> str | Missed:
    if len(entries) == 1 and entries[0].is_active and not item.placed:
        return entries[0].id
    remedy = f"Change it in Willow, or name another {item.noun} under enumerations.{item.setting}."
    active = [entry for entry in entries if entry.is_active]
    if not active:
        return Missed(f"the {item.noun} {said} is inactive in Willow", remedy)
    here = [entry for entry in active if _offered(entry, place)]
    if not here:
        return Missed(f"Willow does not offer the {item.noun} {said} at the ticket's twin", remedy)
    fitting = [entry for entry in here if category is None or entry.category_id in (None, category)]
    if not fitting:
        return Missed(f"the {item.noun} {said} belongs to another category than the ticket's", remedy)
    if len(fitting) > 1:
        ids = ", ".join(sorted(entry.id for entry in fitting)[:5])
        return Missed(f"{len(fitting)} of Willow's fit {said}: {ids}", ambiguous=True)
    return fitting[0].id


def _offered(entry: Listed, place: Place | None) -> bool:
    return place is None or not entry.locations or not entry.locations.isdisjoint(place.twins)


@dataclass(frozen=True, slots=True)
class ConfiguredTarget:
    """A right side or default of the settings, and what Willow's lists say to it (None: it is there)."""

    setting: str
    target: str
    missed: Missed | None


def configured_targets(rules: tuple[Rule, ...], lists: WillowLists) -> Iterator[ConfiguredTarget]:
    """Every Willow id or name that the settings write down, once, without regard to places: for ``check``."""
    for rule in rules:
        # Two entries of one name may be for two places: which one is the ticket's matter.
        targets = dict.fromkeys([*rule.values.values(), *([rule.default] if rule.default is not None else [])])
        for target in targets:
            found = find(rule.field, target, lists)
            missed = found if isinstance(found, Missed) and not (found.ambiguous and rule.field.placed) else None
            yield ConfiguredTarget(f"enumerations.{rule.field.setting}", target, missed)


STATUS_FIELD = FIELDS[0]


def closed_status_id(target: str, lists: WillowLists) -> str | Missed:
    """The id of ``closed_status``."""
    return find(STATUS_FIELD, target, lists)
