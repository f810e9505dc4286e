"""The order in which all is read: list after list, of each first the ids, then the rows by id.

Mapped's lists have no pages (2023 schema: only ``filter``). Ids alone are small, so a list of hundreds of
thousands is one answer; one that is too large is divided by ``dateUpdated``. Rows are then asked for a hundred
at a time by id. So every answer is bounded, the total is known before the first row, and a position is small:
the list, the span of time, and the last id that was done.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streams.mapped.answers import Row, Rows
from streams.mapped.client import MappedClient
from streams.mapped.errors import AnswerTooLarge, QueryRefused
from streams.mapped.kinds import ENTITIES, ORDERS, Feed, Kind
from streams.mapped.query import Criteria, Field, Fields, optional_names

IDS_PER_QUERY = 100
"""An order with its people and relations takes up to some 20 KiB: an answer of a hundred stays far below the
client's bound, and the query itself below 4 KiB."""

FLOOR = datetime(2015, 1, 1, tzinfo=UTC)
"""Where a span without a beginning is divided as if it began; what is older is in its first part."""
NARROWEST = timedelta(seconds=1)

_ID = (Field("id"),)


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where all is done: the lists before ``kind``, its spans before ``start``, and of the span from
    ``start`` to ``end`` the ids up to ``after`` (as text is sorted)."""

    kind: str
    start: datetime | None
    end: datetime | None
    after: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted. ``ids`` None: all; ``connector`` and the dates are about orders, never about entities."""

    connector: str | None = None
    ids: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    entities: bool = False
    service_requests: bool = True

    @property
    def kinds(self) -> tuple[Kind, ...]:
        orders = [kind for kind in ORDERS if self.service_requests or kind.exact_type != "ServiceRequest"]
        return (*(ENTITIES if self.entities else ()), *orders)

    def kinds_from(self, position: Position | None) -> tuple[Kind, ...]:
        """Without the lists that are done."""
        names = [kind.name for kind in self.kinds]
        return self.kinds[names.index(position.kind) if position is not None and position.kind in names else 0 :]


@dataclass(frozen=True, slots=True)
class _Span:
    start: datetime | None
    end: datetime | None

    def halves(self, now: datetime) -> "tuple[_Span, _Span] | None":
        first, last = self.start or min(FLOOR, self.end or FLOOR), self.end or now
        if last - first <= NARROWEST:
            return None
        middle = first + (last - first) / 2
        return _Span(self.start, middle), _Span(middle, self.end)


@dataclass(frozen=True, slots=True)
class Listing:
    """Ids still to be read, sorted, of one list in one span of time. ``faulty`` as in ``Rows``."""

    kind: Kind
    start: datetime | None
    end: datetime | None
    ids: tuple[str, ...]
    faulty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """``done`` ids were asked for. ``gone``: those that Mapped had listed and no longer has."""

    rows: tuple[Row, ...]
    faulty: tuple[str, ...]
    gone: int
    done: int
    position: Position


