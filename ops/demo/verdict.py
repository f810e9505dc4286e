"""What the judge says: problems, and the figures of the report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What can be wrong; in brackets the guarantee of contract §10."""

    DUPLICATE = "duplicate"
    """(I1) more than one ticket for one order, or a ticket that must not be."""
    STALE = "stale write"
    """(I3) an older version was sent after a newer one was acknowledged."""
    LOST = "lost update"
    """(I2) in the end a ticket is missing, or does not show the newest version of its order."""
    INCOMPLETE = "no final outcome"
    """(I4) a record that is neither decided for good nor rightly parked."""
    CONTRADICTION = "contradicting outcomes"
    """(I4) two final outcomes of one record that say different things."""
    WRONG = "wrong outcome"
    """(I4) an outcome whose words are not true, or not allowed for its record."""
    IDENTITY = "identity"
    """(I5) the identity topic and Willow do not agree."""
    DEAD_LETTER = "dead letter"
    """(I6) the dead letters are not exactly the poison."""


@dataclass(frozen=True, slots=True)
class Problem:
    kind: Kind
    subject: str
    """The order, or the record's coordinates where it has none."""
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}: {self.text}"


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """How often something became of a record, with one example."""

    outcome: str
    code: str | None
    count: int
    example: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    records: int
    orders: int
    tickets: int
    final: int
    """Records with a final outcome."""
    still_parked: int
    """Records that rightly wait: what they name never came."""
    reasons: tuple[ReasonRow, ...]
    dead_letters: int
    requests: Mapping[str, int]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems

    def count(self, kind: Kind) -> int:
        return sum(problem.kind is kind for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        counts = {kind.name.lower(): self.count(kind) for kind in Kind}
        return {"ok": self.ok, "counts": counts, **asdict(self)}
