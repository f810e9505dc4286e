"""The judge. It reads only what was sent, the emulator's journal and the output topics (``evidence``), and
what is expected of the data (``ops.portfolio``); never the tables of a worker, never ``streams.planning``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.demo.evidence import Coordinates, Evidence, Sent, Write, instant
from ops.demo.verdict import Kind, Problem, ReasonRow, Verdict
from ops.portfolio import ExpectedOrder, Feed, TicketView

_FIELDS = {"summary": "summary", "description": "description", "statusId": "status", "twinId": "twin"}
"""Ticket field → the attribute of ``TicketView`` that it must show."""

_SHOWN = 50
"""Characters of a value in a problem."""

Outcome = Mapping[str, Any]


def judge(evidence: Evidence) -> Verdict:
    """Every problem there is, and the figures for the report."""
    finals = _by_source(evidence, final=True)
    changes = [sent for sent in evidence.sent if sent.message.feed is Feed.WORK_ORDERS]
    problems = (
        *_tickets(evidence),
        *_outcomes(changes, finals, evidence),
        *_identities(evidence),
        *_dead_letters(evidence),
    )
    orders = {sent.message.order_id for sent in changes if sent.message.order_id}
    return Verdict(
        records=len(changes),
        orders=len(orders),
        tickets=len({write.ticket_id for write in evidence.writes}),
        final=len(finals.keys() & {sent.at for sent in changes}),
        still_parked=sum(not sent.message.allowed and sent.at not in finals for sent in changes),
        reasons=_reasons(finals, _by_source(evidence, final=False)),
        dead_letters=len({letter.at for letter in evidence.dead_letters}),
        requests=evidence.requests,
        problems=problems,
    )


def coordinates(source: Mapping[str, Any]) -> Coordinates:
    return Coordinates(source["topic"], source["partition"], source["offset"])


def _by_source(evidence: Evidence, *, final: bool) -> dict[Coordinates, list[Outcome]]:
    found: dict[Coordinates, list[Outcome]] = defaultdict(list)
    for outcome in evidence.outcomes:
        if outcome["final"] is final and outcome.get("replayId") is None:
            found[coordinates(outcome["source"])].append(outcome)
    return found


def _tickets(evidence: Evidence) -> Iterator[Problem]:
    by_order: dict[str | None, dict[str, list[Write]]] = defaultdict(lambda: defaultdict(list))
    for write in evidence.writes:
        by_order[write.order_id][write.ticket_id].append(write)
    for order_id, tickets in by_order.items():
        subject = order_id or "no externalId"
        expected = evidence.expected.get(order_id or "")
        if expected is None or not expected.versions:
            text = f"{len(tickets)} ticket(s), first {next(iter(tickets))}; expected none"
            yield Problem(Kind.DUPLICATE, subject, text)
            continue
        if len(tickets) > 1:
            yield Problem(Kind.DUPLICATE, subject, f"tickets {', '.join(tickets)}; expected one")
        for writes in tickets.values():
            yield from _ticket(expected, writes, evidence.statuses)
    for expected in evidence.expected.values():
        if expected.versions and expected.order_id not in by_order:
            yield Problem(Kind.LOST, expected.order_id, f"no ticket ({expected.case}); expected one")


def _ticket(expected: ExpectedOrder, writes: Sequence[Write], statuses: Mapping[str, str]) -> Iterator[Problem]:
    """Follows a ticket through its writes: each must bring it to a version not older than the last."""
    versions = expected.versions
    reached, acknowledged, overtaken = 0, list[tuple[float, int]](), False
    state: dict[str, Any] = {}
    for write in writes:
        carried = _carried(write, statuses)
        state |= carried
        onward = range(reached, len(versions))
        version = _version(versions, onward, state, write)
        if version is None and overtaken:
            # A late write put older values under a newer state: until they are put right no version shows whole.
            version = _version(versions, onward, carried, write)
        if version is None:
            older = _version(versions, range(reached - 1, -1, -1), carried, write)
            newest = max((v for at, v in acknowledged if at <= write.arrived), default=-1)
            if older is None:
                text = f"revision {write.revision} shows what no version of the order says: {carried}"
                yield Problem(Kind.WRONG, expected.order_id, text)
            elif older < newest:
                text = f"revision {write.revision} is version {older + 1}; version {newest + 1} was acknowledged"
                yield Problem(Kind.STALE, expected.order_id, text)
            version, overtaken = older, True
        else:
            reached = version
        if version is not None and write.acknowledged is not None:
            acknowledged.append((write.acknowledged, version))
    wrong = _differences(versions[-1], state)
    if wrong:
        yield Problem(Kind.LOST, expected.order_id, "; ".join(wrong))


def _carried(write: Write, statuses: Mapping[str, str]) -> dict[str, Any]:
    carried = {_FIELDS[name]: value for name, value in write.fields.items() if name in _FIELDS}
    if "status" in carried:
        carried["status"] = statuses.get(carried["status"], carried["status"])
    return carried


def _version(versions: Sequence[TicketView], candidates: range, shown: Mapping[str, Any], write: Write) -> int | None:
    """The first candidate that agrees with what is shown, and with the date that the write carries."""
    date = write.fields.get("externalUpdatedDate")
    for index in candidates:
        version = versions[index]
        # To the millisecond: the source has microseconds, and JSON libraries may cut them.
        same_date = date is None or abs((instant(date) - version.changed_at).total_seconds()) < 0.001
        if same_date and all(getattr(version, name) == value for name, value in shown.items()):
            return index
    return None


def _differences(version: TicketView, state: Mapping[str, Any]) -> list[str]:
    pairs = ((name, state.get(name), getattr(version, name)) for name in _FIELDS.values())
    return [
        f"{name} is {_short(shown, wanted)}; expected {_short(wanted, shown)}"
        for name, shown, wanted in pairs
        if shown != wanted
    ]


def _short(text: Any, other: Any) -> str:
    """Of a long text the part where it begins to differ from the other."""
    if not isinstance(text, str) or len(text) <= _SHOWN:
        return repr(text)
    same = next((i for i, (a, b) in enumerate(zip(text, str(other), strict=False)) if a != b), len(str(other)))
    start = max(0, same - 10)
    end = start + _SHOWN
    return repr(f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}")


def _outcomes(
    changes: Sequence[Sent], finals: Mapping[Coordinates, Sequence[Outcome]], evidence: Evidence
) -> Iterator[Problem]:
    tickets = {write.order_id: write.ticket_id for write in evidence.writes}
    sent_to = {sent.at: sent for sent in changes}
    created: Counter[str] = Counter()
    parked = {coordinates(o["source"]) for o in evidence.outcomes if not o["final"]}
    for sent in changes:
        message, outcomes = sent.message, finals.get(sent.at, ())
        subject = message.order_id or str(sent.at)
        if not outcomes:
            yield from _unfinished(sent, subject, parked)
            continue
        first = outcomes[0]
        yield from _contradictions(subject, outcomes)
        if not message.allowed & {first["outcome"], _label(first)}:
            text = f"{sent.at} ({message.case}) is {_label(first)}; expected {_expected(sent)}"
            yield Problem(Kind.WRONG, subject, text)
        yield from _words(subject, sent, first, tickets, sent_to)
        created[subject] += first["outcome"] == "created"
    for subject, count in created.items():
        if count > 1:
            yield Problem(Kind.WRONG, subject, f"{count} records say created; expected one")
    for at in finals.keys() - sent_to.keys():
        yield Problem(Kind.WRONG, str(at), "an outcome of a record that was never sent")


def _unfinished(sent: Sent, subject: str, parked: set[Coordinates]) -> Iterator[Problem]:
    if sent.message.allowed:
        where = "still parked" if sent.at in parked else "no outcome at all"
        text = f"{sent.at} ({sent.message.case}): {where}; expected {_expected(sent)}"
        yield Problem(Kind.INCOMPLETE, subject, text)
    elif sent.at not in parked:
        yield Problem(Kind.INCOMPLETE, subject, f"{sent.at} ({sent.message.case}): no outcome; expected parked")


def _contradictions(subject: str, outcomes: Sequence[Outcome]) -> Iterator[Problem]:
    """Redeliveries repeat the outcome word for word, or say superseded under its id (contract §5). Killed after its
    outcome and before its claim was done, a create is in doubt for the next owner, who finds its ticket in Willow."""
    first = outcomes[0]
    for other in outcomes[1:]:
        if other["outcomeId"] != first["outcomeId"]:
            text = f"two final outcome ids, {_label(first)} and {_label(other)}; expected one"
        elif (first["outcome"], other["outcome"]) == ("created", "adopted") and first["ticketId"] == other["ticketId"]:
            continue
        elif other["outcome"] != "superseded" and _said(other) != _said(first):
            text = f"said {_label(first)} first and {_label(other)} later; expected the same words"
        else:
            continue
        yield Problem(Kind.CONTRADICTION, subject, f"{coordinates(first['source'])}: {text}")


def _said(outcome: Outcome) -> tuple[Any, ...]:
    return (_label(outcome), *(outcome[name] for name in ("ticketId", "twinId", "changed", "supersededBy")))


def _words(
    subject: str,
    sent: Sent,
    outcome: Outcome,
    tickets: Mapping[str | None, str],
    sent_to: Mapping[Coordinates, Sent],
) -> Iterator[Problem]:
    """The outcome's words against what Willow and the input say."""
    ticket, order_id = outcome["ticketId"], sent.message.order_id
    if outcome["outcome"] in {"created", "updated", "adopted", "unchanged"} and ticket != tickets.get(order_id):
        text = f"{_label(outcome)} names ticket {ticket}; Willow has {tickets.get(order_id)}"
        yield Problem(Kind.WRONG, subject, text)
    if outcome["outcome"] == "superseded":
        by = outcome["supersededBy"]
        newer = sent_to.get(coordinates(by)) if by else None
        if newer is None or newer.message.order_id != order_id or newer.at <= sent.at:
            yield Problem(Kind.WRONG, subject, f"{sent.at} superseded by {by}; expected a newer one of its order")


