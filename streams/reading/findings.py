"""What an audit can find, worst first: exit code, meaning and remedy in one table. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from schemas.outcome import OutcomeKind


class Kind(StrEnum):
    DUPLICATE = "duplicate"
    GONE = "gone"
    MISSING = "missing"
    IDENTITY = "identity"
    UNBOUND = "unbound"
    EXTRA = "extra"
    TWIN_UNKNOWN = "twin_unknown"
    TWIN_MOVED = "twin_moved"
    DRIFT = "drift"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Entry:
    exit_code: int
    meaning: str
    remedy: str
    """``{order}`` and ``{ticket}`` stand for those of the finding."""


#: 1 and 2 are the commands' own errors.
ENTRIES: Mapping[Kind, Entry] = {
    Kind.DUPLICATE: Entry(
        10,
        "Willow has more than one ticket that names the order.",
        "See who made the others; close them in Willow, none is touched from here.",
    ),
    Kind.GONE: Entry(
        11,
        "Willow has no ticket any more that was the order's.",
        "Say what holds: `willow-sync resolve {order} --ticket ID | --no-ticket`.",
    ),
    Kind.MISSING: Entry(
        12,
        "The order should have a ticket, and has none.",
        "`willow-sync explain {order}` says why; once that is mended, `willow-sync replay --key {order}` makes it.",
    ),
    Kind.IDENTITY: Entry(
        13,
        "The order's state and the published identities do not say the same.",
        "`willow-sync explain {order}`, then `willow-sync replay --key {order}`, or `resolve` where they name two.",
    ),
    Kind.UNBOUND: Entry(
        14,
        "Willow has a ticket that names the order, and no ticket is the order's.",
        "`willow-sync adopt` binds such tickets.",
    ),
    Kind.EXTRA: Entry(
        15,
        "A ticket has our sourceName, and names no order that is known here.",
        "See who made it; close it in Willow if nobody needs it.",
    ),
    Kind.TWIN_UNKNOWN: Entry(
        16,
        "The order's place has a twin id of which Willow knows no twin.",
        "Correct the twin id of the entity in Mapped, then `willow-sync replay --key {order}`.",
    ),
    Kind.TWIN_MOVED: Entry(
        17,
        "The ticket names another twin than the order's place has now.",
        "`willow-sync replay --key {order} --force` moves it.",
    ),
    Kind.DRIFT: Entry(
        18,
        "The ticket was changed in Willow since we sent it.",
        "Nothing, if that is meant; `willow-sync replay --key {order} --force` overwrites it.",
    ),
    Kind.NOT_SENT: Entry(
        19,
        "A fresh plan wants otherwise than what was sent last: settings or places changed, or the record was refused.",
        "`willow-sync replay --key {order}` sends it; of a record that was refused mend the reason first.",
    ),
}

_REPLAYS: Mapping[Kind, Literal["plain", "force"]] = {
    Kind.TWIN_MOVED: "force",
    Kind.DRIFT: "force",
    Kind.MISSING: "plain",
    Kind.NOT_SENT: "plain",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field. ``wanted`` is what the fold and the settings come to; of a field whose record the input no longer
    holds only the hash of what was sent is known, and ``wanted`` is None."""

    field: str
    wanted: Any
    in_willow: Any
    only_hash: bool = False
    wanted_name: str | None = None
    in_willow_name: str | None = None
    """Of ids in Willow's lists: how people know them."""


@dataclass(frozen=True, slots=True)
class Finding:
    kind: Kind
    order_id: str | None
    ticket_id: str | None
    evidence: str
    """What was found, in words."""
    differences: tuple[Difference, ...] = ()
    site: str | None = None
    """The selected site (Mapped id), where it is known."""
    tickets: tuple[str, ...] = ()
    """Of duplicates all tickets that name the order, oldest first."""

    refused: bool = False
    """Willow or the sink refused the order's newest record: a replay alone would be refused again."""

    @property
    def replay(self) -> Literal["plain", "force"] | None:
        """The replay that puts it right by itself."""
        return None if self.refused else _REPLAYS.get(self.kind)

    @property
    def remedy(self) -> str:
        return ENTRIES[self.kind].remedy.format(order=self.order_id, ticket=self.ticket_id)


def was_refused(last: Mapping[str, Any] | None) -> bool:
    """Whether an order's newest outcome says that its record can't be carried out as it is."""
    code = ((last or {}).get("reason") or {}).get("code")
    return last is not None and (last["outcome"] == OutcomeKind.REJECTED or code == "incomplete_record")


def exit_code(findings: Mapping[Kind, int]) -> int:
    """The worst kind's; 0 without findings."""
    return min((ENTRIES[kind].exit_code for kind, count in findings.items() if count), default=0)


@dataclass(slots=True)
class Totals:
    """What was looked at. ``others``: tickets that are no business of ours; ``hidden``: field → tickets that do not
    show it, so that nobody can tell."""

    orders: int = 0
    tickets: int = 0
    compared: int = 0
    by_hash: int = 0
    """Compared by the hashes of what was sent last, for the input holds no record or its newest asks for no ticket."""
    under_way: int = 0
    """Orders whose newest record is not carried out yet: their fields are not held against Willow."""
    waiting: int = 0
    others: int = 0
    hidden: dict[str, int] = field(default_factory=dict)
    twins: int = 0
    """Twins that the orders' places have."""
    twins_problem: str | None = None
    """Why it is not known whether Willow has them."""
