"""What planning looked at, written down by planning itself for whoever asks why. The hot path keeps none."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from schemas.outcome import Reason
from streams.planning.enumerations import Resolved, Rule
from streams.planning.places import Located


@dataclass(frozen=True, slots=True)
class Translated:
    """One enumeration of the record. ``entity_id``: the related entity at whose place it was looked for, None for
    one that depends on no place."""

    rule: Rule
    value: str | None
    resolved: Resolved
    entity_id: str | None = None


@dataclass(slots=True)
class Trace:
    """Empty where planning did not come so far, and for a delete."""

    refused: Reason | None = None
    """What the record says of itself that keeps it from Willow."""
    located: Sequence[Located] = ()
    """The related entities with their place chains."""
    in_scope: Sequence[Located] = ()
    """Those that the ticket may name."""
    equals: Sequence[Located] = ()
    """Of these the most specific ones with a twin, lowest id first."""
    enumerations: list[Translated] = field(default_factory=list)
