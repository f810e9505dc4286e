"""What a benchmark says: a figure, its goal and their ratio; and the arithmetic behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SKIPPED_SHARE = 0.2
"""Of a backlog's answers, left out at either end: start-up and the thinning tail are no steady state."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. ``at_most``: the goal is an upper bound. ``note`` is for people."""

    part: str
    what: str
    value: float
    unit: str
    goal: float
    at_most: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """How far the goal is reached: 1 is the goal, more is better."""
        over, under = (self.goal, self.value) if self.at_most else (self.value, self.goal)
        return over / under if under else math.inf

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "part": self.part,
            "what": self.what,
            "value": round(self.value, 3),
            "unit": self.unit,
            "goal": self.goal,
            "goalIs": "at most" if self.at_most else "at least",
            "ratio": round(self.ratio, 3),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Steady:
    """The middle part of a run: ``count`` events between the instants ``start`` and ``end`` (seconds)."""

    start: float
    end: float
    count: int

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.count / (self.end - self.start)


def steady_part(instants: Sequence[float]) -> Steady:
    """The middle of these instants (seconds, in any order). Raises ValueError if they are too few, or one moment."""
    ordered = sorted(instants)
    skipped = int(len(ordered) * SKIPPED_SHARE)
    middle = ordered[skipped : len(ordered) - skipped]
    if len(middle) < 2 or middle[0] == middle[-1]:
        raise ValueError(f"{len(ordered)} answers are too few to take a rate of; expected hundreds over some seconds")
    return Steady(middle[0], middle[-1], len(middle) - 1)


def together(parts: Sequence[Steady]) -> float:
    """The rate of several runs, each counted by how long it was."""
    return sum(part.count for part in parts) / sum(part.end - part.start for part in parts)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of them does not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values; expected at least one")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
