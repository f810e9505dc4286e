"""No second holds more than the rate, whatever the arrivals; the clock is a list of numbers here."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.delivery.pacing import Pace

#: A busy machine is no failure.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


async def test_the_first_goes_at_once_and_the_next_ones_evenly() -> None:
    time = Time()
    pace = Pace(4.0, clock=time.clock, sleep=time.sleep)
    went = []
    for _ in range(4):
        await pace.take()
        went.append(time.now - 100.0)
    assert went == [0.0, 0.25, 0.5, 0.75]


async def test_idle_time_is_not_saved_up() -> None:
    time = Time()
    pace = Pace(10.0, clock=time.clock, sleep=time.sleep)
    await pace.take()
    time.now += 60.0
    await pace.take()
    before = time.now
    await pace.take()
    assert time.now > before


@given(rate=st.floats(0.5, 500), gaps=st.lists(st.floats(0, 2), min_size=2, max_size=60))
@UNHURRIED
async def test_no_second_holds_more_than_the_rate_and_one(rate: float, gaps: list[float]) -> None:
    time = Time()
    pace = Pace(rate, clock=time.clock, sleep=time.sleep)
    went = []
    for gap in gaps:
        time.now += gap
        await pace.take()
        went.append(time.now)
    for start in went:
        assert sum(start <= moment < start + 1.0 - 1e-6 for moment in went) <= rate + 1
