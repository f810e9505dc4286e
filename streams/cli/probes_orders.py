"""What would become of the newest orders: coverage of the enumerations, and whether Willow knows the twins."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Literal

from streams.cli.common import progress_if_long
from streams.cli.finding import Finding
from streams.kafka.admin import KafkaProblem
from streams.planning.lists import WillowLists
from streams.planning.rules import Rules
from streams.planning.suggesting import CREATABLE
from streams.reading.log import ReadFailed
from streams.reading.rehearsal import Coverage, Rehearsal, Witness, newest_orders, rehearse
from streams.settings import Settings
from streams.tables.twins import TwinTable
from streams.willow import WillowClient, WillowError
from streams.words import counted

_SHOWN = 5


async def order_findings(
    settings: Settings, count: int, twins: TwinTable, lists: WillowLists, willow: WillowClient
) -> AsyncIterator[Finding]:
    """Of at most ``count`` orders that changed last."""
    try:
        records = await asyncio.to_thread(newest_orders, settings, count, watch=progress_if_long)
    except (ReadFailed, KafkaProblem) as error:
        yield Finding("orders", "failed", str(error), error.remedy)
        return
    if not records:
        yield Finding(
            "orders",
            "note",
            f"{settings.topics.work_orders} holds none yet: mappings and twins were not tried on real ones",
            "Let the change feed take a snapshot, or run `willow-sync backfill`, then run this again.",
        )
        return
    seen = rehearse(records, twins, lists, Rules.of(settings))
    yield _orders(seen)
    for setting, coverage in seen.coverage.items():
        if coverage.total:
            yield _coverage(setting, coverage)
    async for finding in _twins(seen, willow):
        yield finding


def _orders(seen: Rehearsal) -> Finding:
    good = seen.decisions["upsert"]
    # In an order of their own: which of two equals was met first changes from run to run.
    by_count = sorted(seen.decisions.items(), key=lambda item: (-item[1], item[0]))
    others = ", ".join(f"{what} {count}" for what, count in by_count if what != "upsert")
    orders = counted(seen.orders, "order")
    said = f"of the newest {orders} {good} would have a ticket" + (f"; {others}" if others else "")
    if good:
        return Finding("orders", "ok", said)
    return Finding("orders", "failed", said, "See docs/reasons.md for the reasons, and selected_sites and mappings.")


def _coverage(setting: str, found: Coverage) -> Finding:
    name = f"enumerations.{setting}"
    if not found.missed:
        return Finding("coverage", "ok", f"{name}: all {found.total} orders with a value have Willow's")
    missed = found.missed.total()
    values = ", ".join(f"{value!r} ({count})" for value, count in found.missed.most_common(_SHOWN))
    more = ", …" if len(found.missed) > _SHOWN else ""
    have, they = ("has", "is") if missed == 1 else ("have", "they are")
    effect = f"{they} skipped" if found.required else f"{they} sent without it"
    state: Literal["failed", "note"] = "failed" if found.required and not found.mapped else "note"
    return Finding(
        "coverage",
        state,
        f"{name}: {missed} of {found.total} orders with a value {have} no Willow value, and {effect}: {values}{more}",
        " ".join(_coverage_remedies(setting, found)),
    )


def _coverage_remedies(setting: str, found: Coverage) -> Iterator[str]:
    unmatched = sum(value not in found.ambiguous for value in found.missed)
    if unmatched and setting in CREATABLE:
        yield (
            "`willow-sync enumerations suggest` prints the settings to complete; `willow-sync enumerations "
            "create-missing` adds entries to Willow."
        )
    elif unmatched:
        yield (
            "`willow-sync enumerations suggest` prints the settings to complete: entries of this kind can't be added "
            "through Willow's API."
        )
    if found.ambiguous:
        yield (
            f"More than one of Willow's fits {', '.join(map(repr, sorted(found.ambiguous)[:_SHOWN]))}: write the id of "
            f"the right one into enumerations.{setting}.values (mode: map)."
        )


async def _twins(seen: Rehearsal, willow: WillowClient) -> AsyncIterator[Finding]:
    if not seen.twins:
        return
    try:
        known = {twin.id for twin in await willow.twins_by_ids(list(seen.twins))}
    except WillowError as error:
        yield Finding("twins", "note", f"twins of related entities can't be verified: {error}", error.remedy)
        return
    missing = {twin: witness for twin, witness in seen.twins.items() if twin not in known}
    if not missing:
        yield Finding("twins", "ok", f"Willow knows all {len(seen.twins)} twins of the entities that they relate to")
        return
    yield Finding(
        "twins",
        "failed" if not known else "note",
        f"Willow does not know {len(missing)} of {len(seen.twins)} twins: {', '.join(_named(missing))}",
        "Orders on them will be rejected: run Mapped's Willow Import again, or correct the entities' identities.",
    )


def _named(missing: dict[str, Witness]) -> Iterator[str]:
    for twin, witness in list(missing.items())[:_SHOWN]:
        yield f"{twin} (of {witness.entity_id}, order {witness.order_id})"
    if len(missing) > _SHOWN:
        yield "…"
