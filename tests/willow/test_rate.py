"""The published rate limits."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from streams.willow.rate import WindowLimit


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
async def test_no_window_holds_more_than_its_limit(gaps: list[float]) -> None:
    now = 100.0
    sent: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    limit = WindowLimit(4, 2.0, clock=lambda: now, sleep=sleep)
    for gap in gaps:
        now += gap
        await limit.wait()
        sent.append(now)

    for start in sent:
        assert sum(start <= instant < start + 2.0 for instant in sent) <= 4


async def test_callers_at_once_do_not_share_a_slot() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    limit = WindowLimit(2, 10.0, clock=lambda: 0.0, sleep=sleep)
    await asyncio.gather(*(limit.wait() for _ in range(6)))

    assert waits == [10.5, 10.5, 21.0, 21.0]