def _identities(evidence: Evidence) -> Iterator[Problem]:
    tickets = {write.order_id: write.ticket_id for write in evidence.writes if write.revision == 0}
    for order_id in sorted({*evidence.identities, *(o for o in tickets if o)}):
        published, held = evidence.identities.get(order_id), tickets.get(order_id)
        if published != held:
            yield Problem(Kind.IDENTITY, order_id, f"published ticket {published}; Willow has {held}")


def _dead_letters(evidence: Evidence) -> Iterator[Problem]:
    poison = {s.at: s for s in evidence.sent if any(a.startswith("dead_lettered") for a in s.message.allowed)}
    for letter in evidence.dead_letters:
        found = poison.get(letter.at)
        if found is None:
            yield Problem(Kind.DEAD_LETTER, str(letter.at), "a good record was dead-lettered")
        elif found.message.value != letter.value:
            yield Problem(Kind.DEAD_LETTER, str(letter.at), "its value is not the original's")
    for at in sorted(poison.keys() - {letter.at for letter in evidence.dead_letters}):
        text = f"poison in {poison[at].message.feed} without a dead letter"
        yield Problem(Kind.DEAD_LETTER, str(at), text)


def _label(outcome: Outcome) -> str:
    reason = outcome.get("reason")
    return f"{outcome['outcome']}/{reason['code']}" if reason else str(outcome["outcome"])


def _expected(sent: Sent) -> str:
    return " or ".join(sorted(sent.message.allowed)) or "parked"


def _reasons(
    finals: Mapping[Coordinates, Sequence[Outcome]], parked: Mapping[Coordinates, Sequence[Outcome]]
) -> tuple[ReasonRow, ...]:
    """Each outcome and reason, counted once a record; parked ones apart from what came of them."""
    groups: dict[tuple[str, str | None], list[Outcome]] = defaultdict(list)
    for outcomes in (*finals.values(), *parked.values()):
        first = outcomes[0]
        code = first["reason"]["code"] if first.get("reason") else None
        groups[first["outcome"], code].append(first)
    return tuple(
        ReasonRow(outcome, code, len(found), _example(found[0]), _message(found[0]))
        for (outcome, code), found in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    )


def _example(outcome: Outcome) -> str:
    return str(outcome["workOrderId"] or coordinates(outcome["source"]))


def _message(outcome: Outcome) -> str | None:
    return outcome["reason"]["message"] if outcome.get("reason") else None
