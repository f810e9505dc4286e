"""Willow's lists in the planner's hand, and how long a record of an unmapped value waits for newer ones."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from streams.agents import lists as module
from streams.agents.lists import FRESH_SECONDS, Lists
from streams.willow import NoAnswer
from streams.willow.errors import Call
from streams.willow.operations import LIST_STATUSES

CALL = Call(LIST_STATUSES, "/tickets/status", "ws-1")


class Willow:
    """Hands out one status, whose name is how often it was asked; hangs while ``answers`` is not set."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.down = False

    async def statuses(self) -> list[Any]:
        self.asked += 1
        name = str(self.asked)
        await self.answers.wait()
        if self.down:
            raise NoAnswer(CALL, "no answer")
        return [SimpleNamespace(id=name, name=name)]

    async def _none(self) -> list[Any]:
        return []

    priorities = categories = job_types = services_needed = _none


class Hand:
    """Lists that were read once, a while ago."""

    def __init__(self) -> None:
        self.willow, self.now = Willow(), 1000.0
        client: Any = self.willow
        self.lists = Lists(client, clock=lambda: self.now)

    async def __aenter__(self) -> "Hand":
        self._keeper = asyncio.create_task(self.lists.keep())
        await self.lists.get()
        self.now += FRESH_SECONDS + 1.0
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        await asyncio.wait({self._keeper})

    async def newest(self) -> str:
        """The one status after a look for newer lists."""
        found = await asyncio.wait_for(self.lists.newer(await self.lists.get()), 5.0)
        return found.statuses[0].name


async def test_they_are_read_once_more_unless_they_are_fresh() -> None:
    async with Hand() as hand:
        assert [await hand.newest(), await hand.newest()] == ["2", "2"]
        hand.now += FRESH_SECONDS + 1.0
        assert await hand.newest() == "3"


async def test_a_failed_attempt_is_not_repeated_for_each_record() -> None:
    async with Hand() as hand:
        hand.willow.down = True
        assert [await hand.newest() for _ in range(5)] == ["1"] * 5
        assert hand.willow.asked == 2
        hand.willow.down = False
        hand.now += FRESH_SECONDS + 1.0
        assert await hand.newest() == "3"


async def test_a_read_that_hangs_is_waited_for_once_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record waited for a read of its own, half a minute and more, and all behind it."""
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    async with Hand() as hand:
        hand.willow.answers.clear()
        assert await hand.newest() == "1"
        hand.now += 60.0
        assert [await hand.newest() for _ in range(5)] == ["1"] * 5
        assert hand.willow.asked == 2
        hand.willow.answers.set()
        await asyncio.sleep(0.01)
        assert await hand.newest() == "2"


async def test_a_fault_of_ours_in_a_read_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Hand() as hand:
        monkeypatch.setattr(hand.willow, "statuses", hand.willow._none)
        monkeypatch.setattr(hand.willow, "priorities", None)
        with pytest.raises(TypeError):
            await hand.newest()


async def test_what_went_wrong_is_told_with_the_remedy(caplog: pytest.LogCaptureFixture) -> None:
    async with Hand() as hand:
        hand.willow.down = True
        await hand.newest()
        told = "GET /tickets/status: no answer (request id ws-1); remedy: Nothing was changed by it; try again."
        assert hand.lists.problem == told
        assert told in caplog.text
