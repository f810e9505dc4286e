"""The settings that planning needs, made ready once."""

import re
from dataclasses import dataclass

from streams.planning.enumerations import Rule, rules_of
from streams.planning.places import Selection
from streams.settings import Settings


def fold_type(exact_type: str) -> str:
    """``WORK_ORDER``, ``Work Order`` and ``WorkOrder`` are one type: Mapped's API and its graph spell it
    differently."""
    return exact_type.replace("_", "").replace(" ", "").casefold()


@dataclass(frozen=True, slots=True)
class Rules:
    """``entity_types`` are folded, ``allowed_types`` as configured; ``placed`` are the enumerations that
    depend on the twin's place; ``required`` the ticket fields of the required ones."""

    selection: Selection
    entity_types: frozenset[str]
    allowed_types: tuple[str, ...]
    born: tuple[re.Pattern[str], ...]
    enumerations: tuple[Rule, ...]
    placed: tuple[Rule, ...]
    required: tuple[str, ...]
    require_related_place: bool
    external_id_template: str
    source_name: str
    send_people: bool
    closed_status: str | None
    closes_deleted: bool
    closes_left: bool

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """Raises ValueError where enumerations contradict themselves."""
        rules = rules_of(settings.enumerations)
        return cls(
            selection=Selection.of(settings.selected_sites),
            entity_types=frozenset(map(fold_type, settings.entity_types)),
            allowed_types=tuple(settings.entity_types),
            born=tuple(re.compile(pattern) for pattern in settings.willow_born.patterns),
            enumerations=tuple(rule for rule in rules if not rule.field.placed),
            placed=tuple(rule for rule in rules if rule.field.placed),
            required=tuple(rule.field.target for rule in rules if rule.required),
            require_related_place=settings.require_related_place,
            external_id_template=settings.external_id_template,
            source_name=settings.source_name,
            send_people=settings.send_people,
            closed_status=settings.closed_status,
            closes_deleted=settings.on_delete == "close",
            closes_left=settings.on_leave == "close",
        )
