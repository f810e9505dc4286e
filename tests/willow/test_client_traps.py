"""The traps of the HTTP stack (delivery.md §6), on real sockets and on both event loops.

The server here counts what arrives: a create that arrives twice is two tickets, whatever the client saw.
"""

import asyncio
import functools
import inspect
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import orjson
import pytest
import uvloop

from streams.willow import NoAnswer, NotSent, NotSentReason, Refused, TokenRefused, WillowClient, WillowError
from streams.willow import transport as transport_module

SECRET = "the-s3cret"
TICKET = orjson.dumps({"id": "T1", "summary": "S"})
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


def on_both_loops(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The worker may run on either, and each raises its own errors when a socket dies."""

    @functools.wraps(test)
    def run(new_loop: Callable[[], asyncio.AbstractEventLoop], **arguments: Any) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(test(**arguments))

    signature = inspect.signature(test)
    loop = inspect.Parameter("new_loop", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    run.__dict__["__signature__"] = signature.replace(
        parameters=[loop, *signature.parameters.values()], return_annotation=None
    )
    loops = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    both: Callable[..., None] = pytest.mark.parametrize("new_loop", loops.values(), ids=loops)(run)
    return both


def response(status: int, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(status: int, body: bytes = b"", *headers: str) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, body, *headers))

    return reply


async def resets(writer: asyncio.StreamWriter) -> None:
    """Committed, then the connection is reset: the answer never comes."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def closes(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    writer.write(response(201, TICKET[:9], length=len(TICKET)))
    writer.close()


async def is_silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


def drips(status: int) -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, b"", length=100_000))
        for _ in range(600):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    return reply


async def floods(writer: asyncio.StreamWriter) -> None:
    writer.write(response(201, b"", length=1 << 40))
    for _ in range(10_000):
        writer.write(b" " * 65536)
        await writer.drain()


TOKEN = says(200, orjson.dumps({"access_token": "bearer-1", "expires_in": 3599}))


async def gives_the_token_and_hangs_up(writer: asyncio.StreamWriter) -> None:
    await TOKEN(writer)
    writer.close()


class Server:
    """Answers the token call; each other request gets the next reply, the last one for ever."""

    def __init__(self, replies: tuple[Reply, ...]) -> None:
        self.replies = list(replies)
        self.arrived: list[str] = []
        self.token_reply = TOKEN
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        await reader.readexactly(length)
        request = head.split(" HTTP")[0]
        if request.endswith("/oauth2/token"):
            await self.token_reply(writer)
            return
        self.arrived.append(request)
        await (self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])(writer)


@asynccontextmanager
async def against(
    *replies: Reply, timeout: float = 20.0, max_connections: int = 4
) -> AsyncIterator[tuple[Server, WillowClient]]:
    server = Server(replies)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    client = WillowClient(
        f"http://127.0.0.1:{port}",
        "client",
        SECRET,
        request_timeout=timeout,
        max_connections=max_connections,
        jitter=lambda: 0.0,
    )
    try:
        async with client:
            yield server, client
    finally:
        listener.close()


async def put(client: WillowClient) -> WillowError | None:
    """The error of one create, None when it went through."""
    failed: WillowError | None = None
    try:
        await client.put_ticket({"summary": "S"})
    except WillowError as error:
        failed = error
    if failed:
        assert SECRET not in f"{failed} {failed!r}"
        assert "bearer-" not in f"{failed} {failed!r}"
        assert (failed.method, failed.path) == ("PUT", "/tickets")
        assert failed.remedy
        assert failed.request_id
    return failed


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@on_both_loops
@pytest.mark.parametrize("ending", [resets, closes])
async def test_a_create_on_a_fresh_connection_that_dies_is_ambiguous_and_arrives_once(ending: Reply) -> None:
    async with against(ending) as (server, client):
        server.token_reply = gives_the_token_and_hangs_up
        await client.authenticate()
        await asyncio.sleep(0.05)
        error = await put(client)

        assert isinstance(error, NoAnswer)
        assert server.arrived == ["PUT /api/v3/tickets"]
        assert server.connections == 2


@on_both_loops
@pytest.mark.parametrize("ending", [resets, closes])
async def test_a_create_on_a_reused_connection_that_dies_arrives_exactly_once(ending: Reply) -> None:
    async with against(says(201, TICKET), ending, says(201, TICKET)) as (server, client):
        assert await put(client) is None

        error = await put(client)

        assert isinstance(error, NoAnswer)
        assert server.arrived == ["PUT /api/v3/tickets"] * 2
        assert server.connections == 1


@on_both_loops
async def test_the_trap_is_real_with_the_switch_left_on_it_arrives_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport_module, "_never_resend", lambda session: None)
    async with against(says(201, TICKET), resets, says(201, TICKET)) as (server, client):
        assert await put(client) is None

        assert await put(client) is None
        assert len(server.arrived) == 3


def test_an_aiohttp_that_has_no_such_switch_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"requirements\.lock"):
        transport_module._never_resend(cast(aiohttp.ClientSession, object()))