class Walk:
    """``tell`` takes a line for the operator: what Mapped does not know and is left out. ``now`` is an aware
    instant; orders that are changed while this runs are the live stream's."""

    def __init__(
        self, client: MappedClient, selection: Selection, *, now: datetime, tell: Callable[[str], None]
    ) -> None:
        self._client = client
        self._selection = selection
        self._now = now
        self._tell = tell
        self._without: dict[str, frozenset[str]] = {}
        self._unknown: set[str] = set()
        self._divided: set[str] = set()

    def listings(self, kind: Kind, resume: Position | None = None) -> Iterator[Listing]:
        """What is to be read of a list, from ``resume`` on (a position in this list). Raises MappedError."""
        if self._selection.ids is not None and kind.feed is Feed.WORK_ORDERS:
            found = [self._named(kind, part) for part in _parts(self._selection.ids)]
            yield _listing(kind, _Span(None, None), found, resume)
            return
        spans = self._spans(kind, resume)
        while spans:
            span = spans.pop()
            try:
                rows = self._ask(kind, _ID, self._criteria(kind, span))
            except AnswerTooLarge:
                halves = span.halves(self._now)
                if halves is None:
                    raise
                self._say_divided(kind)
                spans += reversed(halves)
                continue
            yield _listing(kind, span, [rows], resume)

    def batches(self, listing: Listing) -> Iterator[Batch]:
        """The rows of a listing, a hundred at a time. Raises MappedError."""
        for ids in _parts(listing.ids):
            found = self._whole(listing.kind, ids)
            position = Position(listing.kind.name, listing.start, listing.end, ids[-1])
            gone = len(ids) - len(found.rows) - len(found.faulty)
            yield Batch(found.rows, found.faulty, max(0, gone), len(ids), position)

    def missing(self) -> tuple[str, ...]:
        """Of the ids asked for, those that are in no list of orders: not there, or hidden from the token."""
        found: set[str] = set()
        for kind in self._selection.kinds:
            if kind.feed is Feed.WORK_ORDERS:
                for ids in _parts(self._selection.ids or ()):
                    found.update(_ids(self._named(kind, ids)))
        return tuple(identifier for identifier in self._selection.ids or () if identifier not in found)

    def _spans(self, kind: Kind, resume: Position | None) -> list[_Span]:
        """Oldest last, where ``pop`` takes it."""
        orders = kind.feed is Feed.WORK_ORDERS
        whole = _Span(self._selection.since, self._selection.until) if orders else _Span(None, None)
        if resume is None:
            return [whole]
        rest = [] if resume.end == whole.end else [_Span(resume.end, whole.end)]
        return [*rest, _Span(resume.start, resume.end)]

    def _criteria(self, kind: Kind, span: _Span) -> Criteria:
        connector = self._selection.connector if kind.feed is Feed.WORK_ORDERS else None
        return Criteria(connector, None, span.start, span.end)

    def _named(self, kind: Kind, ids: tuple[str, ...]) -> Rows:
        selection = self._selection
        return self._ask(kind, _ID, Criteria(selection.connector, ids, selection.since, selection.until))

    def _whole(self, kind: Kind, ids: tuple[str, ...]) -> Rows:
        try:
            return self._ask(kind, kind.fields, Criteria(ids=ids))
        except AnswerTooLarge:
            if len(ids) == 1:
                raise
        middle = len(ids) // 2
        first, second = self._whole(kind, ids[:middle]), self._whole(kind, ids[middle:])
        return Rows(first.rows + second.rows, first.faulty + second.faulty)

    def _ask(self, kind: Kind, fields: Fields, criteria: Criteria) -> Rows:
        while kind.name not in self._unknown:
            without = self._without.get(kind.name, frozenset())
            try:
                return self._client.rows(kind.name, fields, criteria, without)
            except QueryRefused as error:
                if not self._leave_out(kind, fields, without, error):
                    raise
        return Rows(())

    def _say_divided(self, kind: Kind) -> None:
        if kind.name not in self._divided:
            self._divided.add(kind.name)
            self._tell(
                f"{kind.name} are too many for one answer: divided by dateUpdated (rows without one are not found)"
            )

    def _leave_out(self, kind: Kind, fields: Fields, without: frozenset[str], error: QueryRefused) -> bool:
        """Whether the refusal names something that may be left out; it then is, from now on."""
        # Servers word it differently (Cannot query field "x" …, Field 'x' in type …); all of them quote the name.
        named = {name for message in error.messages for name in re.findall(r"[\"'`](\w+)[\"'`]", message)}
        if kind.optional and kind.name in named:
            self._unknown.add(kind.name)
            self._tell(f"Mapped knows no list {kind.name}: none are read")
            return True
        names = (named & set(optional_names(fields))) - without
        if names:
            self._without[kind.name] = without | names
            self._tell(f"Mapped does not know {', '.join(sorted(names))} of {kind.name}: left out")
        return bool(names)


def _parts(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(ids), IDS_PER_QUERY):
        yield tuple(ids[first : first + IDS_PER_QUERY])


def _ids(found: Rows) -> Iterator[str]:
    return (str(row["id"]) for row in found.rows if row.get("id"))


def _listing(kind: Kind, span: _Span, found: Sequence[Rows], resume: Position | None) -> Listing:
    # In a span that was divided otherwise than before, the last id says nothing of the ids before it.
    same = resume is not None and (span.start, span.end) == (resume.start, resume.end)
    after = resume.after if resume is not None and same else ""
    ids = sorted({identifier for rows in found for identifier in _ids(rows) if identifier > after})
    return Listing(kind, span.start, span.end, tuple(ids), tuple(words for rows in found for words in rows.faulty))
