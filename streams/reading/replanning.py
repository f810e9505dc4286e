"""Planning a record again with the planner's own code, over what stands in the topics and in Willow now."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.replan import Cause
from schemas.source import Source
from streams.delivery.create import Seen
from streams.delivery.foresee import Foreseen, foresee, to_plan_again
from streams.delivery.state import OrderState
from streams.planning.decode import Change
from streams.planning.lists import WillowLists
from streams.planning.places import Entities
from streams.planning.plan import plan
from streams.planning.rules import Rules
from streams.planning.trace import Trace


@dataclass(frozen=True, slots=True)
class Planned:
    """``intent`` as its topic would have it; ``foreseen`` what the sink would make of it now.

    ``filled`` are source fields that the record left out and that an earlier one of its order carried."""

    intent: Mapping[str, Any]
    foreseen: Foreseen
    trace: Trace
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replanner:
    entities: Entities
    lists: WillowLists
    rules: Rules
    owner_of: Callable[[str], str | None]
    """Ticket → the order that owns it."""

    def plan(
        self,
        change: Change,
        source: Source,
        timestamp_ms: int | None,
        state: OrderState,
        seen: Seen,
        *,
        replay_id: str,
        force: bool = False,
    ) -> Planned:
        """As if the record came back through ``replans`` now and stood alone."""

        def intent_of(change: Change, trace: Trace) -> dict[str, Any]:
            intent = plan(
                change,
                source=source,
                timestamp_ms=timestamp_ms,
                entities=self.entities,
                lists=self.lists,
                positions={},
                rules=self.rules,
                cause=Cause.REPLAY,
                replay_id=replay_id,
                force=force,
                trace=trace,
            )
            plain: dict[str, Any] = orjson.loads(intent.to_json())
            return plain

        trace = Trace()
        intent = intent_of(change, trace)
        record = to_plan_again(intent, state)
        if record is None:
            return Planned(intent, foresee(intent, state, seen, self.owner_of), trace)
        filled = tuple(sorted(record.keys() - change.record.keys()))
        trace = Trace()
        intent = intent_of(Change(change.order_id, False, record, change.warnings), trace)
        return Planned(intent, foresee(intent, state, seen, self.owner_of), trace, filled)
