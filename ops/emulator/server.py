"""The emulator as a server: reads requests, keeps the journal, lets the behaviour decide, writes answers.

aiohttp's low-level server and an own dispatch table: a router with middlewares costs more than the
operations, and the emulator shares two cores with what it measures.
"""

import asyncio
import contextlib
import errno
import secrets
from collections.abc import Awaitable, Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from ops.emulator.behaviour import Behaviour, Call
from ops.emulator.clock import Clock
from ops.emulator.control import Observatory
from ops.emulator.door import Door
from ops.emulator.faults.behaviour import Faults
from ops.emulator.fields import Known
from ops.emulator.journal import Entry, Journal
from ops.emulator.lists import Lists, built_in_lists
from ops.emulator.operations import BASE, OPERATIONS, Operation
from ops.emulator.performing import LateWrites, Performing
from ops.emulator.problems import Answer, EmulatorError, Refusal
from ops.emulator.routes import Routes
from ops.emulator.shapes import ReadShape, Shapes, handles
from ops.emulator.stores import stores_of
from ops.emulator.tickets import TicketStore
from ops.emulator.tokens import Tokens
from ops.emulator.twins import Twins
from ops.emulator.wire import deliver, has_left
from ops.emulator.world import World
from ops.emulator.world_file import WorldFile
from streams.willow.operation import Body

DEFAULT_CLIENT_ID = "emulator-client"
DEFAULT_CLIENT_SECRET = "emulator-secret"
TOKEN_LIFETIME = 3599
"""Seconds; the figure of Willow's own sample (facts §1)."""

_STOP_TIMEOUT = 0.2
"""aiohttp waits for it twice; an emulator that is told to stop must be gone within a second."""
_CLIENT_CLOSED_REQUEST = 499


Handle = Callable[[web.BaseRequest, int, int], Awaitable[web.StreamResponse]]
"""Takes the request, the connection's number, and how many requests it had before, this one included."""


