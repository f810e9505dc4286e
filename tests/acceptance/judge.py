"""The judge: what was sent, Willow's journal and tickets, and the output topics, against the guarantees.

It knows nothing of the code under test but the public records; it reads no table of a worker.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ops.demo.evidence import Coordinates, Write, accepted_writes, instant, outstanding_writes, read_journal
from ops.emulator import Emulator, Kind
from schemas import Outcome, TicketIdentity, dead_letter
from tests.acceptance.records import Sent
from tests.acceptance.stage import Stage
from tests.acceptance.tap import Record, source_of

_APPLIED = {"created", "updated", "adopted", "unchanged"}
_PLAIN = {"summary": "summary", "description": "description", "cause": "problemDescription"}
"""Ticket field → source field, compared as they are."""
_NAMED = {"statusId": ("jobStatus", Kind.STATUSES), "priorityId": ("jobPriority", Kind.PRIORITIES)}


def judge(stage: Stage, *, waiting: Collection[Sent] = (), groups: int = 1) -> None:
    """Fails with every problem there is. ``waiting`` are the records that are rightly still parked. What a second
    group says of a record may differ from the first's words, and I3 holds within a group only."""
    stage.tap.catch_up()
    problems = [*_too_early(stage), *_tickets(stage), *_outcomes(stage, waiting, groups), *_fields(stage)]
    problems += _stale_writes(stage) if groups == 1 else ()
    problems += [*_identities(stage), *_dead_letters(stage), *_form(stage)]
    assert not problems, "\n".join(problems)


def _held(stage: Stage) -> dict[str, dict[str, Mapping[str, Any]]]:
    """External id → ticket id → fields, as Willow has them now."""

    def tickets(emulator: Emulator) -> dict[str, dict[str, Mapping[str, Any]]]:
        found: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
        for ticket in emulator.tickets:
            if ticket.external_id is not None:
                found[ticket.external_id][ticket.id] = ticket.fields
        return found

    return stage.willow.ask(tickets)


def _too_early(stage: Stage) -> Iterator[str]:
    """A late write may still make a second ticket, or an older state."""
    due = outstanding_writes(read_journal(stage.willow.journal))
    if due:
        yield f"judged too early: Willow is still to carry out the requests {sorted(due)}"


def _tickets(stage: Stage) -> Iterator[str]:
    """I1."""
    for order_id, tickets in _held(stage).items():
        if len(tickets) > 1:
            yield f"I1 {order_id}: {len(tickets)} tickets {sorted(tickets)}; expected one"


def _stale_writes(stage: Stage) -> Iterator[str]:
    """I3: a write that arrived after a newer one was acknowledged."""
    by_ticket: dict[str, list[Write]] = defaultdict(list)
    for write in accepted_writes(read_journal(stage.willow.journal)):
        by_ticket[write.ticket_id].append(write)
    for writes in by_ticket.values():
        dated = [(write, instant(d)) for write in writes if (d := write.fields.get("externalUpdatedDate"))]
        for index, (write, date) in enumerate(dated):
            for newer, newer_date in dated[:index]:
                if newer_date > date and newer.acknowledged is not None and newer.acknowledged < write.arrived:
                    yield f"I3 {write.order_id}: revision {write.revision} says {date}, after {newer_date}"


def _outcomes(stage: Stage, waiting: Collection[Sent], groups: int) -> Iterator[str]:
    """I4: one final outcome a record, and its words are true."""
    tap, tickets = stage.tap, _held(stage)
    sent_at = {sent.at: sent for sent in stage.sent}
    created: Counter[str | None] = Counter()
    for sent in stage.sent:
        said = tap.finals.get(sent.at, [])
        if sent in waiting:
            if said or sent.at not in tap.parked:
                yield f"I4 {sent.at} {sent.order_id}: expected parked, found {_labels(said)}"
            continue
        if len({item["outcomeId"] for item in said}) != 1:
            yield f"I4 {sent.at} {sent.order_id}: {len(said)} final outcomes {_labels(said)}; expected one id"
            continue
        if groups == 1:
            yield from _contradictions(sent, said)
        first = said[0]
        created[sent.order_id] += first["outcome"] == "created"
        if first["outcome"] in _APPLIED and [first["ticketId"]] != list(tickets.get(sent.order_id or "", ())):
            yield f"I4 {sent.at} {sent.order_id}: {_labels(said)} names ticket {first['ticketId']}"
        if first["outcome"] == "superseded":
            yield from _superseded(sent, first, sent_at)
    yield from (f"I4 {name}: {count} records say created" for name, count in created.items() if count > 1)
    strangers = (tap.finals.keys() | tap.parked.keys()) - sent_at.keys()
    yield from (f"I4 {at}: an outcome of a record that was never sent" for at in strangers)


