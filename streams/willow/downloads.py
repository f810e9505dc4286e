"""An answer whose body is handed on as it arrives, for it may be larger than memory."""

import asyncio
from collections.abc import AsyncIterator
from email.message import Message

import httpx

from streams.willow.answers import Exchange
from streams.willow.errors import NoAnswer
from streams.willow.transport import failed


class Download:
    """``content_type``, ``name`` and ``size`` (bytes) are what Willow said of it, None where it said nothing."""

    def __init__(self, exchange: Exchange, response: httpx.Response, timeout: float) -> None:
        """``timeout`` in seconds bounds the wait for each piece."""
        self._exchange = exchange
        self._response = response
        self._timeout = timeout
        self.content_type: str | None = response.headers.get("content-type")
        self.name = _file_name(response.headers.get("content-disposition"))
        length = response.headers.get("content-length", "")
        self.size = int(length) if length.isdecimal() and "content-encoding" not in response.headers else None
        self.request_id = exchange.request_id or exchange.call.request_id

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's pieces, in order, once. Raises NoAnswer where it breaks off or a piece does not come in time:
        what was handed on is not the whole then."""
        pieces = self._response.aiter_bytes()
        received = 0
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise NoAnswer(
                    self._exchange.call,
                    f"no further piece within {self._timeout:g} s, after {received} bytes",
                    status=self._exchange.status,
                    request_id=self.request_id,
                ) from None
            except Exception as error:
                raise failed(self._exchange, error) from error
            if piece is None:
                return
            received += len(piece)
            yield piece


def _file_name(disposition: str | None) -> str | None:
    # The standard library reads RFC 2231's filename* too.
    message = Message()
    message["content-disposition"] = disposition or ""
    name = message.get_filename()
    # A name, never a path: what is saved under it must not leave its folder.
    return name.replace("\\", "/").rpartition("/")[2] or None if name else None
