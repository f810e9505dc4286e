"""What to do with an intent, given the state of its order: pure.

``judge`` places it in the order of changes (contract §2), ``conflate`` decides which waiting changes are still sent,
``desired`` and ``changes`` compare what is wanted with what was sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from schemas.intent import IntentKind
from schemas.replan import Cause
from streams.delivery.bounds import fits
from streams.delivery.create import coordinates
from streams.delivery.state import UNCOMPARED_FIELDS, OrderState, field_hash, log_key

Intent = Mapping[str, Any]
T = TypeVar("T")


class Verdict(StrEnum):
    ACCEPT = "accept"
    REPEAT = "repeat"
    """The last applied (or the waiting) record, delivered again: say its outcome word for word."""
    SUPERSEDED = "superseded"
    """A newer record of the same log was decided already."""
    STALE = "stale"
    DROP = "drop"
    """Nothing is to be said: a wake-up that came too late, or a record whose final outcome is owed anyway."""


def same_record(intent: Intent, other: Mapping[str, Any] | None) -> bool:
    """True if the other, an outcome or an intent, is of the intent's record (and replay)."""
    if other is None:
        return False
    return _same_place(intent, other) and intent.get("replayId") == other.get("replayId")


def _same_place(intent: Intent, other: Mapping[str, Any]) -> bool:
    return coordinates(intent["source"]) == coordinates(other["source"])


def judge(intent: Intent, state: OrderState, watermark: str | None, newest: Intent | None = None) -> Verdict:
    """Where an intent stands in its order's log. ``watermark`` is the state's, moved on by the records before it;
    ``newest`` is the newest of these, None if the state's own is."""
    source, cause = intent["source"], intent.get("cause")
    decided = state.decided.get(log_key(source))
    if cause in (Cause.WAKE, Cause.FILL):
        # Not by its coordinates: what another group or an earlier attempt sent round may stand in the log before a
        # newer record, and after a crash would be carried out over what that one has sent already (I3).
        waiting_id = state.waiting.id if state.waiting is not None else ""
        return Verdict.ACCEPT if waiting_id and waiting_id == intent.get("waitingId") else Verdict.DROP
    if decided is not None and source["offset"] <= decided:
        if same_record(intent, state.last) or (state.waiting is not None and same_record(intent, state.waiting.intent)):
            return Verdict.REPEAT
        if _is_owed(intent, state):
            # It waits behind a newer or an older one; its final outcome comes with that one's.
            return Verdict.DROP
        if source["offset"] < decided or not intent.get("replayId"):
            return Verdict.SUPERSEDED
        # The newest of its own log only: once the input has grown, it would be carried out over a newer one of another
        # partition (I3).
        newest = newest or _newest_decided(state)
        return Verdict.ACCEPT if newest is None or _same_place(intent, newest) else Verdict.SUPERSEDED
    if cause is None and is_older(intent.get("dateUpdated"), watermark):
        return Verdict.STALE
    return Verdict.ACCEPT


def _is_owed(intent: Intent, state: OrderState) -> bool:
    owed = [] if state.waiting is None else [(item.source, item.replay_id) for item in state.waiting.owed]
    owed += [(kept["source"], kept.get("replayId")) for kept in state.queue]
    return any(same_record(intent, {"source": source, "replayId": replay_id}) for source, replay_id in owed)


def _decided(state: OrderState) -> list[Mapping[str, Any]]:
    """What is known of the decided records, oldest first. Not simply what waits is the newest: in doubt, the first
    record waits in front of newer ones."""
    waiting = state.waiting
    decided: list[Mapping[str, Any]] = [] if state.last is None else [state.last]
    decided += [] if waiting is None else [waiting.intent, *waiting.behind]
    return [*decided, *state.queue]


def _newest_decided(state: OrderState) -> Mapping[str, Any] | None:
    return next(reversed(_decided(state)), None)


def replaced_by(intent: Intent, state: OrderState) -> Mapping[str, Any] | None:
    """The source of the newest decided record of the intent's log: what an older one, delivered again, is superseded
    by. If there is none newer, that of the order's newest one: of another partition, or a replay of the same record."""
    mine, decided = intent["source"], _decided(state)
    sources = [item["source"] for item in decided]
    newer = [
        source
        for source in sources
        if (source["topic"], source["partition"]) == (mine["topic"], mine["partition"])
        and source["offset"] > mine["offset"]
    ]
    return max(newer, key=lambda source: int(source["offset"]), default=sources[-1] if sources else None)