def _contradictions(sent: Sent, said: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first = said[0]
    for other in said[1:]:
        words = [(item["outcome"], item["reason"], item["ticketId"], item["changed"]) for item in (first, other)]
        # Killed after its outcome and before its claim was done, a create is in doubt for the next owner, who finds its
        # ticket in Willow: both words are true of the one ticket.
        found_again = words == [("created", None, first["ticketId"], []), ("adopted", None, first["ticketId"], [])]
        if other["outcome"] != "superseded" and words[0] != words[1] and not found_again:
            yield f"I4 {sent.at} {sent.order_id}: said {words[0]} first and {words[1]} later"


def _superseded(sent: Sent, said: Mapping[str, Any], sent_at: Mapping[Coordinates, Sent]) -> Iterator[str]:
    newer = sent_at.get(source_of({"source": said["supersededBy"]})) if said["supersededBy"] else None
    if newer is None or newer.order_id != sent.order_id or newer.at <= sent.at:
        yield f"I4 {sent.at} {sent.order_id}: superseded by {said['supersededBy']}; expected a newer one of its order"


def _fields(stage: Stage) -> Iterator[str]:
    """I2: what Willow holds is the fold of what was accepted, in log order."""
    held = _held(stage)
    entries = stage.willow.ask(lambda emulator: emulator.lists)
    folds: dict[str, dict[str, Any]] = defaultdict(dict)
    closed: dict[str, bool] = {}
    refused: dict[str, set[str]] = defaultdict(set)
    for sent in sorted(stage.sent, key=lambda item: item.at):
        if sent.order_id is not None and sent.at in stage.tap.finals:
            closed[sent.order_id] = _closes(sent, stage.tap.finals[sent.at][0])
        if sent.order_id is None or sent.fields is None or not _accepted(stage, sent.at):
            continue
        folds[sent.order_id] |= {k: v for k, v in sent.fields.items() if v != "__debezium_unavailable_value"}
        for warning in stage.tap.finals[sent.at][0]["warnings"]:
            refused[sent.order_id].add(warning.rpartition(" ")[2])
    for order_id, fold in folds.items():
        tickets = held.get(order_id)
        if not tickets:
            yield f"I2 {order_id}: no ticket, though a record was accepted"
            continue
        found = next(iter(tickets.values()))
        wanted = {ticket: fold.get(source) for ticket, source in _PLAIN.items()}
        for ticket, (source, kind) in _NAMED.items():
            name = fold.get(source)
            wanted[ticket] = entries.id_of(kind, name) if name else None
        if closed[order_id]:
            wanted["statusId"] = entries.id_of(Kind.STATUSES, "Closed")
        wanted["twinId"] = next((t for e in fold["relatesTo"] if (t := stage.twins.get(e["id"]))), None)
        for name, value in wanted.items():
            if name not in refused[order_id] and found.get(name) != value:
                yield f"I2 {order_id}: {name} is {found.get(name)!r}; expected {value!r}"


def _closes(sent: Sent, said: Mapping[str, Any]) -> bool:
    """Whether the record closed its order's ticket, or found it closed (on_delete, on_leave)."""
    left = said["reason"] is not None and said["reason"]["code"].startswith("left_") and said["changed"] == ["statusId"]
    return left or (sent.fields is None and said["outcome"] in _APPLIED)


def _accepted(stage: Stage, at: Coordinates) -> bool:
    """Whether a record counts: applied, or replaced by one that counts."""
    said = next(iter(stage.tap.finals.get(at, ())), None)
    if said is None or said["outcome"] != "superseded":
        return said is not None and said["outcome"] in _APPLIED
    if said["supersededBy"] is None:
        return False
    newer = source_of({"source": said["supersededBy"]})
    return newer > at and _accepted(stage, newer)


def _identities(stage: Stage) -> Iterator[str]:
    """I5."""
    published = stage.tap.identities
    orders = {sent.order_id for sent in stage.sent}
    held = {order_id: list(tickets) for order_id, tickets in _held(stage).items() if order_id in orders}
    for order_id in published.keys() | held.keys():
        if [published.get(order_id)] != held.get(order_id):
            yield f"I5 {order_id}: published {published.get(order_id)}; Willow has {held.get(order_id)}"


def _dead_letters(stage: Stage) -> Iterator[str]:
    """I6: exactly the poison, untouched."""
    poison = {sent.at: sent for sent in stage.sent if sent.poison}
    buried: dict[Coordinates, Record] = {}
    for record in stage.tap.records["dead_letters"]:
        topic, partition, offset = (
            record.header(n) for n in (dead_letter.TOPIC, dead_letter.PARTITION, dead_letter.OFFSET)
        )
        buried[Coordinates(topic or "", int(partition or -1), int(offset or -1))] = record
    for at in poison.keys() ^ buried.keys():
        yield f"I6 {at}: {'no dead letter of poison' if at in poison else 'a dead letter of no poison'}"
    for at in poison.keys() & buried.keys():
        sent, record = poison[at], buried[at]
        if (record.key, record.value) != (sent.key, sent.value):
            yield f"I6 {at}: the dead letter is {record.key!r} {record.value!r}; expected the original"
        if record.headers[: len(sent.headers)] != sent.headers:
            yield f"I6 {at}: its headers are {record.headers}; expected {sent.headers} first"
        added = record.headers[len(sent.headers) :]
        if sum(len(name) + len(value) for name, value in added) > dead_letter.MAX_HEADER_BYTES:
            yield f"I6 {at}: more than {dead_letter.MAX_HEADER_BYTES} bytes of headers"
        if any(not record.header(name) for name in (dead_letter.CODE, dead_letter.MESSAGE, dead_letter.REMEDY)):
            yield f"I6 {at}: code, message or remedy is missing"


def _form(stage: Stage) -> Iterator[str]:
    """The records are as their models and headers say (contract §5, §6)."""
    for kind, model in (("outcomes", Outcome), ("ticket_identities", TicketIdentity)):
        for record in stage.tap.records[kind]:
            if kind == "ticket_identities" and record.value is None:
                continue
            try:
                model.model_validate_json(record.value or b"")
            except ValidationError as error:
                yield f"form of {kind}: {error}"
            if record.header("ce_id") is None or record.header("ce_type") is None:
                yield f"form of {kind}: no CloudEvents headers: {record.headers}"
    for said, record in zip(stage.tap.outcomes, stage.tap.records["outcomes"], strict=True):
        if record.header("ce_id") != said["outcomeId"]:
            yield f"form: ce_id is {record.header('ce_id')}; expected {said['outcomeId']}"


def _labels(said: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{item['outcome']}/{item['reason']['code']}" if item["reason"] else item["outcome"] for item in said]
