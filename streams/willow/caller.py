"""One call, from a row of the operations table to a whole answer: bearer, slot, deadline, the 401 once,
repeats."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import httpx

from streams.willow.answers import MASK, Answer, Exchange, refusal
from streams.willow.content import NO_CONTENT, Content, encode
from streams.willow.downloads import Download
from streams.willow.errors import Call, NoAnswer, NotSent, NotSentReason, TokenRefused, WillowError
from streams.willow.operation import Group, Operation
from streams.willow.operations import OPERATIONS, TOKEN
from streams.willow.rate import LIMITS, WindowLimit
from streams.willow.retries import Retries
from streams.willow.token import TokenSource
from streams.willow.transport import Transport, close, read_body

T = TypeVar("T")


class Observer(Protocol):
    """Told of each request: the operation's name, the status (None: no answer), seconds on the wire."""

    def __call__(self, operation: str, status: int | None, seconds: float, /) -> None: ...


def unobserved(operation: str, status: int | None, seconds: float, /) -> None:
    """The observer of those who measure nothing."""


class Gate(Protocol):
    """Asked before each request on tickets that the user of the client can't see coming: the pages of a list, their
    repeats, and the repeat after a 401. It may wait; False: the request is not sent."""

    async def __call__(self) -> bool: ...


async def open_gate() -> bool:
    """The gate of those who bound nothing."""
    return True


@dataclass(frozen=True, slots=True)
class Credentials:
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"Credentials(client_id={self.client_id!r}, client_secret='{MASK}')"

    def form(self) -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }


