"""The bearer: single flight, renewed in time, never shown."""

import asyncio
from typing import Any

import orjson
import pytest

from streams.willow.answers import Answer
from streams.willow.errors import Call, NoAnswer, NotSent, NotSentReason, Refused, TokenRefused, WillowError
from streams.willow.operations import TOKEN
from streams.willow.token import TokenSource, read_token

CALL = Call(TOKEN, "/oauth2/token", "ws-1")


def answer(document: Any) -> Answer:
    return Answer(CALL, 200, document if isinstance(document, bytes) else orjson.dumps(document), None)


class Endpoint:
    """Hands out t1, t2, …, each good for 1,000 s; ``fail`` is raised instead while it is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.fail: WillowError | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.source = TokenSource(self.fetch, lambda: self.now)

    async def fetch(self) -> Answer:
        self.asked += 1
        number = self.asked
        await self.open.wait()
        if self.fail:
            raise self.fail
        return answer({"access_token": f"t{number}", "token_type": "Bearer", "expires_in": 1000})

    async def settle(self) -> None:
        """Let a renewal in the background end."""
        for _ in range(5):
            await asyncio.sleep(0)


async def test_one_token_serves_many_calls() -> None:
    endpoint = Endpoint()

    assert [await endpoint.source.bearer() for _ in range(3)] == ["t1"] * 3
    assert endpoint.asked == 1


async def test_calls_at_once_ask_once() -> None:
    endpoint = Endpoint()

    assert await asyncio.gather(*(endpoint.source.bearer() for _ in range(64))) == ["t1"] * 64
    assert endpoint.asked == 1


async def test_a_cancelled_caller_does_not_fail_the_others() -> None:
    endpoint = Endpoint()
    endpoint.open.clear()
    first, second = (asyncio.create_task(endpoint.source.bearer()) for _ in range(2))
    await endpoint.settle()

    first.cancel()
    await endpoint.settle()
    endpoint.open.set()

    assert await second == "t1"
    assert first.cancelled()


async def test_it_is_renewed_before_it_expires_and_nobody_waits() -> None:
    endpoint = Endpoint()
    await endpoint.source.bearer()

    endpoint.now = 750.0
    endpoint.open.clear()
    assert await endpoint.source.bearer() == "t1"
    endpoint.open.set()
    await endpoint.settle()

    assert await endpoint.source.bearer() == "t2"
    assert endpoint.asked == 2


async def test_it_is_not_used_in_its_last_seconds() -> None:
    endpoint = Endpoint()
    await endpoint.source.bearer()

    endpoint.now = 985.0

    assert await endpoint.source.bearer() == "t2"


async def test_the_old_token_serves_on_while_renewal_fails_and_the_endpoint_is_left_in_peace() -> None:
    endpoint = Endpoint()
    await endpoint.source.bearer()
    endpoint.fail = NoAnswer(CALL, "down")

    endpoint.now = 750.0
    for _ in range(50):
        assert await endpoint.source.bearer() == "t1"
        await endpoint.settle()
    assert endpoint.asked == 2

    endpoint.now = 761.0
    endpoint.fail = None
    await endpoint.source.bearer()
    await endpoint.settle()
    assert await endpoint.source.bearer() == "t3"


async def test_a_discarded_token_is_replaced_once_for_all_who_had_it() -> None:
    endpoint = Endpoint()
    await endpoint.source.bearer()

    endpoint.source.discard("t1")
    assert await endpoint.source.bearer() == "t2"
    endpoint.source.discard("t1")

    assert await endpoint.source.bearer() == "t2"
    assert endpoint.asked == 2


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405])
async def test_a_refusal_is_the_set_ups_fault(status: int) -> None:
    endpoint = Endpoint()
    endpoint.fail = Refused(CALL, status)

    with pytest.raises(TokenRefused) as refused:
        await endpoint.source.bearer()
    assert refused.value.status == status
    assert refused.value.reason is NotSentReason.TOKEN_REFUSED
    assert isinstance(refused.value, NotSent)


@pytest.mark.parametrize("error", [Refused(CALL, 503), Refused(CALL, 429), NoAnswer(CALL, "reset")])
async def test_a_fault_of_the_moment_is_told_as_it_is_and_the_next_call_asks_again(
    error: WillowError,
) -> None:
    endpoint = Endpoint()
    endpoint.fail = error

    with pytest.raises(type(error)):
        await endpoint.source.bearer()
    endpoint.fail = None

    assert await endpoint.source.bearer() == "t2"


@pytest.mark.parametrize("lifetime", [None, "soon", 0, -5, "NaN", float(10**9)])
def test_an_odd_lifetime_never_makes_a_token_that_cannot_be_used(lifetime: Any) -> None:
    token = read_token(answer({"access_token": "t", "expires_in": lifetime}), 50.0)

    assert 50.0 < token.renew_at < token.expires_at


def test_a_lifetime_may_be_text() -> None:
    assert read_token(answer({"access_token": "t", "expires_in": "3599"}), 0.0).expires_at == 3569.0


@pytest.mark.parametrize("document", [[], {}, {"access_token": None}, {"access_token": ""}, {"access_token": "a\r\nb"}])
def test_an_answer_without_a_token_is_none(document: Any) -> None:
    with pytest.raises(TokenRefused, match="no usable access_token"):
        read_token(answer(document), 0.0)


def test_a_truncated_token_is_not_shown() -> None:
    with pytest.raises(NoAnswer) as unreadable:
        read_token(answer(b'{"access_token":"s3cret'), 0.0)
    assert "s3cret" not in str(unreadable.value)


def test_a_token_is_not_shown() -> None:
    assert "s3cret" not in repr(read_token(answer({"access_token": "s3cret"}), 0.0))


async def test_closing_ends_a_renewal() -> None:
    endpoint = Endpoint()
    endpoint.open.clear()
    waiting = asyncio.create_task(endpoint.source.bearer())
    await endpoint.settle()

    await endpoint.source.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