class _Server(web.Server):
    """Numbers connections, so that the journal shows which requests shared one."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(self._numbered, access_log=None)
        self._handle = handle
        self._numbers: dict[RequestHandler, tuple[int, count[int]]] = {}
        self._next = count(1)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._numbers[handler] = next(self._next), count(1)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._numbers.pop(handler, None)

    async def _numbered(self, request: web.BaseRequest) -> web.StreamResponse:
        number, calls = self._numbers.get(request.protocol) or (0, count(1))
        return await self._handle(request, number, next(calls))


class Emulator:
    """``page_base``: 0 or 1. ``filter_support`` False: filters are ignored. ``token_lifetime`` in seconds.
    ``twins``: the known twin ids; None knows any, or those of ``world`` where there is one. ``world``: what there is
    from the start. ``journal``: an NDJSON file that gets every request.
    ``behaviour`` answers the calls that no rule of ``faults`` spoils; one that is a ``Faults`` is taken as these.

    Raises EmulatorError when the journal can't be written, or the world does not hold together."""

    def __init__(
        self,
        *,
        page_base: int = 1,
        filter_support: bool = True,
        read_shape: ReadShape = ReadShape.NEW,
        token_lifetime: float = TOKEN_LIFETIME,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
        twins: Iterable[str] | None = None,
        lists: Lists | None = None,
        world: WorldFile | None = None,
        journal: Path | None = None,
        behaviour: Behaviour | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        if page_base not in (0, 1):
            raise ValueError(f"page_base is 0 or 1, got {page_base}")
        clock = clock or Clock()
        self.lists = lists or built_in_lists()
        self.twins = Twins(() if twins is None and world is not None else twins)
        self.tickets = TicketStore(clock, new_id)
        self.journal = Journal(journal)
        self.faults = behaviour if isinstance(behaviour, Faults) else Faults(clock=clock, otherwise=behaviour)
        """Their rules may be replaced at any time, in the emulator's event loop."""
        self._late = LateWrites(self.journal, clock.monotonic)
        self._clock = clock
        stores = stores_of(world or WorldFile(), self.twins, clock, new_id)
        self._world = World(
            clock=clock,
            tickets=self.tickets,
            lists=self.lists,
            twins=self.twins,
            tokens=Tokens(client_id, client_secret, token_lifetime, clock, secrets.token_urlsafe),
            shapes=Shapes(read_shape, self.lists, stores.graph),
            known=Known(self.twins, handles(read_shape, self.lists)),
            stores=stores,
            new_id=new_id,
            page_base=page_base,
            filter_support=filter_support,
        )
        self._routes: Routes[Operation] = Routes((row.method, BASE + row.path, row) for row in OPERATIONS)
        self._observatory = Observatory(self._world, self.journal, self.faults)
        self._runner: web.ServerRunner | None = None
        self._outages: asyncio.Task[None] | None = None
        self._requests = 0
        self._origin = ""

    @property
    def base_url(self) -> str:
        """Willow's base, ``http://host:port/api/v3``."""
        return self._origin + BASE

    @property
    def page_url(self) -> str:
        return self._origin + "/"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Port 0 takes any free one. Raises EmulatorError when the address can't be had."""
        self._runner = web.ServerRunner(_Server(self._handle), shutdown_timeout=_STOP_TIMEOUT)
        await self._runner.setup()
        door = Door(self._runner, host, port)
        try:
            port = await door.open()
        except OSError as error:
            await self.stop()
            raise _not_started(host, port, error) from error
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        self._origin = f"http://{shown}:{port}"
        self._outages = asyncio.create_task(self._keep(door))

    async def stop(self) -> None:
        """Ends open requests within half a second and closes the journal. A second call does nothing."""
        if self._outages is not None:
            outages, self._outages = self._outages, None
            outages.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await outages
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
            # A cancelled request still has its entry to write; the file must not be closed before.
            for _ in range(3):
                await asyncio.sleep(0)
        self._late.stop()
        self.journal.close()

    async def _keep(self, door: Door) -> None:
        """Shuts and opens the door as the rules have it."""
        try:
            while True:
                shut, seconds = self.faults.refused()
                await (door.shut() if shut else door.open())
                await self.faults.changed(seconds)
        finally:
            door.close()

    async def _handle(self, request: web.BaseRequest, connection: int, calls: int) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0]
        if not path.startswith(BASE + "/"):
            answer = await self._observatory.answer(request, path)
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        self._requests += 1
        self._observatory.in_flight += 1
        entry = Entry(
            request=self._requests,
            connection=connection,
            call_on_connection=calls,
            method=request.method,
            path=request.raw_path,
            arrived_at=self._clock.instant(),
            arrived_monotonic=self._clock.monotonic(),
        )
        try:
            answer, own = await self._answer(request, path, entry)
            sent = await deliver(request, answer)
            entry.status, entry.response_bytes, entry.client_gone = sent.status, sent.size, sent.client_gone
            entry.acknowledged = entry.committed and own and sent.whole
        finally:
            entry.answered_at, entry.answered_monotonic = self._clock.instant(), self._clock.monotonic()
            self._observatory.in_flight -= 1
            self.journal.append(entry)
        return sent.response

    async def _answer(self, request: web.BaseRequest, path: str, entry: Entry) -> tuple[Answer, bool]:
        """The answer, and whether its body is what Willow itself says of the operation."""

        def refuse(refusal: Refusal) -> Answer:
            return refusal.answer(path, f"request-{entry.request}")

        try:
            operation, parameters = self._routes.find(request.method, path)
            entry.operation = operation.name
            body = await _read(request)
        except Refusal as refusal:
            return refuse(refusal), True
        except ConnectionError:
            return Answer(_CLIENT_CLOSED_REQUEST, b"", {}), True
        call = self._call(request, operation, parameters, body, entry)
        performing = Performing(self._world, operation, call, refuse, self._late)
        answer = await self.faults(call, performing)
        told = performing.told
        return answer, told is not None and (answer.status, answer.body) == (told.status, told.body)

    def _call(
        self,
        request: web.BaseRequest,
        operation: Operation,
        parameters: dict[str, str],
        body: bytes,
        entry: Entry,
    ) -> Call:
        document, malformed = _document(operation, body)
        entry.request_bytes = len(body)
        if operation.body is not Body.FORM:
            entry.body = _kept(body, document, malformed)
        if "ticketId" in parameters:
            entry.ticket_id = parameters["ticketId"]
            ticket = self.tickets.get(parameters["ticketId"].lower())
            entry.external_id = ticket.external_id if ticket else None
        elif isinstance(document, dict) and isinstance(document.get("externalId"), str):
            entry.external_id = document["externalId"]
        return Call(
            operation=operation.name,
            parameters=parameters,
            content_type=request.headers.get("Content-Type", ""),
            authorization=request.headers.get("Authorization", ""),
            body=body,
            document=document,
            malformed=malformed,
            entry=entry,
            gone=lambda: has_left(request),
        )


def _document(operation: Operation, body: bytes) -> tuple[Any, str | None]:
    if operation.body is not Body.JSON or not body:
        return None, None
    try:
        return orjson.loads(body), None
    except ValueError as error:
        return None, str(error)


def _kept(body: bytes, document: Any, malformed: str | None) -> Any:
    if malformed is not None:
        return body.decode("utf-8", "replace")
    if document is None:
        return None
    # As it came, which is cheaper; but a line feed in it would break the journal's one line an entry.
    return orjson.Fragment(body) if body and b"\n" not in body and b"\r" not in body else document


async def _read(request: web.BaseRequest) -> bytes:
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        # aiohttp's own bound of 1 MiB; a ticket is a few KiB.
        raise Refusal(413, "the body is larger than 1 MiB") from error


def _not_started(host: str, port: int, error: OSError) -> EmulatorError:
    if error.errno == errno.EADDRINUSE:
        return EmulatorError(
            f"port {port} on {host} is taken by another program",
            "choose another with --port (0 takes any free one), or stop what listens there",
        )
    return EmulatorError(f"can't listen on {host}:{port}: {error.strerror or error}", "choose another --host or --port")
