"""The independent checker: input, Willow's own record of tickets and writes, and the topics, against I1-I8.

It knows nothing of the code under test but its public records, and of the order table only that a state names the
decided offsets (I7 asks whether it is durable).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from faust.types import TP

from ops.demo.evidence import Coordinates
from streams.settings import TopicSettings
from tests.acceptance.records import UNAVAILABLE
from tests.simulation.evidence import STRANGER, Evidence, Groups, source_of
from tests.simulation.group import Offsets
from tests.simulation.log import Entry
from tests.simulation.scenario import Record, Scenario
from tests.simulation.willow import PRIORITY_IDS, STATUS_IDS, Willow, Write
from tests.simulation.world import World

#: What is said of a record without the order's state moving on.
_STATELESS = {"stale", "not_a_change"}

APPLIED = {"created", "updated", "adopted", "unchanged"}

#: Ticket field → source field and how its value becomes Willow's.
_FIELDS = {
    "summary": ("summary", str),
    "description": ("description", str),
    "cause": ("problemDescription", str),
    "statusId": ("jobStatus", STATUS_IDS.get),
    "priorityId": ("jobPriority", PRIORITY_IDS.get),
}


class Fold:
    """What an order's records come to: each field's value, and those that it may have as well."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.refused: set[str] = set()
        self._others: dict[str, list[Any]] = defaultdict(list)

    def apply(self, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            if value != UNAVAILABLE:
                self.values[name] = value
                self._others.pop(name, None)

    def perhaps(self, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            if value != UNAVAILABLE:
                self._others[name].append(value)

    def of(self, name: str) -> list[Any]:
        return [self.values.get(name), *self._others.get(name, ())]


class Checker(Evidence):
    """Judges a run at each commit and at its end."""

    def __init__(self, world: World, willow: Willow, topics: TopicSettings, groups: Groups, scenario: Scenario) -> None:
        super().__init__(world, topics, groups)
        self._willow = willow
        self._holds = scenario.changes.get("in_doubt", {}).get("then") == "hold"

    # -- I7, at each commit --------------------------------------------------------------------------------------

    def committed(self, group: str, before: Offsets, offsets: Offsets) -> None:
        self.read_on()
        for spot, offset in offsets.items():
            if offset < before.get(spot, 0):
                self._world.broken(f"I7 {group} committed {spot} back from {before[spot]} to {offset}")
            for entry in self._world.log.topics[spot.topic][spot.partition].entries[before.get(spot, 0) : offset]:
                if entry is not None:
                    self._passed(group, spot, entry)

    def _passed(self, group: str, spot: TP, entry: Entry) -> None:
        at = Coordinates(entry.topic, entry.partition, entry.offset)
        if spot.topic == self._topics.work_orders:
            if at not in self.intended and not (at in self.buried and at in self.said):
                self._world.broken(f"I7 {group} committed {at} before its intent or dead letter was durable")
        elif spot.topic == self._topics.name("ticket_intents") and entry.written_by != STRANGER:
            intent = orjson.loads(entry.value or b"")
            if intent["kind"] != "signal" and (missing := self._not_durable(group, intent)):
                self._world.broken(f"I7 {group} committed {at}, the intent of {source_of(intent)}, before {missing}")

    def _not_durable(self, group: str, intent: Mapping[str, Any]) -> str | None:
        at, order_id = source_of(intent), intent["workOrderId"]
        raw = self.states.get((self._groups.changelogs[group], order_id.encode()))
        state = orjson.loads(raw) if raw else {}
        kept = [*state.get("waiting", {}).get("owed", ()), *state.get("queue", ())]
        kept += [owed for item in state.get("queue", ()) for owed in item.get("owed", ())]
        if at in map(source_of, kept):
            return None
        replay = intent["replayId"]
        if not (finals := self.replayed.get(replay) if replay else self.said.get(at)):
            return "its outcome or parked state was durable"
        first = finals[0]
        if self.first_said_by[replay or at] != group:
            return None  # the other group's steps are its own
        if first["outcome"] in ("created", "adopted") and order_id not in self.identities:
            return "its identity was durable"
        if _label(first) not in _STATELESS and max(state.get("decided", {}).values(), default=-1) < at.offset:
            return "its state was durable"
        return None

    # -- I8, while waiting for quiet -----------------------------------------------------------------------------

    def unfinished(self) -> Iterator[str]:
        """What is still to come, in words."""
        self.read_on()
        if self._willow.under_way:
            yield f"Willow has still to carry out {self._willow.under_way} requests"
        for group in self._world.groups.values():
            for name in group.partitions:
                for partition, end in self._world.log.ends(name).items():
                    done = group.committed.get(TP(name, partition), 0)
                    if done < end:
                        yield f"group {group.name} has a lag of {end - done} in {name}/{partition} (at {done})"
        for at, (_, record) in self.sent.items():
            if at not in self.said and not self._may_wait(at, record):
                yield f"{record.order_id} {at} has no final outcome"
        for replay, at in self.replays.items():
            if replay not in self.replayed and not self._may_wait(at, self.sent[at][1]):
                yield f"{replay} of {at} has no final outcome"
        for (_, key), raw in self.states.items():
            if b'"read_back"' in raw:
                yield f"{key.decode()} is still to be read back"
            # Whether its record has been told or not; under ``hold`` what no look-up can find stays in doubt.
            if b'"kind":"in_doubt"' in raw and self._tickets_of(key.decode()):
                yield f"{key.decode()} is still in doubt, though it has a ticket"

    def _may_wait(self, at: Coordinates, record: Record) -> bool:
        if record.may_wait and at in self.parked:
            return True
        # A ticket that is there is found by a look-up.
        return self._holds and record.order_id in self._in_doubt() and not self._tickets_of(record.order_id)

    def _in_doubt(self) -> set[str]:
        """Orders of which nobody knows whether they have a ticket: under ``hold`` they wait for a person."""
        waiting = [parked for at, parked in self.parked.items() if at not in self.said]
        # A record that was told may be in doubt again, for its replay.
        waiting += [parked for replay, parked in self.parked_replays.items() if replay not in self.replayed]
        return {parked["workOrderId"] for parked in waiting if parked["reason"]["code"] == "create_in_doubt"}

    # -- the judgement -------------------------------------------------------------------------------------------

    def problems(self) -> Iterator[str]:
        self.read_on()
        yield from self._duplicates()
        yield from self._folds()
        yield from self._stale_writes()
        yield from self._outcomes()
        yield from self._identity_problems()
        yield from self._dead_letters()

    def _tickets_of(self, order_id: str) -> list[str]:
        return [ticket.id for ticket in self._willow.tickets.values() if ticket.fields.get("externalId") == order_id]

    def _orders(self) -> dict[str, list[Coordinates]]:
        """Order → its records in log order."""
        orders: dict[str, list[Coordinates]] = defaultdict(list)
        for at, (_, record) in self.sent.items():
            orders[record.order_id].append(at)
        return {order_id: sorted(spots, key=lambda at: (at.partition, at.offset)) for order_id, spots in orders.items()}

    def _duplicates(self) -> Iterator[str]:
        for order_id in self._orders():
            if len(tickets := self._tickets_of(order_id)) > 1:
                yield f"I1 {order_id} has {len(tickets)} tickets: {tickets}"

    def _accepted(self, at: Coordinates) -> bool:
        """Applied, or replaced by one that was."""
        first = next(iter(self.said.get(at, ())), None)
        if any(said["outcome"] in APPLIED for said in self._replayed(at)):
            return True
        if first is None or first["outcome"] != "superseded":
            return first is not None and first["outcome"] in APPLIED
        newer = first["supersededBy"] and source_of({"source": first["supersededBy"]})
        return bool(newer and _is_later(newer, at) and self._accepted(newer))

    def _replayed(self, at: Coordinates) -> list[dict[str, Any]]:
        return [said for replay, its in self.replays.items() if its == at for said in self.replayed.get(replay, ())]

    def _folds(self) -> Iterator[str]:
        """I2."""
        written = {(write.order_id, write.fields.get("cause")) for write in self._willow.writes}
        for order_id, spots in self._orders().items():
            fold = Fold()
            for at in spots:
                fields = self.sent[at][1].fields
                if fields is not None and self._accepted(at):
                    fold.apply(fields)
                    told = [*self.said[at], *self._replayed(at)]
                    fold.refused |= {w.rpartition(" ")[2] for said in told for w in said["warnings"] if "left_out" in w}
                elif fields is not None and (order_id, fields["problemDescription"]) in written:
                    # It was sent before a crash, and then replaced by a record that is skipped or refused.
                    fold.perhaps(fields)
            yield from self._fold_problems(order_id, fold)

    def _fold_problems(self, order_id: str, fold: "Fold") -> Iterator[str]:
        tickets = self._tickets_of(order_id)
        if not fold.values:
            return
        if not tickets:
            yield f"I2 {order_id}: records were accepted, and it has no ticket"
            return
        held = self._willow.tickets[tickets[0]].fields
        wanted = {name: [_valued(turn, value) for value in fold.of(source)] for name, (source, turn) in _FIELDS.items()}
        wanted["twinId"] = [self.twins.get(places[0]["id"]) for places in fold.of("relatesTo")]
        for name, values in wanted.items():
            if held.get(name) not in values and name not in fold.refused:
                yield f"I2 {order_id}: {name} is {held.get(name)!r}, its records say {values[0]!r}"

    def _stale_writes(self) -> Iterator[str]:
        """I3: within a group nothing older is sent once something newer was acknowledged."""
        by_ticket: dict[tuple[str, str], list[Write]] = defaultdict(list)
        for write in self._willow.writes:
            if write.fields.get("cause"):
                by_ticket[self._groups.of(write.by), write.ticket_id].append(write)
        for writes in by_ticket.values():
            for write in writes:
                for newer in writes:
                    heard = newer.acknowledged is not None and newer.acknowledged < write.sent
                    if heard and newer.fields["cause"] > write.fields["cause"]:
                        yield (
                            f"I3 {write.order_id}: {write.by} sent {write.fields['cause']} at {write.sent:.3f}, after "
                            f"{newer.fields['cause']} was acknowledged to {newer.by} at {newer.acknowledged:.3f}"
                        )

    def _outcomes(self) -> Iterator[str]:
        """I4."""
        several = len(self._groups.workers) > 1
        creators: dict[str, list[Coordinates]] = defaultdict(list)
        for at, (_, record) in self.sent.items():
            said = self.said.get(at, [])
            if not said:
                if not self._may_wait(at, record):
                    yield f"I4 {record.order_id} {at} has no final outcome"
                continue
            first = said[0]
            if len({item["outcomeId"] for item in said}) != 1:
                yield f"I4 {record.order_id} {at} has {len(said)} final outcomes: {[_label(item) for item in said]}"
            if first["outcome"] == "created":
                creators[record.order_id].append(at)
            if _label(first).removeprefix("left_") not in record.expected:
                yield f"I4 {record.order_id} {at}: {_label(first)}; expected one of {sorted(record.expected)}"
            yield from self._words(at, record, first)
            if not several:
                yield from _contradictions(at, record, [item for item in said if id(item) not in self.belated])
        yield from self._replay_outcomes()
        for order_id, spots in creators.items():
            if len(spots) > 1:
                yield f"I4 {order_id}: {len(spots)} records say that they created its ticket: {spots}"
        for at in (self.said.keys() | self.parked.keys()) - self.sent.keys():
            yield f"I4 {at}: an outcome of a record that was never sent"

    def _replay_outcomes(self) -> Iterator[str]:
        for replay, at in self.replays.items():
            said, record = self.replayed.get(replay, []), self.sent[at][1]
            if not said and not self._may_wait(at, record):
                yield f"I4 {replay} of {at} has no final outcome"
            if len({item["outcomeId"] for item in said}) > 1:
                yield f"I4 {replay} of {at} has {len(said)} final outcomes: {[_label(item) for item in said]}"
            for item in said[:1]:
                if _label(item).removeprefix("left_") not in record.expected | {"superseded"}:
                    yield f"I4 {replay} of {at}: {_label(item)}; expected one of {sorted(record.expected)}"
                yield from self._words(at, record, item)

    def _words(self, at: Coordinates, record: Record, said: Mapping[str, Any]) -> Iterator[str]:
        kind, order_id = said["outcome"], record.order_id
        tickets = self._tickets_of(order_id)
        names_one = kind in APPLIED or _label(said) == "deleted_kept" or _label(said).startswith("left_")
        if names_one and said["ticketId"] not in tickets:
            yield f"I4 {order_id} {at}: {_label(said)} names ticket {said['ticketId']}; Willow has {tickets}"
        if kind == "updated":
            writes = [write for write in self._willow.writes if write.ticket_id == said["ticketId"]]
            if not said["changed"] or not any(set(said["changed"]) <= write.fields.keys() for write in writes):
                yield f"I4 {order_id} {at}: updated {said['changed']}, and Willow took no such write"
        if kind == "superseded":
            newer = said["supersededBy"] and source_of({"source": said["supersededBy"]})
            known = self.sent.get(newer) if newer else None
            # A parked record, and what a replay of the same one replaced.
            its_own = newer == at and at in self.replays.values()
            newest = newer and (_is_later(newer, at) or its_own)
            if not newest or known is None or known[1].order_id != order_id:
                yield f"I4 {order_id} {at}: superseded by {newer}; expected a newer record of its order"

    def _identity_problems(self) -> Iterator[str]:
        """I5."""
        for order_id in self._orders().keys() | self.identities.keys():
            tickets, published = self._tickets_of(order_id), self.identities.get(order_id)
            waits = self._holds and order_id in self._in_doubt()
            if (published is None and tickets and not waits) or (published is not None and published not in tickets):
                yield f"I5 {order_id}: published is {published}, Willow has {tickets}"

    def _dead_letters(self) -> Iterator[str]:
        """I6."""
        poison = {at for at, (_, record) in self.sent.items() if "undecodable" in record.expected and record.buried}
        for at in poison ^ self.buried.keys():
            yield f"I6 {at}: {'no dead letter of poison' if at in poison else 'a dead letter of no poison'}"
        for at in poison & self.buried.keys():
            original, buried = self.sent[at][0], self.buried[at]
            if (original.key, original.value) != (buried.key, buried.value):
                yield f"I6 {at}: its dead letter is {buried.value!r}, the record was {original.value!r}"


def _is_later(newer: Coordinates, at: Coordinates) -> bool:
    """In its log; which of two partitions' records is newer, only the intents can tell."""
    return newer.partition != at.partition or newer.offset > at.offset


def _contradictions(at: Coordinates, record: Record, said: list[dict[str, Any]]) -> Iterator[str]:
    """A record that comes again says the same, or that it was superseded (contract §5); one whose first outcome a
    crash cut off from its state may say otherwise how its ticket came to be, but not that nothing was done."""
    for first, other in [(said[0], other) for other in said[1:]]:
        same = (_label(first), first["outcome"]) == (_label(other), other["outcome"])
        if same and _label(first) in _STATELESS:
            continue  # judged anew: its order may have got a ticket meanwhile
        written = {first["outcome"], other["outcome"]} <= APPLIED - {"unchanged"}
        if other["outcome"] != "superseded" and not ((same or written) and first["ticketId"] == other["ticketId"]):
            yield f"I4 {record.order_id} {at}: said {_words(first)} first and {_words(other)} later"


def _words(said: Mapping[str, Any]) -> str:
    return f"{said['outcome']} {_label(said)} {said['ticketId']}"


def _valued(turn: Any, value: Any) -> Any:
    return None if value is None else turn(value)


def _label(said: Mapping[str, Any]) -> str:
    code: str = said["reason"]["code"] if said["reason"] and said["outcome"] != "superseded" else said["outcome"]
    return code
