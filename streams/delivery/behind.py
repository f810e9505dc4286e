"""What stands behind a doubt, within bounds whatever comes and however long the doubt lasts. Pure."""

from collections.abc import Sequence
from typing import Any

from schemas.intent import IntentKind
from streams.delivery.bounds import MAX_PLAN_BYTES, fits, fold_too_large, size_of
from streams.delivery.reconcile import Intent, fold

#: With the plan that is in doubt this leaves a quarter of a state for all else.
MAX_BEHIND_BYTES = 2 * MAX_PLAN_BYTES

_KEPT = ("workOrderId", "source", "entityType", "cause", "replayId", "timestampMs", "dateUpdated")


def bounded(intents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The intents as they are while there is room for them; else as few as come to the same, whatever the mode. What
    is left out is superseded by what it stood before.

    If even these are too large together, the newest is kept as a skip that says so in its turn."""
    if _size(intents) <= MAX_BEHIND_BYTES:
        return list(intents)
    *older, newest = intents
    kept: list[dict[str, Any]] = []
    for intent in older:
        kept = _add(kept, intent)
    all_kept = _add(kept, newest)
    return all_kept if (size := _size(all_kept)) <= MAX_BEHIND_BYTES else _refuse(kept, newest, size)


def _size(intents: Sequence[Intent]) -> int:
    return sum(map(size_of, intents))


def _add(kept: list[dict[str, Any]], newer: dict[str, Any]) -> list[dict[str, Any]]:
    """Changes are folded, and of the records that are none only the newest counts: a newer change takes its place."""
    if not kept or _is_refusal(kept[-1]):
        # Folded with what came before a refused one, it would stand for that one too.
        return [*kept, newer]
    *under, last = kept
    if last["kind"] == IntentKind.UPSERT:
        if newer["kind"] != IntentKind.UPSERT:
            return [*kept, newer]
        replaced, under = newer, kept
    else:
        replaced = _over(last, newer)
    if newer["kind"] == IntentKind.UPSERT and under and under[-1]["kind"] == IntentKind.UPSERT:
        force = under[-1].get("force", False) or newer.get("force", False)
        replaced, under = {**fold(under[-1], replaced), "force": force}, under[:-1]
    return [*under, replaced] if fits(replaced) else [*kept, newer]


def _over(older: Intent, newer: dict[str, Any]) -> dict[str, Any]:
    """What a parked record said and the newer one leaves out is not lost, as where it is parked while that comes."""
    if older["kind"] != IntentKind.PARK or newer["kind"] not in (IntentKind.PARK, IntentKind.UPSERT):
        return newer
    under, record = older.get("record", {}), newer.get("record", {})
    folded = {**newer, "record": {**under, **record}}
    if newer["kind"] == IntentKind.UPSERT and under.keys() - record.keys():
        # Its fields are those of its own record alone: named as missing, the fold is sent round and planned.
        folded["missing"] = newer.get("missing") or ["jobStatus"]
    return folded


def _is_refusal(intent: Intent) -> bool:
    return bool(intent["kind"] == IntentKind.SKIP and intent["reason"]["code"] == "undecodable")


def _refuse(kept: list[dict[str, Any]], newest: Intent, size: int) -> list[dict[str, Any]]:
    said = {name: newest[name] for name in _KEPT if name in newest}
    refusal = {**said, "kind": IntentKind.SKIP.value, "record": {}, "reason": fold_too_large(size).model_dump()}
    # Of several the newest speaks for all, else they would add up.
    return [*(kept[:-1] if kept and _is_refusal(kept[-1]) else kept), refusal]
