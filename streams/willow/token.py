"""The bearer: fetched when needed, kept until it expires, renewed before that and once after a 401."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from streams.willow.answers import Answer
from streams.willow.errors import Refused, TokenRefused
from streams.willow.retries import is_of_the_moment

# Willow's sample says 3599 s; without a usable figure ask often rather than fail with a 401.
_DEFAULT_LIFETIME = 300.0
# A token is not used in its last seconds, for it could expire under way; renewed well before, in the
# background, so that no call waits for it and a short outage of the token endpoint stops nothing.
_MARGIN_SHARE, _MARGIN_MAX = 0.1, 30.0
_RENEW_SHARE, _RENEW_MAX = 0.3, 300.0
# After a failed renewal in the background, how long the old token serves before the next attempt.
_RENEW_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class Token:
    """Instants are those of the monotonic clock, in seconds."""

    value: str = field(repr=False)
    renew_at: float
    expires_at: float


class TokenSource:
    """One token for all calls. ``fetch`` makes one token call and raises WillowError; ``clock`` is
    monotonic."""

    def __init__(self, fetch: Callable[[], Awaitable[Answer]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None

    @property
    def expires_in(self) -> float | None:
        """Seconds until the token in hand expires; None without one."""
        return self._token.expires_at - self._clock() if self._token else None

    async def bearer(self) -> str:
        """Raises TokenRefused, or what the token call ended with."""
        token, now = self._token, self._clock()
        if token and now < token.renew_at:
            return token.value
        renewal = self._renew()
        if token and now < token.expires_at:
            return token.value
        # Shielded: one caller that is cancelled must not fail the others that wait for the same token.
        return (await asyncio.shield(renewal)).value

    def discard(self, value: str) -> None:
        """After a 401: forget this token. Others may have replaced it already, then the newer one stays."""
        if self._token and self._token.value == value:
            self._token = None

    async def close(self) -> None:
        if self._renewal and not self._renewal.done():
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    def _renew(self) -> "asyncio.Task[Token]":
        # Single flight: 64 calls that find the token expired must not ask 64 times.
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._replace(), name="willow-token")
            self._renewal.add_done_callback(self._after)
        return self._renewal

    async def _replace(self) -> Token:
        # From before the call: the lifetime counts from when Willow made the token, not from when it arrived.
        asked_at = self._clock()
        try:
            answer = await self._fetch()
        except Refused as error:
            if is_of_the_moment(error):
                raise
            raise TokenRefused(
                error.call,
                f"the token was refused: {error.said}",
                status=error.status,
                request_id=error.request_id,
            ) from error
        self._token = read_token(answer, asked_at)
        return self._token

    def _after(self, renewal: "asyncio.Task[Token]") -> None:
        # Reads the exception, else a failed renewal in the background is reported as "never retrieved".
        failed = renewal.cancelled() or renewal.exception() is not None
        if failed and self._token:
            self._token = replace(self._token, renew_at=self._clock() + _RENEW_PAUSE)


def read_token(answer: Answer, asked_at: float) -> Token:
    """The token of seed 001 (``access_token, token_type, expires_in``); raises NoAnswer, TokenRefused."""
    document = answer.json()
    value = document.get("access_token") if isinstance(document, dict) else None
    # A line break in it would end up in a request header.
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        raise TokenRefused(
            answer.call,
            "the token answer has no usable access_token",
            status=answer.status,
            request_id=answer.request_id,
        )
    lifetime = _seconds(document.get("expires_in"))
    expires_at = asked_at + lifetime - min(_MARGIN_MAX, lifetime * _MARGIN_SHARE)
    renew_at = asked_at + lifetime - min(_RENEW_MAX, lifetime * _RENEW_SHARE)
    return Token(value, renew_at, expires_at)


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _DEFAULT_LIFETIME
    return seconds if math.isfinite(seconds) and seconds > 0 else _DEFAULT_LIFETIME
