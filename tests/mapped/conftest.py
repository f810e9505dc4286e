"""A client of Mapped that never waits in earnest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ops.mapped import DEFAULT_TOKEN
from streams.mapped import MappedClient, Pace


@dataclass
class FakeTime:
    """Sleeping moves it on; nothing else does."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def client_of(time: FakeTime) -> Iterator[Callable[..., MappedClient]]:
    """``client_of(url, token=…, timeout=…, max_answer_bytes=…)``"""
    made: list[MappedClient] = []

    def make(url: str, token: str = DEFAULT_TOKEN, timeout: float = 20.0, **more: Any) -> MappedClient:
        pace = Pace(None, clock=time.clock, sleep=time.sleep)
        more = {"clock": time.clock, **more}
        client = MappedClient(
            url, token, timeout=timeout, pace=pace, wall_clock=lambda: 0.0, sleep=time.sleep, random=lambda: 1.0, **more
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()
