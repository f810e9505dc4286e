"""How large a plan may be, so that a state which holds what waits and what stands behind it fits into a topic. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.outcome import Reason
from streams.planning.reasons import reason

#: A quarter of what a topic takes: the state of an order in doubt holds the plan that is in doubt and as much as two
#: more behind it (``behind``). A state that does not fit ends the worker at every start.
MAX_PLAN_BYTES = 2 << 20


def size_of(intent: Mapping[str, Any]) -> int:
    return len(orjson.dumps(intent))


def fits(intent: Mapping[str, Any]) -> bool:
    return size_of(intent) <= MAX_PLAN_BYTES


def too_large(size: int) -> Reason:
    """Of a record's own plan."""
    problem = f"too large: its plan has {size} bytes, at most {MAX_PLAN_BYTES} can be sent"
    return reason("undecodable", problem=problem, remedy="Shorten the record's texts.")


def fold_too_large(size: int) -> Reason:
    """Of a record together with what its order waits with: it has no dead letter, for by itself it is no poison."""
    problem = f"too large with what its order waits with: {size} bytes, at most {MAX_PLAN_BYTES} can be planned"
    return reason("undecodable", problem=problem, remedy="Shorten the order's texts, then replay it.")
