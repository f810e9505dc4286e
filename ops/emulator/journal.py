"""What the emulator was asked: one entry per API request, in the order of the answers; and one more for each
write that was carried out after its request had ended.

Memory holds the newest entries (bounded by count and bytes); a file, when given, holds them all, one JSON
object a line, written as each request ends.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from ops.emulator.problems import EmulatorError

MAX_ENTRIES = 50_000
MAX_BYTES = 64 << 20


@dataclass(slots=True)
class Entry:
    """One request. ``request`` counts arrivals, the journal's ``seq`` counts answers: a reader that asks for
    "since N" would miss a slow request if N counted arrivals. ``status`` stays None if there was no
    answer."""

    request: int
    connection: int
    method: str
    path: str
    arrived_at: str
    arrived_monotonic: float
    call_on_connection: int = 1
    """1 for the connection's first request; more on a reused one."""
    operation: str | None = None
    ticket_id: str | None = None
    external_id: str | None = None
    revision: int | None = None
    """Which revision of the ticket this request made (0 is the create)."""
    body: Any = None
    """The request's JSON; text where it is no JSON; None for the token call, whose body is a secret."""
    request_bytes: int = 0
    status: int | None = None
    response_bytes: int = 0
    client_gone: bool = False
    """The connection was lost before the answer was written: the client never heard it."""
    answered_at: str | None = None
    answered_monotonic: float | None = None
    faults: Sequence[Mapping[str, str]] = ()
    """What was applied on purpose: ``rule`` and ``kind`` of each."""
    committed: bool = False
    """The write was carried out: the ticket has the revision, whatever the client was told."""
    committed_at: str | None = None
    committed_monotonic: float | None = None
    commit_due_monotonic: float | None = None
    """When a late write is to be carried out; a later ``commit`` entry of this request says whether it was."""
    acknowledged: bool = False
    """Willow's own answer to a committed write was written whole, to a client that was still there."""

    def commit(self, at: str, monotonic: float) -> None:
        self.committed, self.committed_at, self.committed_monotonic = True, at, monotonic


class Event(StrEnum):
    """What an entry of the journal tells."""

    REQUEST = "request"
    COMMIT = "commit"
    """The fate of a late write whose request has its entry already; its other fields repeat the request's."""


class Journal:
    def __init__(self, file: Path | None = None, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        """Raises EmulatorError if ``file`` holds something already or can't be written."""
        self._lines: deque[bytes] = deque()
        self._held_bytes = 0
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self.last = 0
        self.counts: Counter[tuple[str, int | None]] = Counter()
        self._file = _open(file) if file is not None else None

    @property
    def first(self) -> int:
        """The oldest ``seq`` in memory (``last + 1`` when there is none)."""
        return self.last - len(self._lines) + 1

    def append(self, entry: Entry, event: Event = Event.REQUEST) -> None:
        self.last += 1
        if event is Event.REQUEST:
            self.counts[entry.operation or "unknown", entry.status] += 1
        line = _line(self.last, event, entry)
        if self._file is not None:
            _write_all(self._file, line)
        self._lines.append(line)
        self._held_bytes += len(line)
        while len(self._lines) > self._max_entries or self._held_bytes > self._max_bytes:
            self._held_bytes -= len(self._lines.popleft())

    def since(self, seq: int) -> list[bytes]:
        """The lines after ``seq``, each with its line feed. Raises LookupError when some of them are no
        longer in memory: a judge must not take a part for the whole."""
        if seq + 1 < self.first:
            raise LookupError(f"entries {seq + 1} to {self.first - 1} are no longer in memory")
        return list(islice(self._lines, seq + 1 - self.first, None))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(seq: int, event: Event, entry: Entry) -> bytes:
    return orjson.dumps(
        {
            "seq": seq,
            "event": event.value,
            "request": entry.request,
            "connection": entry.connection,
            "callOnConnection": entry.call_on_connection,
            "arrivedAt": entry.arrived_at,
            "arrivedMonotonic": entry.arrived_monotonic,
            "answeredAt": entry.answered_at,
            "answeredMonotonic": entry.answered_monotonic,
            "method": entry.method,
            "path": entry.path,
            "operation": entry.operation,
            "ticketId": entry.ticket_id,
            "externalId": entry.external_id,
            "revision": entry.revision,
            "status": entry.status,
            "requestBytes": entry.request_bytes,
            "responseBytes": entry.response_bytes,
            "clientGone": entry.client_gone,
            "faults": entry.faults,
            "committed": entry.committed,
            "committedAt": entry.committed_at,
            "committedMonotonic": entry.committed_monotonic,
            "commitDueMonotonic": entry.commit_due_monotonic,
            "acknowledged": entry.acknowledged,
            "body": entry.body,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _open(file: Path) -> FileIO:
    remedy = "name another file with --journal, or move this one away"
    try:
        # Two runs in one file would share sequence numbers: a judge would mix up their tickets.
        if file.exists() and file.stat().st_size > 0:
            raise EmulatorError(f"the journal file {file} is not empty; expected a new file", remedy)
        return FileIO(file, "wb")
    except OSError as error:
        raise EmulatorError(f"can't write the journal file {file}: {error.strerror}", remedy) from error


def _write_all(file: FileIO, line: bytes) -> None:
    written = file.write(line)
    # A full disk takes a part of the line and says so only here; the next line would then be unreadable too.
    while written < len(line):
        line = line[written:]
        written = file.write(line)
