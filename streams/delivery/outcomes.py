"""Making outcomes (contract §5) as JSON-ready dictionaries; ``schemas.Outcome`` is their model."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from schemas.outcome import OutcomeKind, outcome_id_of


def instant(epoch_seconds: float) -> str:
    """ISO 8601 in UTC with milliseconds."""
    seconds, micros = divmod(round(epoch_seconds * 1e6), 1_000_000)
    return f"{_second(seconds)}.{micros // 1000:03d}Z"


@lru_cache(maxsize=16)
def _second(epoch_seconds: int) -> str:
    # Every outcome has one, and thousands share a second.
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat()[:19]


@dataclass(slots=True)
class Effort:
    """What it took: for an outcome's figures."""

    attempts: int = 0
    http_status: int | None = None
    willow_seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)


#: How a warning begins that tells of a further ticket of the order.
DUPLICATE = "duplicate_in_willow"


def public_source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {name: source.get(name) for name in ("topic", "partition", "offset", "changedAt")}


def outcome(
    intent: Mapping[str, Any],
    kind: OutcomeKind,
    now: float,
    *,
    reason: Mapping[str, Any] | None = None,
    ticket_id: str | None = None,
    twin_id: str | None = None,
    changed: Sequence[str] = (),
    waiting_for: Sequence[str] = (),
    superseded_by: Mapping[str, Any] | None = None,
    effort: Effort | None = None,
    source: Mapping[str, Any] | None = None,
    replay_id: str | None = None,
) -> dict[str, Any]:
    """The outcome of an intent's record; with ``source`` (and its ``replay_id``) that of an older one of its order.
    ``now`` in epoch seconds."""
    if source is None:
        source, replay_id = intent["source"], intent.get("replayId")
    final = kind is not OutcomeKind.PARKED
    stamp = intent.get("timestampMs") if source is intent["source"] else None
    return {
        "outcomeId": outcome_id_of(source["topic"], source["partition"], source["offset"], final, replay_id),
        "workOrderId": intent["workOrderId"] or None,
        "entityType": intent.get("entityType"),
        "outcome": kind.value,
        "final": final,
        "reason": reason,
        "ticketId": ticket_id,
        "twinId": twin_id,
        "changed": list(changed),
        "warnings": [*intent.get("warnings", ()), *(effort.warnings if effort else ())],
        "waitingFor": list(waiting_for),
        "source": public_source(source),
        "replayId": replay_id,
        "supersededBy": public_source(superseded_by) if superseded_by else None,
        "attempts": effort.attempts if effort else 0,
        "httpStatus": effort.http_status if effort else None,
        "willowMs": round(effort.willow_seconds * 1000, 1) if effort and effort.attempts else None,
        "endToEndMs": None if stamp is None else round(max(0.0, now * 1000 - stamp), 1),
        "time": instant(now),
    }


def headers_of(outcome_id: str, ce_type: str, traceparent: str | None) -> list[tuple[str, bytes]]:
    """CloudEvents binary mode (contract §5)."""
    headers = [
        ("ce_id", outcome_id.encode()),
        ("ce_type", ce_type.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_source", b"willow-sync"),
        ("content-type", b"application/json"),
    ]
    return headers if traceparent is None else [*headers, ("traceparent", traceparent.encode())]


def traceparent_of(headers: Iterable[tuple[str, bytes | None]] | None) -> str | None:
    """The trace that a record belongs to, if a header names one: Kafka's headers may be null."""
    found = next((value for name, value in headers or () if name == "traceparent" and value is not None), None)
    return None if found is None else found.decode("ascii", "replace")


OUTCOME_TYPE = "willow-sync.outcome.v1"
IDENTITY_TYPE = "willow-sync.ticket-identity.v1"
