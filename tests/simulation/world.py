"""The world that all processes of a run share: virtual time, chance, the network to the broker, the log, the trace."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any

from faust.types import TP

from tests.simulation.clock import CURRENT, Process, VirtualLoop, current
from tests.simulation.digest import digest
from tests.simulation.group import Group, Offsets
from tests.simulation.log import Entry, Headers, Log


@dataclass(frozen=True, slots=True)
class Network:
    """How long things take, in seconds. A share of ``slow`` takes up to ``slow_hop`` and ``slow_lag``."""

    hop: tuple[float, float] = (0.0005, 0.004)
    lag: tuple[float, float] = (0.0005, 0.01)
    slow: float = 0.01
    slow_hop: float = 0.3
    slow_lag: float = 2.0


STEADY = Network((0.001, 0.001), (0.002, 0.002), 0.0)
"""Nothing is left to chance: a run differs from another by where it is cut off, and by nothing else."""


class World:
    """``crash_at`` are numbers of points, counted from 1 over all processes, at which the process there is killed;
    ``freeze_at`` those at which it is frozen, and for how many seconds."""

    def __init__(
        self,
        seed: int,
        topics: Mapping[str, int],
        *,
        network: Network,
        crash_at: Collection[int] = (),
        freeze_at: Mapping[int, float] = MappingProxyType({}),
        loses_unsent: bool | None = None,
        tracing: bool = False,
    ) -> None:
        self.rng = Random(seed)
        self.loop = VirtualLoop()
        self.log = Log(topics)
        self.groups: dict[str, Group] = {}
        self.problems: list[str] = []
        self.points: list[str] = []
        """The names of those that were passed."""
        self.kills = 0
        self.ever_frozen: set[str] = set()
        self.trace: list[str] | None = [] if tracing else None
        self.on_end: Callable[[Process], None] = lambda _: None
        self.on_commit: Callable[[str, Offsets, Offsets], None] = lambda *_: None
        self._network, self._loses_unsent = network, loses_unsent
        self._crash_at, self._freeze_at = frozenset(crash_at), freeze_at
        self._last_asked: dict[str, float] = {}
        self._armed: set[tuple[str, str]] = set()
        self._away_until = 0.0
        self._context: Context = copy_context()

    # -- time and chance -----------------------------------------------------------------------------------------

    def after(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        """Call in the world, whatever becomes of the process that asked for it."""
        self.loop.call_later(seconds, callback, *args, context=self._context)

    def hop(self) -> float:
        """One way between a process and the broker or Willow."""
        network = self._network
        if network.slow and self.rng.random() < network.slow:
            return self.rng.uniform(network.hop[1], network.slow_hop)
        return self.rng.uniform(*network.hop)

    def lag(self) -> float:
        """How far a view is behind."""
        network = self._network
        if network.slow and self.rng.random() < network.slow:
            return self.rng.uniform(network.lag[1], network.slow_lag)
        return self.rng.uniform(*network.lag)

    def loses(self) -> bool:
        """Whether a record that a killed process had not got acknowledged never reached the broker."""
        return self.rng.random() < 0.5 if self._loses_unsent is None else self._loses_unsent

    # -- crashes -------------------------------------------------------------------------------------------------

    def point(self, name: str, process: Process | None = None) -> None:
        """Something is about to leave a process, or has just come about for it: here it may be killed."""
        process = process or CURRENT.get()
        if process is None or not process.alive:
            return
        self.points.append(name)
        number = len(self.points)
        armed = (process.name.partition(".")[0], name) in self._armed
        if number in self._crash_at or armed:
            self._armed.discard((process.name.partition(".")[0], name))
            self.note(f"is killed at point {number} ({name})", process)
            self.crash(process)
        elif (seconds := self._freeze_at.get(number)) is not None:
            self.freeze(process, seconds)

    def freeze(self, process: Process, seconds: float) -> None:
        if process.alive and not process.frozen:
            self.note(f"is frozen for {seconds:.2f} s", process)
            self.ever_frozen.add(process.name)
            process.freeze()
            self.after(seconds, self._thaw, process)

    def _thaw(self, process: Process) -> None:
        self.note("goes on", process)
        process.thaw()

    def arm(self, worker: str, point: str) -> None:
        """Kill the worker when it next comes to a point of this name."""
        self._armed.add((worker, point))

    def crash(self, process: Process) -> None:
        if process.alive:
            self.kills += 1
            process.kill()
            self.on_end(process)

    # -- the broker ----------------------------------------------------------------------------------------------

    def send_away(self, seconds: float) -> None:
        """The broker answers nobody for this long."""
        self._away_until = max(self._away_until, self.loop.time() + seconds)
        self.after(seconds, self._back)

    def _back(self) -> None:
        for group in self.groups.values():
            group.moment_of_silence()

    @property
    def broker_away(self) -> float:
        """Seconds until the broker is back."""
        return self._away_until - self.loop.time()

    async def ask(self, question: Callable[..., Any], *args: Any) -> Any:
        """A process asks the broker: there, then back. Over one connection: what is asked later never arrives first."""
        process = current()
        answered: asyncio.Future[Any] = self.loop.create_future()

        def travel(seconds: float) -> None:
            now = self.loop.time()
            arrival = max(now + seconds, self._last_asked.get(process.name, 0.0) + 1e-6)
            self._last_asked[process.name] = arrival
            self.after(arrival - now, arrive)

        def arrive() -> None:
            if self.broker_away > 0:
                travel(self.broker_away + self.hop())
            else:
                self.after(self.hop(), process.call, _resolve, answered, question(*args))

        travel(self.hop())
        return await answered

    def append(self, spot: TP, key: bytes | None, value: bytes | None, headers: Headers, by: str) -> Entry:
        now = self.loop
        entry = self.log.append(
            spot.topic, spot.partition, key, value, headers, at=now.time(), epoch=now.epoch(), written_by=by
        )
        if self.trace is not None:
            name = (key or b"").decode(errors="replace").partition("|")
            self._say(
                by, f"{spot.topic}/{spot.partition}@{entry.offset} {name[0]} {name[2][:6]} {digest(spot.topic, value)}"
            )
        return entry

    def group(self, name: str, partitions: Mapping[str, int], session: float, rebalance: float) -> Group:
        if name not in self.groups:
            self.groups[name] = Group(
                name, partitions, self.rng, session, rebalance, self.loop.time, lambda *told: self.on_commit(*told)
            )
        return self.groups[name]

    def turn(self) -> None:
        """Every so often: the coordinators look at their members."""
        if self.broker_away <= 0:
            for group in self.groups.values():
                group.turn()
        self.after(0.2, self.turn)

    # -- what is told --------------------------------------------------------------------------------------------

    def note(self, text: str, process: Process | None = None) -> None:
        """A line of the trace, said of the process that does it."""
        if self.trace is not None:
            process = process or CURRENT.get()
            self._say(process.name if process else "world", text)

    def _say(self, who: str, text: str) -> None:
        assert self.trace is not None
        self.trace.append(f"{self.loop.time():10.4f} {who:8} {text}")

    def broken(self, problem: str) -> None:
        """Something that must not happen at all."""
        self.note(f"PROBLEM {problem}")
        self.problems.append(problem)


def _resolve(future: "asyncio.Future[Any]", answer: Any) -> None:
    if not future.done():
        future.set_result(answer)