def is_older(mine: str | None, newest: str | None) -> bool:
    """Both instants are ISO 8601 in UTC as the planner writes them; strictly older only."""
    if mine is None or newest is None or mine == newest:
        return False
    return _comparable(mine) < _comparable(newest)


def _comparable(instant: str) -> str:
    # "…:11Z" and "…:11.402Z" compare wrongly as text: '.' sorts before 'Z'.
    head, _, fraction = instant.rstrip("Z").partition(".")
    return f"{head}.{fraction:<09}" if fraction else f"{head}.000000000"


def moves_watermark(intent: Intent) -> bool:
    """A stale record, a control record and a deletion leave the watermark where it is (contract §2)."""
    reason = intent.get("reason")
    return intent["kind"] != IntentKind.DELETE and not (reason and reason["code"] == "not_a_change")


def is_control(intent: Intent) -> bool:
    reason = intent.get("reason")
    return reason is not None and intent["kind"] == IntentKind.SKIP and reason["code"] == "not_a_change"


def fold(older: Intent, newer: Intent) -> dict[str, Any]:
    """The newer intent; what its record left out has the older one's value (contract §2)."""
    folded = {
        **newer,
        "record": {**older.get("record", {}), **newer.get("record", {})},
        "fields": {**older.get("fields", {}), **newer.get("fields", {})},
        "twins": _fold_twins(older.get("twins") or [], newer.get("twins") or []),
    }
    if "identities" not in newer.get("record", {}):
        # Else the ticket that the older record named is not adopted, and a second one is created.
        folded["ticketIds"] = older.get("ticketIds", [])
    return folded


def _fold_twins(older: Sequence[Intent], newer: Sequence[Intent]) -> list[dict[str, Any]]:
    """The newer choice; place-bound fields that its record left out are those of the same twin, else of the first."""
    fields = {twin["twinId"]: twin.get("fields", {}) for twin in older}
    first: Mapping[str, Any] = next(iter(fields.values()), {})
    return [{**twin, "fields": {**fields.get(twin["twinId"], first), **twin.get("fields", {})}} for twin in newer]


@dataclass(slots=True)
class Step(Generic[T]):
    """One intent to carry out. ``superseded`` are the intents it replaced before they were sent, oldest first;
    ``items`` are the queue's items that are done with it."""

    verdict: Verdict
    intent: dict[str, Any]
    items: list[T]
    superseded: list[dict[str, Any]]


def conflate(queue: Sequence[tuple[dict[str, Any], T]], state: OrderState, mode: str) -> list[Step[T]]:
    """The steps that a queue of waiting intents of one order comes down to, in log order.

    ``latest``: of consecutive changes only the newest is sent. ``keep_status_changes``: one that changes the status
    is sent too. ``off``: all are."""
    steps: list[Step[T]] = []
    watermark, decided, waiting = state.watermark, dict(state.decided), state.waiting
    newest: Intent | None = None
    for intent, item in queue:
        verdict = Verdict.ACCEPT
        if intent["kind"] != IntentKind.SIGNAL:
            seen = OrderState(decided=decided, last=state.last, waiting=waiting, queue=state.queue)
            verdict = judge(intent, seen, watermark, newest)
            if verdict is Verdict.ACCEPT:
                if moves_watermark(intent):
                    watermark = intent.get("dateUpdated")
                if not is_control(intent):
                    decided[log_key(intent["source"])] = intent["source"]["offset"]
                    newest = intent
                    if waiting is not None and waiting.kind != "in_doubt":
                        # Else a wake-up behind a newer record would be carried out over it.
                        waiting = None
        append(steps, Step(verdict, intent, [item], []), mode)
    return steps


