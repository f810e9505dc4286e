"""Whether everything came out right: a figure of a run that lost or doubled something would say nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ops.benchmarks.sample import Sample, summary_of
from ops.demo.evidence import accepted_writes
from ops.demo.processes import DemoFailed

REMEDY = "run `willow-sync demo`, whose judge names what went wrong"


def require_final_state(journal: Iterable[Mapping[str, Any]], newest: Mapping[str, Sample]) -> None:
    """``newest``: order id → its newest record. Raises DemoFailed unless each order has one ticket, whose summary is
    that record's."""
    tickets: dict[str, set[str]] = defaultdict(set)
    summaries: dict[str, str] = {}
    for write in accepted_writes(journal):
        if write.order_id is not None:
            tickets[write.order_id].add(write.ticket_id)
            summaries[write.order_id] = write.fields.get("summary", summaries.get(write.order_id))
    doubled = sorted(order_id for order_id, ids in tickets.items() if len(ids) > 1)
    if doubled:
        raise DemoFailed(f"{len(doubled)} orders have more than one ticket, {doubled[0]} for one", REMEDY)
    wrong = sorted(order_id for order_id, record in newest.items() if summaries.get(order_id) != summary_of(record))
    if wrong:
        found, wanted = summaries.get(wrong[0], "no ticket"), summary_of(newest[wrong[0]])
        raise DemoFailed(
            f"{len(wrong)} of {len(newest)} orders are not in their final state: {wrong[0]} has {found!r}, its newest "
            f"record says {wanted!r}",
            REMEDY,
        )


def owed(outcomes: Iterable[Mapping[str, Any]], ends: Mapping[int, int]) -> int:
    """Input records without a final outcome. ``ends``: partition of the input → offset after its newest record.

    Raises DemoFailed if one has two different ones."""
    said: dict[tuple[int, int], set[str]] = defaultdict(set)
    for outcome in outcomes:
        if outcome["final"]:
            # A repetition has the same id (contract §5): consumers keep the first.
            said[outcome["source"]["partition"], outcome["source"]["offset"]].add(outcome["outcomeId"])
    twice = sorted(source for source, ids in said.items() if len(ids) > 1)
    if twice:
        partition, offset = twice[0]
        raise DemoFailed(f"{len(twice)} records have two final outcomes, {partition}@{offset} for one", REMEDY)
    return sum(ends.values()) - len(said)
