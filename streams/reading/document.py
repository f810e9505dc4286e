"""A story as one JSON document: what ``explain --json`` prints and the console shows."""

from typing import Any

from streams.delivery.outcomes import instant
from streams.planning.decode import Undecodable
from streams.reading.advice import advice
from streams.reading.plain import plain
from streams.reading.steps import Steps, steps_of
from streams.reading.story import Story
from streams.settings import Settings


def steps_in(story: Story, settings: Settings) -> Steps | None:
    """None where there is nothing to plan, or Willow's lists could not be read."""
    if story.planned is None or story.lists is None:
        return None
    return steps_of(story.planned, story.state.clear.get("twinId"), story.twins, story.lists, settings)


def story_document(story: Story, settings: Settings) -> dict[str, Any]:
    """JSON-ready. It holds the order's own texts and people, as the topics do."""
    steps = steps_in(story, settings)
    return {
        "orderId": story.order_id,
        **plain(advice(story)),
        "history": [dict(said) for said in story.history],
        "state": _state(story),
        "newest": _newest(story),
        "plan": plain(steps),
        "willow": _willow(story),
    }


def _state(story: Story) -> dict[str, Any]:
    state, seen = story.state, story.seen
    waiting = state.waiting
    return {
        "ticketId": seen.ticket,
        "identity": seen.identity,
        "openClaims": [{"claimId": claim.claim_id, "since": instant(claim.since_ms / 1000)} for claim in seen.open],
        "doneTicket": seen.done,
        "lastSent": state.clear,
        "sentFields": sorted(state.hashes),
        "decided": state.decided,
        "watermark": state.watermark,
        "left": state.left,
        "gone": state.gone,
        "waiting": waiting
        and {
            "kind": waiting.kind,
            "code": waiting.code,
            "since": instant(waiting.since),
            "waitingFor": (waiting.outcome or {}).get("waitingFor", []),
            "behind": len(waiting.behind),
        },
    }


def _newest(story: Story) -> dict[str, Any] | None:
    newest = story.newest
    if newest is None:
        return None
    logged, said = newest.logged, newest.said
    change = newest.change
    return {
        "topic": logged.topic,
        "partition": logged.partition,
        "offset": logged.offset,
        "time": None if logged.timestamp_ms is None else instant(logged.timestamp_ms / 1000),
        "stage": story.stage.value,
        "deleted": change is not None and change.deleted,
        "record": change.record if change is not None else None,
        "problem": said.message if isinstance(said, Undecodable) else None,
    }


def _willow(story: Story) -> dict[str, Any]:
    there = story.willow
    return {
        "ticket": None if there.ticket is None else dict(there.ticket.document),
        "gone": there.gone,
        "changedThere": dict(there.changed_there),
        "toSend": list(there.to_send),
        "sameExternalId": list(there.same_external_id),
        "problem": there.problem,
    }