@on_both_loops
@pytest.mark.parametrize("ending", [resets, breaks_off, says(201, TICKET[:9]), says(201, b"{}"), says(204)])
async def test_a_create_without_a_readable_answer_is_ambiguous_and_arrives_once(ending: Reply) -> None:
    async with against(ending) as (server, client):
        assert isinstance(await put(client), NoAnswer)
        assert len(server.arrived) == 1


@on_both_loops
async def test_an_unreadable_2xx_keeps_its_status() -> None:
    async with against(says(201, TICKET[:9])) as (_, client):
        error = await put(client)

        assert error
        assert error.status == 201


@on_both_loops
@pytest.mark.parametrize("ending", [is_silent, drips(201)])
async def test_the_deadline_is_over_the_whole_call(ending: Reply) -> None:
    async with against(ending, timeout=1.0) as (server, client):
        error = await put(client)

        assert isinstance(error, NoAnswer)
        assert "no whole answer within 1 s" in str(error)
        assert len(server.arrived) == 1


@on_both_loops
async def test_a_refusal_whose_body_drips_is_a_refusal() -> None:
    async with against(drips(400), timeout=1.0) as (_, client):
        error = await put(client)

        assert isinstance(error, Refused)
        assert error.status == 400


@on_both_loops
async def test_an_answer_without_end_is_cut() -> None:
    async with against(floods) as (_, client):
        error = await put(client)

        assert isinstance(error, NoAnswer)
        assert "larger than" in str(error)


@on_both_loops
async def test_an_answer_that_is_no_http_is_ambiguous() -> None:
    async def speaks_nonsense(writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")

    async with against(speaks_nonsense) as (server, client):
        assert isinstance(await put(client), NoAnswer)
        assert len(server.arrived) == 1


@on_both_loops
async def test_who_still_waits_for_a_connection_at_the_deadline_was_not_sent() -> None:
    async with against(is_silent, timeout=1.0, max_connections=1) as (server, client):
        await client.authenticate()
        errors = await asyncio.gather(put(client), put(client))

        assert [type(error) for error in errors] == [NoAnswer, NotSent]
        assert isinstance(errors[1], NotSent)
        assert errors[1].reason is NotSentReason.BUSY
        assert len(server.arrived) == 1


@on_both_loops
async def test_a_token_that_never_comes_is_not_sent() -> None:
    async with against(says(201, TICKET), timeout=1.0) as (server, client):
        server.token_reply = is_silent
        error = await put(client)

        assert isinstance(error, NotSent)
        assert error.reason is NotSentReason.TOKEN


UNREACHABLE = [
    (lambda: f"http://127.0.0.1:{free_port()}", NotSentReason.CONNECTION),
    (lambda: "http://nohost.invalid", NotSentReason.DNS),
    (lambda: "https://nohost.invalid", NotSentReason.DNS),
]


@on_both_loops
@pytest.mark.parametrize(("address", "reason"), UNREACHABLE)
async def test_what_was_never_connected_is_told_apart(address: Callable[[], str], reason: NotSentReason) -> None:
    async def at_once(seconds: float) -> None:
        return None

    async with WillowClient(address(), "client", SECRET, request_timeout=20, sleep=at_once) as client:
        error = await put(client)

        assert isinstance(error, NotSent)
        assert not isinstance(error, TokenRefused)
        assert error.reason is reason


@on_both_loops
async def test_tls_to_a_plain_text_port_is_the_set_ups_fault() -> None:
    async def speaks_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(response(400, b"The plain HTTP request was sent to HTTPS port"))
        writer.close()

    listener = await asyncio.start_server(speaks_plainly, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with WillowClient(f"https://127.0.0.1:{port}", "client", SECRET, request_timeout=20) as client:
        error = await put(client)
    listener.close()

    assert isinstance(error, NotSent)
    assert error.reason is NotSentReason.TLS


def test_a_certificate_that_is_not_trusted_counts_as_tls() -> None:
    assert issubclass(aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError)


@on_both_loops
async def test_a_token_that_is_cut_off_is_not_sent_and_not_shown() -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, b'{"access_token":"bearer-1'))

    async with against(says(201, TICKET)) as (server, client):
        server.token_reply = cut
        error = await put(client)

        assert isinstance(error, NotSent)
        assert error.reason is NotSentReason.TOKEN
        assert server.arrived == []


@on_both_loops
async def test_a_reset_after_the_token_was_fetched_is_not_taken_for_a_refused_connection() -> None:
    async with against(says(201, TICKET), resets, closes) as (server, client):
        assert await put(client) is None
        assert [type(await put(client)) for _ in range(2)] == [NoAnswer, NoAnswer]
        assert len(server.arrived) == 3


@on_both_loops
async def test_a_server_that_went_away_between_two_calls_is_not_sent() -> None:
    async def last(writer: asyncio.StreamWriter) -> None:
        writer.write(response(201, TICKET, "Connection: close"))
        writer.close()

    server = Server((last,))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with WillowClient(f"http://127.0.0.1:{port}", "client", SECRET, request_timeout=20) as client:
        assert await put(client) is None
        listener.close()

        error = await put(client)

        assert isinstance(error, NotSent)
        assert error.reason is NotSentReason.CONNECTION
        assert len(server.arrived) == 1
