"""The HTTP stack: httpx requests over one aiohttp session (``httpx-aiohttp``), its traps closed (delivery.md
§6).

httpx's own pool collapses at 64 requests in flight. ``httpx.AsyncClient`` is left out as well: its cookie
jar, redirect and hook layers double the CPU of a call (340 µs against 210 µs) and none of them is wanted
here.
"""

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from streams.willow.answers import Exchange
from streams.willow.errors import NoAnswer, NotSent, NotSentReason

MAX_ANSWER_BYTES = 8 << 20
"""A page holds at most 1,000 tickets of some 4 KiB; twice that is an answer that nobody asked for, and 64 of
them at once must still fit in memory."""

# Below the idle time-outs in use by front ends (Azure 230 s, ALB 60 s, nginx 75 s): a connection that the
# other side has just closed turns a create that was never read into one in doubt.
_KEEP_ALIVE_SECONDS = 15.0

# Closing a half-read answer waits for the socket; after the deadline has struck nothing else bounds it.
_CLOSE_SECONDS = 1.0

# Most telling first. Only aiohttp's ClientConnectorError proves that nothing was sent: httpx-aiohttp reports
# "refused", "no such host" and "committed, then reset" all as ConnectTimeout.
_NEVER_CONNECTED: tuple[tuple[type[aiohttp.ClientConnectorError], NotSentReason], ...] = (
    (aiohttp.ClientConnectorDNSError, NotSentReason.DNS),
    (aiohttp.ClientSSLError, NotSentReason.TLS),
    (aiohttp.ClientConnectorError, NotSentReason.CONNECTION),
)


class Transport:
    """Sends one request, once. Made and closed inside a running event loop."""

    def __init__(self, *, tls: bool, max_connections: int) -> None:
        context = httpx.create_ssl_context() if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=max_connections, ssl=context, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        _never_resend(session)
        self._session = session
        self._http = AiohttpTransport(verify=context, client=session)

    async def close(self) -> None:
        await self._http.aclose()

    async def perform(self, exchange: Exchange, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> None:
        """Send, and read the answer into ``exchange``, which keeps what has arrived when this is cancelled.

        Raises NotSent and NoAnswer. A status ≥ 300 counts even if its body breaks off: it is known."""
        response = await self.open(exchange, url, headers, body)
        await read_body(exchange, response)

    async def open(
        self, exchange: Exchange, url: httpx.URL, headers: Mapping[str, str], body: bytes = b""
    ) -> httpx.Response:
        """Send, and return as soon as the headers are there. The caller reads or closes (``read_body``, ``close``).

        Raises NotSent and NoAnswer."""
        request = httpx.Request(exchange.call.operation.method, url, headers=headers, content=body)
        exchange.waits_for = None
        try:
            response = await self._http.handle_async_request(request)
        # All of them: some of aiohttp's errors come through unmapped, and a create must not end in an error
        # of which nobody knows whether it was sent.
        except Exception as error:
            raise failed(exchange, error) from error
        exchange.status = response.status_code
        exchange.headers = response.headers
        return response


def _never_resend(session: aiohttp.ClientSession) -> None:
    # aiohttp sends a PUT again by itself when a reused connection dies: two tickets, and the caller sees one
    # 201.
    if not hasattr(session, "_retry_connection"):
        raise RuntimeError(
            "this aiohttp has no _retry_connection switch any more: found "
            f"{aiohttp.__version__}; use the version in requirements.lock, for creates could be sent twice"
        )
    session._retry_connection = False


async def read_body(exchange: Exchange, response: httpx.Response) -> None:
    """The whole body into ``exchange``; the response is closed then. Raises NoAnswer where a 2xx breaks off or is
    larger than ``MAX_ANSWER_BYTES``."""
    body = exchange.body
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                break
    except Exception as error:
        if response.status_code < 300:
            raise failed(exchange, error) from error
    finally:
        if not response.is_closed:
            await close(response)
    if len(body) > MAX_ANSWER_BYTES and response.status_code < 300:
        raise NoAnswer(
            exchange.call,
            f"the answer {exchange.status} is larger than {MAX_ANSWER_BYTES} bytes",
            status=exchange.status,
            request_id=exchange.request_id,
        )


async def close(response: httpx.Response) -> None:
    """Gives the connection back, within a second."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await response.aclose()
    except (TimeoutError, httpx.HTTPError):
        return


def failed(exchange: Exchange, error: Exception) -> NotSent | NoAnswer:
    """What an error of the HTTP stack proves about the call."""
    cause = error.__cause__ if isinstance(error, httpx.HTTPError) else error
    words = str(error) or type(cause or error).__name__
    for kind, reason in _NEVER_CONNECTED:
        if isinstance(cause, kind):
            return NotSent(exchange.call, reason, f"no connection: {words}")
    return NoAnswer(
        exchange.call,
        f"the connection ended before the answer was whole: {words}",
        status=exchange.status,
        request_id=exchange.request_id,
    )
