"""How an answer goes out: whole, dripping, cut off, or not at all."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from ops.emulator.problems import Answer, Cut, Drip, Reset, Whole

Sleep = Callable[[float], Awaitable[None]]

_PIECE_SECONDS = 0.005
"""Shorter pauses than the event loop keeps would make a drip longer than it was asked to be."""

_ABORT_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends a reset instead of an orderly end."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """``status`` is None when no head went out. ``whole``: all of it was written to a client that was there."""

    response: web.StreamResponse
    status: int | None
    size: int
    whole: bool
    client_gone: bool


async def deliver(request: web.BaseRequest, answer: Answer, sleep: Sleep = asyncio.sleep) -> Delivered:
    """Never raises when the client leaves: ``client_gone`` says so."""
    match answer.delivery:
        case Whole():
            gone = has_left(request)
            return Delivered(_response(answer), answer.status, len(answer.body), not gone, gone)
        case Reset():
            gone = has_left(request)
            abort(request.transport)
            return Delivered(_response(answer), None, 0, False, gone)
        case Cut(size):
            return await _cut(request, answer, size)
        case Drip(seconds):
            return await _drip(request, answer, seconds, sleep)


def has_left(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


def abort(transport: asyncio.Transport | None) -> None:
    """Resets the connection; what was not sent yet is lost."""
    if transport is None or transport.is_closing():
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT_AT_ONCE)
    transport.abort()


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


async def _head(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(answer.body)
    await response.prepare(request)
    return response


async def _cut(request: web.BaseRequest, answer: Answer, size: int) -> Delivered:
    try:
        response = await _head(request, answer)
        await response.write(answer.body[:size])
    except ConnectionError:
        return Delivered(_response(answer), answer.status, 0, False, True)
    if request.transport is not None:
        request.transport.close()
    return Delivered(response, answer.status, min(size, len(answer.body)), False, False)


async def _drip(request: web.BaseRequest, answer: Answer, seconds: float, sleep: Sleep) -> Delivered:
    pieces = max(1, min(len(answer.body), int(seconds / _PIECE_SECONDS)))
    sent = 0
    try:
        response = await _head(request, answer)
        for number in range(1, pieces + 1):
            await sleep(seconds / pieces)
            end = len(answer.body) * number // pieces
            await response.write(answer.body[sent:end])
            sent = end
    except ConnectionError:
        return Delivered(_response(answer), answer.status, sent, False, True)
    gone = has_left(request)
    return Delivered(response, answer.status, sent, not gone, gone)
