"""The production client over a transport in memory: its deadline, its token, its repeats and its errors are real."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx
import orjson

from streams.willow import NoAnswer, NotSent, NotSentReason, WillowClient
from streams.willow.answers import Exchange
from streams.willow.transport import Transport
from tests.simulation.clock import current
from tests.simulation.willow import Fate, Request, Said, Way, Willow, encode
from tests.simulation.world import World

_BROKEN = {Way.RESET_BEFORE, Way.RESET_AFTER}
_SILENT = {Way.SILENT_BEFORE, Way.SILENT_AFTER, Way.LATE}
_GATEWAY = {Way.GATEWAY_LATE, Way.GATEWAY_AFTER}

#: Calls that change nothing: a crash around them is a crash between the calls before and after them.
_READS = {"token", "list_statuses", "list_priorities", "list_job_types", "list_categories", "list_services_needed"}


class SimTransport(Transport):
    """Carries requests to Willow and answers back, as the fate of each has it."""

    def __init__(self, world: World, willow: Willow) -> None:
        self._world, self._willow, self._process = world, willow, current()

    async def close(self) -> None:
        return None

    async def perform(self, exchange: Exchange, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> None:
        world, operation = self._world, exchange.call.operation
        request = Request(
            operation,
            _ids(operation.path, exchange.call.path),
            orjson.loads(body) if body and operation.name != "token" else None,
            headers.get("authorization", ""),
            self._process.name,
            world.loop.time(),
        )
        exchange.waits_for = None
        if operation.name not in _READS:
            world.point(f"asks {operation.name}")
        if not self._process.alive:
            await asyncio.Event().wait()
        fate = self._willow.fates(request)
        arrived: asyncio.Future[Said] = world.loop.create_future()
        if fate.way is Way.REFUSED:
            await asyncio.sleep(world.hop())
            raise NotSent(exchange.call, NotSentReason.CONNECTION, "connection refused")
        world.after(world.hop() + fate.seconds, self._arrive, request, fate, arrived)
        status, document = await arrived
        if status == 0:
            raise NoAnswer(exchange.call, "the connection broke")
        self._read(exchange, request, fate, status, document)
        if fate.way is Way.DRIP:
            await asyncio.Event().wait()

    def _arrive(self, request: Request, fate: Fate, arrived: "asyncio.Future[Said]") -> None:
        """In the world: Willow has the request."""
        world = self._world
        if fate.done_later:
            self._willow.under_way += 1
            world.after(fate.later, self._perform_late, request)
        said: Said = (0, None)
        if fate.done_at_once:
            said = self._perform(request)
        if fate.way is Way.STATUS or fate.way in _GATEWAY:
            said = (fate.status or 504, {"title": "from a proxy"})
        elif fate.way in _BROKEN:
            said = (0, None)
        world.note(f"Willow: {request.operation.name} of {request.by}: {fate.way.name} {said[0]}")
        if request.operation.name not in _READS:
            world.point(f"did {request.operation.name}", self._process)
        if fate.way not in _SILENT:
            world.after(world.hop(), self._process.call, _resolve, arrived, said)

    def _perform_late(self, request: Request) -> None:
        self._willow.under_way -= 1
        self._perform(request)

    def _perform(self, request: Request) -> Said:
        said = self._willow.perform(request)
        if request.write is not None and self._world.trace is not None:
            self._world.note(f"Willow: {request.write.ticket_id} takes {dict(request.write.fields)}")
        return said

    def _read(self, exchange: Exchange, request: Request, fate: Fate, status: int, document: Any) -> None:
        raw = encode(document)
        if fate.way in (Way.TRUNCATED, Way.DRIP) and status < 300:
            raw = raw[: len(raw) // 2]
        elif request.write is not None and status < 300:
            request.write.acknowledged = self._world.loop.time()
        exchange.status, exchange.headers = status, fate.headers if fate.way is Way.STATUS else {}
        exchange.body += raw


def client(world: World, willow: Willow, *args: Any, **options: Any) -> WillowClient:
    """The production client in virtual time."""
    return WillowClient(
        *args,
        clock=world.loop.time,
        wall_clock=world.loop.epoch,
        jitter=world.rng.random,
        transport=lambda **_: SimTransport(world, willow),
        **options,
    )


def _ids(template: str, path: str) -> tuple[str, ...]:
    steps = zip(template.split("/"), path.split("/"), strict=True)
    return tuple(unquote(given) for named, given in steps if named.startswith("{"))


def _resolve(future: "asyncio.Future[Said]", said: Said) -> None:
    if not future.done():
        future.set_result(said)
