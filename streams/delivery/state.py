"""The state of one order, as the sink's table keeps it: enough to decide, and no more of people's data than that."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

#: Kept in clear, since look-ups of twins and enumerations need them; all other fields as a hash (delivery.md §1).
CLEAR_FIELDS = ("twinId", "statusId", "categoryId")

#: Stands for the hash of a field of which nobody knows what Willow holds.
UNSURE = "?"

#: Goes along with another change and is never compared (contract §4).
UNCOMPARED_FIELDS = frozenset({"externalUpdatedDate"})


def field_hash(value: Any) -> str:
    """Ten hexadecimal digits of a value's canonical JSON: enough to see a change, too little to read the value.

    A field that was never sent and one that is cleared are the same to Willow: both hash to the empty string."""
    if value is None or value == "" or value == {}:
        return ""
    return hashlib.blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=5).hexdigest()


def hashes_of(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: field_hash(value) for name, value in fields.items() if name not in UNCOMPARED_FIELDS}


@dataclass(slots=True)
class Owed:
    """A record whose final outcome is still to be said."""

    source: dict[str, Any]
    replay_id: str | None = None


@dataclass(slots=True)
class Waiting:
    """Why an order waits, and all that is needed to go on without its records being read again.

    ``kind`` is ``parked`` (the planner's reasons), ``fill`` (sent round for fields it left out), ``in_doubt``, or
    ``applying`` (being carried out for older records too; only a crash leaves it behind, and then all come again)."""

    kind: str
    code: str
    since: float
    """Epoch seconds."""
    intent: dict[str, Any]
    """The newest record's intent, folded over the older ones: record, fields, coordinates."""
    owed: list[Owed] = field(default_factory=list)
    """All records whose final outcome is due, oldest first; the last is the intent's own."""
    id: str = ""
    """Parked and fill: what ends this wait carries it."""
    behind: list[dict[str, Any]] = field(default_factory=list)
    """In doubt only: intents that came later and wait until it is known whether a ticket exists."""
    outcome: dict[str, Any] | None = None
    """The parked outcome as it was said."""
    claim_id: str | None = None
    claim: dict[str, Any] | None = None
    """The open claim's offset, broker timestamp and deadline, for its settle time."""
    call_ended: float | None = None


@dataclass(slots=True)
class ReadBack:
    """A PATCH had no answer and may commit late: after ``due`` (epoch seconds) the ticket is read, and ``fields`` are
    put right."""

    due: float
    fields: dict[str, Any]
    """As they are wanted: a record that Willow took had them."""
    ticket_id: str
    sent: dict[str, Any] = field(default_factory=dict)
    """As a record sent them of which nobody knows whether Willow takes it: what it holds of them is not known."""


@dataclass(slots=True)
class OrderState:
    generation: int = 0
    """Of the group when this was written, and never less than that of the state before it. First, so that ``outdated``
    finds it without parsing the rest."""
    decided: dict[str, int] = field(default_factory=dict)
    """"topic id or name / partition" → offset of the last decided source."""
    watermark: str | None = None
    """``dateUpdated`` of the newest accepted record (ISO 8601, UTC)."""
    last: dict[str, Any] | None = None
    """The final outcome of the last applied source, word for word."""
    ticket_id: str | None = None
    hashes: dict[str, str] = field(default_factory=dict)
    whole: bool = False
    """The ticket was made with these fields alone: one that has no hash is empty. Else nobody knows what it holds."""
    clear: dict[str, Any] = field(default_factory=dict)
    site_id: str | None = None
    """Of the twin that Willow took last: what closes the ticket names no place."""
    scope: dict[str, Any] = field(default_factory=dict)
    """``jobStatus`` and ``relatesTo`` as last decided: they fill a record that leaves them out."""
    entity_type: str | None = None
    """As its last record said; a delete does not say."""
    left: str | None = None
    """Reason code under which an order with a ticket stopped qualifying."""
    gone: bool = False
    """Willow no longer knows the ticket; rejected until an operator resolves it."""
    waiting: Waiting | None = None
    read_back: ReadBack | None = None
    queue: list[dict[str, Any]] = field(default_factory=list)
    """Accepted intents that stood behind a doubt which is over, still to be carried out: their offsets are released."""

    def to_json(self) -> bytes:
        """Only what says something: a state is written with every outcome."""
        return orjson.dumps({name: value for name in _STATE_FIELDS if (value := getattr(self, name))})

    @classmethod
    def from_json(cls, raw: bytes) -> "OrderState":
        data = orjson.loads(raw)
        waiting = data.pop("waiting", None)
        if waiting is not None:
            waiting["owed"] = [Owed(**item) for item in waiting["owed"]]
            data["waiting"] = Waiting(**waiting)
        if "read_back" in data:
            data["read_back"] = ReadBack(**data["read_back"])
        return cls(**data)

    def hash_of(self, name: str) -> str:
        """Of a field as it was sent last; ``UNSURE`` if it never was and the ticket may have had it before, or if
        nobody knows whether Willow took what was sent."""
        if self.read_back is not None and name in self.read_back.sent:
            return UNSURE
        return self.hashes.get(name, "" if self.whole else UNSURE)

    def doubt_hashes(self, names: Iterable[str]) -> None:
        """Nobody knows what Willow holds of these fields: whatever they should be is sent."""
        if self.hashes:
            self.hashes.update(dict.fromkeys(names, UNSURE))

    def forget_ticket(self) -> None:
        """Nothing is known any more of a ticket, nor of what one was sent."""
        self.ticket_id, self.hashes, self.whole, self.clear = None, {}, False, {}
        self.gone, self.read_back, self.site_id = False, None, None

    def read_back_at(self, due: float, ticket_id: str, sent: Mapping[str, Any], *, wanted: bool = False) -> None:
        """These fields are sent, and nobody knows whether and when Willow takes them. ``wanted``: a record had them
        that it took before."""
        known = self.read_back
        if known is None or known.ticket_id != ticket_id:
            known = ReadBack(due, {}, ticket_id)
        fields = {**known.fields, **sent} if wanted else dict(known.fields)
        self.read_back = ReadBack(due, fields, ticket_id, dict(known.sent) if wanted else {**known.sent, **sent})

    def remember(
        self,
        ticket_id: str,
        sent: Mapping[str, Any],
        *,
        whole: bool,
        changed: Mapping[str, Any] | None = None,
        site_id: str | None = None,
    ) -> None:
        """After Willow took a write: ``sent`` are the fields as sent; ``whole`` if the ticket was made with them and
        holds nothing else of ours; else they add to what is known of it. ``changed``: of these the ones whose hash is
        not known to be the same (``reconcile.changes``); None: all. ``site_id`` is that of the twin, None if none was
        chosen."""
        if whole or ticket_id != self.ticket_id:
            self.hashes, self.whole = {}, whole
        self.ticket_id, self.gone = ticket_id, False
        self.site_id = site_id or self.site_id
        self.hashes = {**self.hashes, **hashes_of(sent if changed is None else changed)}
        for name in CLEAR_FIELDS:
            if name in sent:
                self.clear[name] = sent[name]
        due = self.read_back
        if due is not None:
            # A late commit must be put right to what is wanted by then.
            due.fields |= {name: sent[name] for name in (*due.fields, *due.sent) if name in sent}
            due.sent = {name: value for name, value in due.sent.items() if name not in sent}


_STATE_FIELDS = tuple(item.name for item in fields(OrderState))


_GENERATION = b'{"generation":'


def generation_of(raw: bytes) -> int:
    """Of a state's JSON; 0 where it says none."""
    if not raw.startswith(_GENERATION):
        return 0
    end = min(at for at in (raw.find(b",", len(_GENERATION)), raw.find(b"}", len(_GENERATION))) if at > 0)
    return int(raw[len(_GENERATION) : end])


def outdated(read: bytes, kept: bytes | None) -> bool:
    """Whether a state that stands later in the changelog than the one that is kept was written by a former owner: one
    that was frozen sends what it had queued when it wakes, behind what its successor wrote meanwhile."""
    return kept is not None and generation_of(read) < generation_of(kept)


def log_key(source: Mapping[str, Any]) -> str:
    """The log a source belongs to: a topic that was deleted and made again is another one."""
    return f"{source.get('topicId') or source['topic']}/{source['partition']}"
