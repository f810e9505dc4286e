"""``Faults``: the behaviour that makes the rules come true, and lets them be replaced while it runs."""

import asyncio
import functools
import random
from collections.abc import Sequence
from typing import Any

from ops.emulator.behaviour import Behaviour, Call, FixedLatency, Perform
from ops.emulator.clock import Clock
from ops.emulator.faults.acts import ACTS, Scene, wait_of
from ops.emulator.faults.choosing import Chosen, Counted, choose, counted
from ops.emulator.faults.kinds import Latency, Refuse, RevokedToken
from ops.emulator.faults.rules import Plan, Rule
from ops.emulator.problems import Answer
from ops.emulator.wire import Sleep

_MAX_REVOKED = 1_000
"""Tokens. Clients use one until it is refused: the oldest of so many is long out of use."""


class Faults:
    """``rules`` are in force from now on; ``rng`` seeds each rule's own draws. ``otherwise`` answers the calls
    that no rule spoils. Belongs to the emulator's event loop, like the emulator itself."""

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        rng: random.Random | None = None,
        clock: Clock | None = None,
        *,
        otherwise: Behaviour | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._clock = clock or Clock()
        self._otherwise = otherwise or FixedLatency()
        self._sleep = sleep
        self._changed = asyncio.Event()
        self.replace(rules, rng)

    def replace(self, rules: Sequence[Rule], rng: random.Random | None = None) -> None:
        """From now on: seconds and counts start again. Calls under way end as they began, and late writes are
        still carried out. ``rng`` defaults to a fixed seed."""
        self._rules = counted(rules, rng or random.Random(Plan().seed))
        self._refusing = [rule for rule in rules if isinstance(rule.fault, Refuse)]
        self._revoked: dict[str, tuple[Counted, RevokedToken]] = {}
        self._start = self._clock.monotonic()
        self._changed.set()

    def use(self, plan: Plan) -> None:
        self.replace(plan.rules, random.Random(plan.seed))

    @property
    def seconds(self) -> float:
        """Since the rules came into force."""
        return self._clock.monotonic() - self._start

    def shown(self) -> dict[str, Any]:
        """The rules as a document has them, each with how many calls matched and how many met the fault."""
        return {
            "seconds": self.seconds,
            "rules": [
                one.rule.model_dump(mode="json", exclude_defaults=True)
                | {"name": one.name, "fault": one.rule.fault.model_dump(mode="json")}
                | {"matched": one.met.total(), "applied": one.applied.total()}
                for one in self._rules
            ],
        }

    def refused(self) -> tuple[bool, float | None]:
        """Whether connections are refused now, and in how many seconds that changes (None: not by itself)."""
        now = self.seconds
        inside = any(rule.after <= now and (rule.until is None or now < rule.until) for rule in self._refusing)
        edges = [edge for rule in self._refusing for edge in (rule.after, rule.until) if edge is not None]
        ahead = [edge - now for edge in edges if edge > now]
        return inside, min(ahead, default=None)

    async def changed(self, timeout: float | None) -> None:
        """Returns when the rules were replaced, or after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if not self._rules:
            return await self._otherwise(call, perform)
        # A revoked token is worthless whatever else would have become of the call.
        revoked = self._revoked.get(call.authorization) if call.operation in RevokedToken.only else None
        chosen = choose(self._rules, call, self.seconds, revoked)
        call.entry.faults = chosen.named()
        if chosen.latency is None:
            return await self._answer(call, perform, chosen)
        one, latency = chosen.latency
        return await self._slowly(call, perform, chosen, latency, wait_of(latency, one.rng))

    async def _slowly(self, call: Call, perform: Perform, chosen: Chosen, latency: Latency, wait: float) -> Answer:
        if latency.wait == "before_commit":
            await self._sleep(wait)
            return await self._answer(call, perform, chosen)
        answer = await self._answer(call, perform, chosen)
        await self._sleep(wait)
        return answer

    async def _answer(self, call: Call, perform: Perform, chosen: Chosen) -> Answer:
        now = functools.partial(perform, unlisted=chosen.unlisted[1].seconds if chosen.unlisted else 0.0)
        if chosen.spoiled is None:
            return now() if chosen.unlisted else await self._otherwise(call, perform)
        one, fault = chosen.spoiled
        if isinstance(fault, RevokedToken):
            self._revoke(call.authorization, one, fault)
        clock = self._clock
        scene = Scene(call, perform, now, one.rng, clock.wall, clock.monotonic, self._sleep)
        return await ACTS[type(fault)](fault, scene)

    def _revoke(self, authorization: str, one: Counted, fault: RevokedToken) -> None:
        if authorization:
            self._revoked[authorization] = one, fault
        while len(self._revoked) > _MAX_REVOKED:
            del self._revoked[next(iter(self._revoked))]
