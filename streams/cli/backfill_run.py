"""One run of `backfill`: listing after listing, each batch acknowledged before its place is written down."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click

from streams.cli.common import Advance, CliError, Interrupted, progress
from streams.cli.sending import Refused, Sender, must_take_flat
from streams.mapped import Batch, Checkpoint, Feed, Kind, Pace, Progress, Selection, Walk
from streams.mapped.records import BadRow, to_record
from streams.settings import Settings
from streams.words import counted

SHOWN_PROBLEMS = 20

_AGAIN = "run the same command again: it goes on where this one stopped"


@dataclass(slots=True)
class Tally:
    """``gone``: listed, and no longer there when the rows were asked for."""

    problems: int = 0
    gone: int = 0

    def problem(self, text: str) -> None:
        self.problems += 1
        if self.problems <= SHOWN_PROBLEMS:
            click.echo(text, err=True)

    def problems_of(self, faulty: Iterable[str]) -> None:
        for words in faulty:
            self.problem(f"{words} (Mapped could not give this row)")


def topic_of(settings: Settings, feed: Feed) -> str:
    return {Feed.WORK_ORDERS: settings.topics.work_orders, Feed.ENTITIES: settings.topics.entities}[feed]


def check_topics(settings: Settings, selection: Selection) -> None:
    """The topics are there, and take the form that is written. Raises CliError, or BrokerUnreachable."""
    for feed in dict.fromkeys(kind.feed for kind in selection.kinds):
        must_take_flat(settings, _SETTINGS[feed], "backfill")


_SETTINGS: dict[Feed, Literal["work_orders", "entities"]] = {
    Feed.WORK_ORDERS: "work_orders",
    Feed.ENTITIES: "entities",
}


def identity_of(settings: Settings, selection: Selection) -> dict[str, Any]:
    """What makes a backfill another one than the last: what is wanted, from where, and where it goes."""

    def instant(value: datetime | None) -> str | None:
        return None if value is None else value.isoformat()

    ids = None if selection.ids is None else hashlib.sha256("\n".join(selection.ids).encode()).hexdigest()
    return {
        "url": settings.mapped.url,
        "connector": selection.connector,
        "ids": ids,
        "since": instant(selection.since),
        "until": instant(selection.until),
        "lists": [kind.name for kind in selection.kinds],
        "kafka": settings.kafka.bootstrap_servers,
        "topics": [settings.topics.work_orders, settings.topics.entities],
    }


class Run:
    """Call it once. ``records_per_second`` None: as fast as it goes."""

    def __init__(
        self, settings: Settings, walk: Walk, selection: Selection, tally: Tally, records_per_second: float | None
    ) -> None:
        self._settings = settings
        self._walk = walk
        self._selection = selection
        self._tally = tally
        self._checkpoint = Checkpoint(Path(settings.data_dir), identity_of(settings, selection))
        self._pace = Pace(records_per_second, clock=time.monotonic, sleep=time.sleep)
        self._sender = Sender(settings, again=_AGAIN)
        self._unsent: list[str] = []

    def __call__(self, *, restart: bool) -> dict[str, int]:
        """Records written by list, those of the run that this one goes on included.

        Raises MappedError, CheckpointError, CliError; all that was acknowledged is written down by then."""
        if restart:
            self._checkpoint.remove()
        done = self._checkpoint.read() or Progress()
        if done.position is not None:
            written = counted(sum(done.written.values()), "record")
            click.echo(f"going on after {written} ({self._checkpoint.file})", err=True)
        try:
            for kind in self._selection.kinds_from(done.position):
                self._list(kind, done)
        except KeyboardInterrupt:
            total = sum(done.written.values())
            raise Interrupted(f"interrupted after {counted(total, 'record')}", _AGAIN.capitalize() + ".") from None
        self._checkpoint.remove()
        return {kind.name: done.written.get(kind.name, 0) for kind in self._selection.kinds}

    def _list(self, kind: Kind, done: Progress) -> None:
        resume = done.position if done.position is not None and done.position.kind == kind.name else None
        for listing in self._walk.listings(kind, resume):
            self._tally.problems_of(listing.faulty)
            if listing.ids:
                with progress(len(listing.ids), kind.name) as advance:
                    for batch in self._walk.batches(listing):
                        self._batch(kind, batch, done, advance)

    def _batch(self, kind: Kind, batch: Batch, done: Progress, advance: Advance) -> None:
        before = self._sender.sent
        self._tally.problems_of(batch.faulty)
        self._tally.gone += batch.gone
        for row in batch.rows:
            self._send(kind, row)
        self._sender.flush()
        if self._unsent:
            raise CliError(f"not delivered: {self._unsent[0]}", f"See the broker's log, then {_AGAIN}.")
        done.written[kind.name] = done.written.get(kind.name, 0) + self._sender.sent - before
        done.position = batch.position
        self._checkpoint.write(done)
        advance(batch.done)

    def _send(self, kind: Kind, row: Any) -> None:
        try:
            record = to_record(kind, row)
            self._pace.wait()
            self._sender.send(
                topic_of(self._settings, kind.feed),
                record.key.encode(),
                record.value,
                (),
                acknowledged=lambda: None,
                failed=self._unsent.append,
            )
        except BadRow as error:
            self._tally.problem(str(error))
        except Refused as error:
            self._tally.problem(f"{kind.name} {row.get('id')}: refused: {error}")
