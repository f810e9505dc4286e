"""What the client repeats, how often, and how long it waits."""

import pytest

from streams.willow.errors import Call, NoAnswer, NotSent, NotSentReason, Refused, TokenRefused, WillowError
from streams.willow.operations import LIST_TICKETS
from streams.willow.retries import (
    ATTEMPTS,
    LONGEST_WAIT,
    Retries,
    is_of_the_moment,
    should_repeat,
    wait_seconds,
)

CALL = Call(LIST_TICKETS, "/tickets", "ws-1")
MOMENT = (NotSentReason.CONNECTION, NotSentReason.BUSY, NotSentReason.TOKEN)
SET_UP = (NotSentReason.DNS, NotSentReason.TLS)


@pytest.mark.parametrize(
    ("error", "moment"),
    [
        *((Refused(CALL, status), True) for status in (408, 425, 429, 500, 502, 503, 504, 599)),
        *((Refused(CALL, status), False) for status in (301, 400, 401, 403, 404, 405, 409, 413, 422)),
        *((NotSent(CALL, reason, ""), True) for reason in MOMENT),
        *((NotSent(CALL, reason, ""), False) for reason in SET_UP),
        (TokenRefused(CALL, "", status=401), False),
        (NoAnswer(CALL, ""), True),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_whose_fault_it_is(error: Exception, moment: bool) -> None:
    assert is_of_the_moment(error) is moment


def test_the_wait_grows_is_jittered_and_bounded() -> None:
    most = [wait_seconds(attempt, None, lambda: 1.0) for attempt in range(1, 12)]

    assert most[:4] == [0.25, 0.5, 1.0, 2.0]
    assert max(most) == LONGEST_WAIT
    assert wait_seconds(9, None, lambda: 0.0) == 0.0


def test_retry_after_is_never_cut_short() -> None:
    assert wait_seconds(1, 7.0, lambda: 0.0) == 7.0


async def run(error: WillowError) -> tuple[int, list[float]]:
    calls = 0
    waits: list[float] = []

    async def call() -> None:
        nonlocal calls
        calls += 1
        raise error

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(type(error)) as raised:
        await Retries(lambda: 0.5, sleep).run(call)
    assert raised.value is error
    return calls, waits


async def test_repeats_are_bounded() -> None:
    assert await run(NoAnswer(CALL, "")) == (ATTEMPTS, [0.125, 0.25, 0.5])


async def test_a_short_retry_after_is_obeyed() -> None:
    assert await run(Refused(CALL, 429, retry_after=3.0)) == (ATTEMPTS, [3.125, 3.25, 3.5])


async def test_a_long_retry_after_is_handed_to_the_caller() -> None:
    error = Refused(CALL, 429, retry_after=LONGEST_WAIT + 1)

    assert not should_repeat(error)
    assert await run(error) == (1, [])


async def test_a_refusal_is_not_repeated() -> None:
    assert await run(Refused(CALL, 400)) == (1, [])
