"""``explain`` for people: a story in sections, from what happened to what to do."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.delivery.outcomes import instant
from streams.planning.decode import Undecodable
from streams.reading.advice import advice
from streams.reading.document import steps_in
from streams.reading.steps import EnumerationStep, Link, PlaceStep, Steps
from streams.reading.story import Story
from streams.settings import Settings

_SHOWN = 100
"""Characters of a value: a description may be pages long."""

_PHRASES = {
    "create": "a ticket would be created",
    "adopt": "the ticket that the order names would be adopted",
    "update": "its ticket would be updated",
    "compare": "its ticket would be compared with Willow's, and updated where it differs",
    "unchanged": "its ticket holds all of it already: nothing would be sent",
    "skip": "it would be skipped",
    "reject": "it would be rejected",
    "park": "it would be parked",
    "wait": "it would wait until the create in doubt is settled",
    "superseded": "a newer record of the order was decided already",
}


def story_lines(story: Story, settings: Settings) -> Iterator[str]:
    said = advice(story)
    yield f"{story.order_id}: {said.verdict}"
    yield f"what to do: {said.todo}"
    sections = (
        (f"History ({settings.topics.name('outcomes')})", _history(story)),
        ("State", _state(story)),
        ("Newest record", _newest(story)),
        ("A fresh plan", _plan(story, settings)),
        ("In Willow now", _willow(story)),
    )
    for title, lines in sections:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def _history(story: Story) -> Iterator[str]:
    if not story.history:
        yield "no outcome yet, or none that the topic still holds"
    for said in story.history:
        reason = said.get("reason") or {}
        line = f"{said['time']}  {said['outcome']:<12} {_at(said['source'])}"
        line += f"  {reason['code']}: {reason['message']}" if reason else ""
        line += f"  changed {', '.join(said['changed'])}" if said["changed"] else ""
        line += f"  by {_at(said['supersededBy'])}" if said.get("supersededBy") else ""
        line += f"  replay {said['replayId']}" if said.get("replayId") else ""
        yield line
        yield from (f"    warning: {warning}" for warning in said["warnings"])


def _at(source: Mapping[str, Any]) -> str:
    return f"{source['topic']}[{source['partition']}]@{source['offset']}"


def _state(story: Story) -> Iterator[str]:
    state, seen = story.state, story.seen
    yield f"ticket: {seen.ticket or 'none'}"
    if seen.ticket and not seen.identity:
        yield "its identity is not published yet; the claim says which ticket it is"
    if state.clear:
        yield "last sent: " + ", ".join(f"{name} {value}" for name, value in state.clear.items())
    if state.watermark:
        yield f"newest accepted dateUpdated: {state.watermark}"
    if state.left:
        yield f"it has left the scope: {state.left}"
    if state.gone:
        yield "Willow said that the ticket is gone"
    for claim in seen.open:
        yield f"open claim {claim.claim_id} since {instant(claim.since_ms / 1000)}"
    waiting = state.waiting
    if waiting is not None:
        wanted = (waiting.outcome or {}).get("waitingFor") or []
        yield f"waits as {waiting.code} since {instant(waiting.since)}" + (
            f", for {', '.join(wanted)}" if wanted else ""
        )
        if waiting.behind:
            yield f"records that wait behind it: {len(waiting.behind)}"


def _newest(story: Story) -> Iterator[str]:
    newest = story.newest
    if newest is None:
        yield "the topic no longer holds it: what a fresh plan would say is not known"
        return
    logged, said = newest.logged, newest.said
    time = "" if logged.timestamp_ms is None else f", {instant(logged.timestamp_ms / 1000)}"
    yield f"{logged.topic}[{logged.partition}]@{logged.offset}{time} ({story.stage.value})"
    if isinstance(said, Undecodable):
        yield f"can't be read: {said.message}"
    elif newest.change is not None and newest.change.deleted:
        yield "a delete"
    elif newest.change is not None:
        yield from (f"{name}: {_value(value)}" for name, value in newest.change.record.items())


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\n", "⏎")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


# -- the plan --------------------------------------------------------------------------------------------------------


def _plan(story: Story, settings: Settings) -> Iterator[str]:
    steps = steps_in(story, settings)
    if steps is None:
        why = "Willow's lists could not be read" if story.lists is None else "there is no record to plan"
        yield f"none: {why}"
        return
    if steps.filled:
        yield f"left out by the record, taken from earlier ones: {', '.join(steps.filled)}"
    titled: tuple[tuple[str, Iterable[str]], ...] = (
        ("admission", (f"{'✓ not' if check.passed else '✗'} {check.code}" for check in steps.checks)),
        ("places", (line for place in steps.places for line in _place(place))),
        ("enumerations", (_enumeration(step) for step in steps.enumerations)),
        ("fields", (f"{step.field}: {_value(step.value)}  (from {step.source})" for step in steps.fields)),
        ("warnings", steps.warnings),
        ("decision", _decision(steps)),
    )
    for title, lines in titled:
        listed = list(lines)
        if listed:
            yield title
            yield from (f"  {line}" for line in listed)


def _place(place: PlaceStep) -> Iterator[str]:
    kind = place.kind or "of unknown type"
    yield f"{_named(place.id, place.name)}, {kind}, twin {place.twin_id or 'none'}: {place.choice}"
    chain = " → ".join(_link(link) for link in place.chain)
    end = f", a loop at {place.missing}" if place.loop else f", {place.missing} is not known" if place.missing else ""
    where = f"inside {place.site}" if place.site else place.whereabouts
    yield f"  {chain}: {where}{end}"


def _link(link: Link) -> str:
    return f"{link.kind or '?'} {_named(link.id, link.name)}" + (" (selected)" if link.selected else "")


def _named(identifier: str, name: str | None) -> str:
    return f"{name} ({identifier})" if name else identifier


def _enumeration(step: EnumerationStep) -> str:
    value = "null" if step.value is None else repr(step.value)
    at = f" at {step.at}" if step.at else ""
    if step.source == "not sent":
        return f"{step.setting}: not sent ({step.why})"
    if step.target is None:
        return f"{step.setting}: {value}{at} → nothing ({step.why or step.source})"
    target = f"{step.name} ({step.target})" if step.name and step.name != step.target else step.target
    return f"{step.setting}: {value}{at} → {target}  ({step.source})"


def _decision(steps: Steps) -> Iterator[str]:
    code = f" ({steps.code})" if steps.code else ""
    changed = f": {', '.join(steps.changed)}" if steps.changed else ""
    yield f"{steps.decision}: {_PHRASES[steps.fate]}{code}{changed}"
    if steps.reason:
        yield steps.reason["message"]


# -- Willow ----------------------------------------------------------------------------------------------------------

_TICKET = ("summary", "statusId", "priorityId", "twinId", "externalId")
"""Fields of a ticket that are shown; ``--json`` has all."""


def _willow(story: Story) -> Iterator[str]:
    there = story.willow
    if there.problem:
        yield there.problem
    if there.gone:
        yield f"ticket {story.seen.ticket} does not exist there"
    if there.ticket is not None:
        updated = there.ticket.updated_date
        when = f", updated {instant(updated.timestamp())}" if updated is not None else ""
        yield f"ticket {there.ticket.id}, status {there.ticket.status or '?'}{when}"
        yield from (f"{name}: {_value(there.ticket.field(name))}" for name in _TICKET)
        for name, value in there.changed_there.items():
            yield f"changed there: {name} is {_value(value)}"
    elif not there.gone and not there.problem:
        yield "no ticket"
    others = [ticket for ticket in there.same_external_id if there.ticket is None or ticket != there.ticket.id]
    if others:
        yield f"other tickets with its externalId: {', '.join(others)}"
