"""The emulator as a server: ``POST /graphql`` with ``Authorization: token <PAT>``; errors in GraphQL's form."""

import asyncio
import errno
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from ops.emulator.problems import EmulatorError
from ops.mapped.answer import Answerer
from ops.mapped.graph import Graph
from ops.mapped.language import GraphQLFault, parse

DEFAULT_TOKEN = "emulator-token"
PATH = "/graphql"
KEPT_QUERIES = 1000
_STOP_TIMEOUT = 0.2

_STATUSES = {"UNAUTHENTICATED": 401}
"""Kind of error → HTTP status; all others are 400, as Apollo's server answers a query that it can't run."""

Fault = Callable[[str], Awaitable[web.Response | None]]
"""Takes the query; what it returns is answered in the emulator's place."""


async def no_fault(query: str) -> web.Response | None:
    return None


class MappedEmulator:
    """Runs in the caller's event loop. ``queries`` keeps the last thousand that were let in."""

    def __init__(
        self, graph: Graph, *, token: str = DEFAULT_TOKEN, published_only: bool = False, fault: Fault = no_fault
    ) -> None:
        self.queries: deque[str] = deque(maxlen=KEPT_QUERIES)
        self._answerer = Answerer(graph, published_only=published_only)
        self._token = token
        self._fault = fault
        self._runner: web.AppRunner | None = None
        self._origin = ""

    @property
    def url(self) -> str:
        return self._origin + PATH

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Port 0 takes any free one. Raises EmulatorError when the address can't be had."""
        application = web.Application()
        application.router.add_post(PATH, self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_STOP_TIMEOUT)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            await self.stop()
            what = (
                "is taken by another program"
                if error.errno == errno.EADDRINUSE
                else f"can't be had: {error.strerror or error}"
            )
            raise EmulatorError(f"port {port} on {host} {what}", "choose another with --port (0 takes any)") from error
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        self._origin = f"http://{shown}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """A second call does nothing."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        try:
            self._check_token(request.headers.get("Authorization", ""))
            query = _query(await request.read())
            self.queries.append(query)
            replaced = await self._fault(query)
            if replaced is not None:
                return replaced
            # In a thread: a large list would keep others, and the end, waiting.
            data = await asyncio.to_thread(lambda: self._answerer.answer(parse(query)))
        except GraphQLFault as fault:
            return _json(_STATUSES.get(fault.code, 400), {"errors": [fault.document()]})
        return _json(200, {"data": data})

    def _check_token(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "token" or token != self._token:
            found = "another token" if token else "no token"
            raise GraphQLFault(f"Expected the header Authorization: token <PAT>, found {found}.", "UNAUTHENTICATED")


def _query(body: bytes) -> str:
    try:
        document = orjson.loads(body)
    except ValueError:
        document = None
    query = document.get("query") if isinstance(document, dict) else None
    if not isinstance(query, str):
        raise GraphQLFault('Expected a JSON object with the text "query".', "BAD_REQUEST")
    if document.get("variables"):
        raise GraphQLFault("This emulator reads no variables; write literals.", "BAD_REQUEST")
    return query


def _json(status: int, document: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(document), content_type="application/json")
