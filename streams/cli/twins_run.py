"""One run of `twins pull`: page after page, each acknowledged before its place is written down."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from schemas.entity import Entity
from streams.checkpoint import CheckpointFile
from streams.cli.common import Advance, CliError, progress
from streams.cli.sending import Refused, Sender
from streams.planning.decode import decode_entity
from streams.planning.places import EntityNode
from streams.pulling import Pulled, Walk
from streams.settings import InputFormat, Settings
from streams.tables.twins import TwinTable
from streams.willow import Invalid
from streams.words import counted

_AGAIN = "run the same command again: it goes on where this one stopped"
_EXAMPLES = 20


@dataclass(slots=True)
class Tally:
    """``written``: records by kind, those of the run that this one goes on included. Of what is told with examples
    there are ``_EXAMPLES``, and the count."""

    read: int = 0
    written: Counter[str] = field(default_factory=Counter)
    unchanged: int = 0
    nameless_count: int = 0
    unplaced_count: int = 0
    doubled_count: int = 0
    nameless: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    doubled: list[tuple[str, str]] = field(default_factory=list)

    def add(self, page: Pulled) -> None:
        self.read += page.read
        self.nameless_count += len(page.nameless)
        self.unplaced_count += len(page.unplaced)
        self.doubled_count += len(page.doubled)
        self.nameless += page.nameless[: _EXAMPLES - len(self.nameless)]
        self.unplaced += page.unplaced[: _EXAMPLES - len(self.unplaced)]
        self.doubled += page.doubled[: _EXAMPLES - len(self.doubled)]


class Run:
    """Call it once. ``present``: what the entity topic holds."""

    def __init__(self, settings: Settings, present: TwinTable, *, dry_run: bool, rewrite: bool) -> None:
        self._topic = settings.topics.entities
        self._present = present
        self._dry_run, self._rewrite = dry_run, rewrite
        self._file = CheckpointFile(Path(settings.data_dir), "twins-pull", identity_of(settings, rewrite=rewrite))
        self._sender = Sender(settings, again=_AGAIN)
        self._unsent: list[str] = []
        self._tally = Tally()

    @property
    def written(self) -> int:
        return self._tally.written.total()

    async def __call__(self, walk: Walk, *, restart: bool) -> Tally:
        """Raises WillowError, NoModels, CheckpointError, CliError; what was acknowledged is written down by then."""
        token = None if self._dry_run else self._resumed(restart=restart)
        with progress(await walk.start(), "twins", unit="twin") as advance:
            async for page in walk.places():
                # Of an interrupted run they are acknowledged: its place was written down after them.
                await self._page(page, advance, write=token is None)
            await self._things(walk, token, advance)
        if not self._dry_run:
            self._file.remove()
        return self._tally

    def _resumed(self, *, restart: bool) -> str | None:
        if restart:
            self._file.remove()
        kept = self._file.read(_kept)
        if kept is None:
            return None
        token, self._tally.written = kept
        click.echo(f"going on after {counted(self.written, 'record')} ({self._file.path})", err=True)
        return token

    async def _things(self, walk: Walk, token: str | None, advance: Advance) -> None:
        try:
            await self._pages(walk.things(token), advance)
        except Invalid as error:
            if token is None:
                raise
            # How long a token is good for is not documented; a record that is written twice does no harm.
            click.echo(f"Willow no longer knows where the last run stopped: all things again ({error})", err=True)
            await self._pages(walk.things(None), advance)

    async def _pages(self, pages: AsyncIterator[Pulled], advance: Advance) -> None:
        async for page in pages:
            await self._page(page, advance)
            if page.token is not None and not self._dry_run:
                self._file.write({"token": page.token, "written": dict(self._tally.written)})

    async def _page(self, page: Pulled, advance: Advance, *, write: bool = True) -> None:
        self._tally.add(page)
        for kind, entity in page.entities if write else ():
            value = entity.to_json()
            if not self._rewrite and self._is_there(entity, value):
                self._tally.unchanged += 1
                continue
            if not self._dry_run:
                self._send(entity, value)
            self._tally.written[kind.value] += 1
        if not self._dry_run:
            await asyncio.to_thread(self._sender.flush)
        if self._unsent:
            raise CliError(f"not delivered: {self._unsent[0]}", f"See the broker's log, then {_AGAIN}.")
        advance(page.read)

    def _is_there(self, entity: Entity, value: bytes) -> bool:
        """Whether the twin table would be the same with this record: kind, name, place and twin."""
        node = decode_entity(entity.id.encode(), value, (), InputFormat.FLAT)
        return isinstance(node, EntityNode) and self._present.get(entity.id) == node

    def _send(self, entity: Entity, value: bytes) -> None:
        try:
            self._sender.send(
                self._topic,
                entity.id.encode(),
                value,
                (),
                acknowledged=lambda: None,
                failed=self._unsent.append,
            )
        except Refused as error:
            self._unsent.append(f"{entity.id}: {error}")


def identity_of(settings: Settings, *, rewrite: bool) -> dict[str, Any]:
    """What makes a pull another one than the last: where from, where to, and what."""
    return {
        "willow": settings.willow.base_url,
        "kafka": settings.kafka.bootstrap_servers,
        "topic": settings.topics.entities,
        "rewrite": rewrite,
    }


def _kept(found: Mapping[str, Any]) -> tuple[str, Counter[str]]:
    return str(found["token"]), Counter({str(kind): int(count) for kind, count in found["written"].items()})