def append(steps: list[Step[T]], new: Step[T], mode: str, *, incomplete: bool = False) -> None:
    """Add a step, or let it replace the one before it.

    ``incomplete``: with ``latest`` so does a record that left out what it is decided with; the fold still says
    ``missing``, since its place and status are those of no plan yet, and is sent round with all that is known."""
    last = steps[-1] if steps else None
    both = last is not None and last.verdict is new.verdict is Verdict.ACCEPT
    if last is None or not both or not _replaces(new.intent, last.intent, mode, incomplete):
        steps.append(new)
        return
    folded = fold(last.intent, new.intent) if new.intent["kind"] == IntentKind.UPSERT else new.intent
    if not fits(folded):
        # Each is sent by itself: their fold would be too large for the state that holds it.
        steps.append(new)
        return
    superseded = [*last.superseded, last.intent, *new.superseded]
    steps[-1] = Step(new.verdict, folded, [*last.items, *new.items], superseded)


def _replaces(newer: Intent, older: Intent, mode: str, incomplete: bool) -> bool:
    if mode == "off" or older["kind"] != IntentKind.UPSERT or older.get("force") or older.get("replayId"):
        return False
    if newer["kind"] == IntentKind.DELETE:
        return True
    if newer["kind"] != IntentKind.UPSERT:
        return False
    if newer.get("missing") and not (incomplete and mode == "latest"):
        return False
    if mode == "keep_status_changes":
        status = older.get("fields", {}).get("statusId")
        return "statusId" not in newer.get("fields", {}) or newer["fields"]["statusId"] == status
    return True


@dataclass(frozen=True, slots=True)
class Desired:
    """All fields the ticket should have, as far as the records said, with its twin's own ones."""

    fields: dict[str, Any]
    twin_id: str | None
    warnings: tuple[str, ...] = ()
    site_id: str | None = None
    """Of the twin that was chosen; None where none was."""


def desired(intent: Intent, present_twin: str | None) -> Desired:
    """Choose among equally specific twins: the ticket's present one stays, else the lowest entity id (contract §3)."""
    twins = intent.get("twins") or []
    if not twins:
        return Desired(dict(intent.get("fields", {})), present_twin)
    chosen = next((twin for twin in twins if twin["twinId"] == present_twin), twins[0])
    fields = {**intent.get("fields", {}), **chosen.get("fields", {}), "twinId": chosen["twinId"]}
    return Desired(fields, chosen["twinId"], tuple(chosen.get("warnings", ())), chosen.get("siteId"))


def changes(fields: Mapping[str, Any], state: OrderState) -> dict[str, Any]:
    """The fields whose value is another than the one that was sent last, and those of which nobody knows what the
    ticket holds. ``externalUpdatedDate`` goes only with
    another change and is never compared (contract §4)."""
    changed = {
        name: value
        for name, value in fields.items()
        if name not in UNCOMPARED_FIELDS and field_hash(value) != state.hash_of(name)
    }
    if changed:
        changed |= {name: fields[name] for name in UNCOMPARED_FIELDS if name in fields}
    return changed


def may_have_been_sent(step: Step[Any], state: OrderState) -> set[str]:
    """Fields that a record would have changed which was replaced before it was sent: before a crash it may have been
    sent alone, and its value would stay in Willow if the newest record took it back."""
    names: set[str] = set()
    for older in step.superseded:
        names.update(changes(desired(older, state.clear.get("twinId")).fields, state))
    return names


def to_create(intent: Intent, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a create: no nulls, and the fallbacks for what must not be empty."""
    filled = {
        **intent.get("fallbacks", {}),
        **{name: value for name, value in fields.items() if value is not None},
    }
    return {name: value for name, value in filled.items() if value is not None}


def fill(intent: Intent, state: OrderState) -> dict[str, Any] | None:
    """The record to send round again for an intent that left out what it is decided with, or that lies over a parked
    record which carried more; None if nothing is to be filled.

    Raises KeyError if a needed field is known nowhere (``incomplete_record``)."""
    record = intent.get("record", {})
    waiting = state.waiting
    under = waiting.intent.get("record", {}) if waiting is not None and waiting.kind != "in_doubt" else {}
    if intent.get("missing"):
        known = {**state.scope, **under}
        return {**under, **{name: known[name] for name in intent["missing"]}, **record}
    if any(name not in record for name in under):
        return {**under, **record}
    return None