class Caller:
    """Makes calls over one transport; ``timeout`` in seconds is the deadline over each whole call.

    A repeated read has the deadline anew for each attempt (``retries.ATTEMPTS`` bounds them)."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        transport: Transport,
        *,
        timeout: float,
        max_in_flight: int,
        retries: Retries,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        observe: Observer,
        gate: Gate = open_gate,
    ) -> None:
        self._base_url = base_url
        self._credentials = credentials
        self._transport = transport
        self._timeout = timeout
        self._retries = retries
        self._clock = clock
        self._wall_clock = wall_clock
        self._observe = observe
        self._gate = gate
        # Our own queue before aiohttp's: who is still in it when the deadline strikes was provably not sent.
        self._slots = asyncio.Semaphore(max_in_flight)
        self._limits = {
            group: WindowLimit(calls, seconds, clock=clock, sleep=retries.sleep)
            for group, (calls, seconds) in LIMITS.items()
        }
        # Parsing an address costs httpx 17 µs of the 250 that a whole call takes.
        self._fixed_urls = {
            row.path: httpx.URL(base_url + row.path) for row in OPERATIONS.values() if "{" not in row.path
        }
        process = f"ws-{uuid.uuid4().hex[:12]}"
        self._request_ids = (f"{process}-{number}" for number in itertools.count(1))
        self.tokens = TokenSource(self._fetch_token, clock)

    async def call(
        self, operation: Operation[Any], read: Callable[[Answer], T], body: Any = None, query: str = "", **ids: str
    ) -> T:
        """``read`` makes a value of a 2xx and raises NoAnswer where it can't. Raises WillowError.

        ``body`` is JSON values, a form's fields, or ``Content`` where the operation carries files; ``query`` is
        encoded already."""
        path = operation.url_path(**ids)
        content = encode(operation.body, body)

        async def attempt() -> T:
            if operation.rate_group:
                await self._limits[operation.rate_group].wait()
            exchange = Exchange(self._call(operation, path, query))
            if operation.repeatable:
                await self._pass_gate(exchange)
            return read(await self._within_deadline(exchange, content))

        return await (self._retries.run(attempt) if operation.repeatable else attempt())

    @asynccontextmanager
    async def stream(self, operation: Operation[Any], **ids: str) -> AsyncIterator[Download]:
        """The answer's headers, and its body as it arrives. The deadline bounds the wait for the headers, and then
        for each piece. Not repeated: a piece that was handed on can't be taken back. Raises WillowError."""
        exchange = Exchange(self._call(operation, operation.url_path(**ids)))
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._timeout):
                    response = await self._opened(exchange, stack)
            except TimeoutError:
                if exchange.status is not None and exchange.status >= 300:
                    self._finish(exchange)
                raise self._late(exchange) from None
            try:
                yield Download(exchange, response, self._timeout)
            finally:
                await close(response)

    async def _opened(self, exchange: Exchange, stack: AsyncExitStack) -> httpx.Response:
        """A 2xx whose body is still to be read; its slot is held until the stack ends. Raises Refused."""
        await self._authorise(exchange)
        exchange.waits_for = NotSentReason.BUSY
        await stack.enter_async_context(self._slots)
        response = await self._sent(exchange)
        if response.status_code == 401:
            await close(response)
            self.tokens.discard(exchange.bearer)
            exchange.again()
            await self._authorise(exchange)
            await self._pass_gate(exchange)
            response = await self._sent(exchange)
        if response.status_code >= 300:
            await read_body(exchange, response)
            self._finish(exchange)
        return response

    async def _sent(self, exchange: Exchange) -> httpx.Response:
        started = self._clock()
        try:
            return await self._transport.open(exchange, self._url(exchange.call), self._headers(exchange, NO_CONTENT))
        finally:
            self._observe(exchange.call.operation.name, exchange.status, self._clock() - started)

    async def token(self, read: Callable[[Answer], T]) -> T:
        """One token call, whose answer is not kept here."""
        return await self.call(TOKEN, read, self._credentials.form())

    async def _fetch_token(self) -> Answer:
        return await self.token(_whole)

    def _call(self, operation: Operation[Any], path: str, query: str = "") -> Call:
        return Call(operation, path, next(self._request_ids), query)

    async def _within_deadline(self, exchange: Exchange, content: Content) -> Answer:
        try:
            # Neither httpx nor aiohttp bounds a whole call: a dripping body outlives their time-outs.
            async with asyncio.timeout(self._timeout):
                # The token's own call takes no slot: those who hold one may be waiting for this very token.
                if exchange.call.operation is TOKEN:
                    await self._perform(exchange, content)
                else:
                    await self._with_bearer(exchange, content)
        except TimeoutError:
            # A refusal whose body drips is a refusal all the same: its status is known.
            if exchange.status is None or exchange.status < 300:
                raise self._late(exchange) from None
        return self._finish(exchange)

    def _finish(self, exchange: Exchange) -> Answer:
        status = exchange.status or 0
        if 200 <= status < 300:
            return Answer(exchange.call, status, bytes(exchange.body), exchange.request_id)
        secrets = [text for text in (exchange.bearer, self._credentials.client_secret) if text]

        def scrub(text: str) -> str:
            for secret in secrets:
                text = text.replace(secret, MASK)
            return text

        raise refusal(exchange, status, now=self._wall_clock(), scrub=scrub)

    async def _with_bearer(self, exchange: Exchange, content: Content) -> None:
        await self._authorise(exchange)
        await self._in_slot(exchange, content)
        if exchange.status == 401:
            # The token may have been revoked before its time. Once: a second 401 is no question of age.
            self.tokens.discard(exchange.bearer)
            exchange.again()
            await self._authorise(exchange)
            await self._pass_gate(exchange)
            await self._in_slot(exchange, content)

    async def _pass_gate(self, exchange: Exchange) -> None:
        call = exchange.call
        if call.operation.group is not Group.TICKETS:
            return
        exchange.waits_for = NotSentReason.HELD
        if not await self._gate():
            raise NotSent(call, NotSentReason.HELD, "not sent: calls are held back")
        exchange.waits_for = NotSentReason.TOKEN

    async def _authorise(self, exchange: Exchange) -> None:
        try:
            exchange.bearer = await self.tokens.bearer()
        except WillowError as error:
            # Said of the call that needed it, and as proof: without a bearer it was never sent.
            raise _not_sent(exchange.call, error) from error

    async def _in_slot(self, exchange: Exchange, content: Content) -> None:
        exchange.waits_for = NotSentReason.BUSY
        async with self._slots:
            await self._perform(exchange, content)

    async def _perform(self, exchange: Exchange, content: Content) -> None:
        started = self._clock()
        try:
            await self._transport.perform(
                exchange, self._url(exchange.call), self._headers(exchange, content), content.data
            )
        finally:
            self._observe(exchange.call.operation.name, exchange.status, self._clock() - started)

    def _headers(self, exchange: Exchange, content: Content) -> dict[str, str]:
        call = exchange.call
        headers = {
            "accept": "*/*" if call.operation.streamed else "application/json",
            "accept-encoding": "gzip",
            "user-agent": "willow-sync",
            "x-request-id": call.request_id,
        }
        if exchange.bearer:
            headers["authorization"] = f"Bearer {exchange.bearer}"
        if content.kind:
            headers["content-type"] = content.kind
        return headers

    def _url(self, call: Call) -> httpx.URL:
        if call.query:
            return httpx.URL(f"{self._base_url}{call.path}?{call.query}")
        return self._fixed_urls.get(call.path) or httpx.URL(self._base_url + call.path)

    def _late(self, exchange: Exchange) -> NotSent | NoAnswer:
        if exchange.waits_for is not None:
            return NotSent(
                exchange.call,
                exchange.waits_for,
                f"not sent within {self._timeout:g} s: still waiting for "
                + _WAITED_FOR.get(exchange.waits_for, exchange.waits_for.value),
            )
        return NoAnswer(
            exchange.call,
            f"no whole answer within {self._timeout:g} s",
            status=exchange.status,
            request_id=exchange.request_id,
        )


_WAITED_FOR: dict[NotSentReason, str] = {
    NotSentReason.TOKEN: "a token",
    NotSentReason.BUSY: "a free connection",
    NotSentReason.HELD: "its turn",
}


def _whole(answer: Answer) -> Answer:
    return answer


def _not_sent(call: Call, error: WillowError) -> NotSent:
    if isinstance(error, TokenRefused):
        return TokenRefused(call, error.said, status=error.status, request_id=error.request_id)
    return NotSent(
        call,
        error.reason if isinstance(error, NotSent) else NotSentReason.TOKEN,
        f"no token: {error.said}",
        status=error.status,
        request_id=error.request_id,
        retry_after=error.retry_after,
    )
