"""What stands in for Faust: it delivers records of the assigned partitions to the agents, commits what they
acknowledged, and goes through rebalances in the order in which ``streams.kafka.transport`` does."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from faust.types import TP

from streams.delivery.offsets import Ledger
from streams.kafka.record import RUN_RECORDS, ConsumerRecord
from streams.kafka.transport import Hooks, LostOnTheWay
from streams.settings import Settings
from tests.simulation.clock import Process
from tests.simulation.group import Group, Joined, Offsets
from tests.simulation.log import Entry
from tests.simulation.tables import SimOrders
from tests.simulation.world import World

#: As the app's own setting ``broker_commit_interval``.
COMMIT_SECONDS = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    value: list[ConsumerRecord]
    """A run of one partition."""


class Stream:
    """The buffer between the consumer and one agent, for all partitions of its topic."""

    def __init__(self, consumer: "SimConsumer") -> None:
        self._consumer = consumer
        self.buffer: deque[ConsumerRecord] = deque()
        self._filled = asyncio.Event()

    def noack(self) -> "Stream":
        return self

    def events(self) -> "Stream":
        return self

    async def __anext__(self) -> Event:
        while not self.buffer:
            self._filled.clear()
            await self._filled.wait()
        run = [self.buffer.popleft()]
        while self.buffer and self.buffer[0].tp == run[0].tp and len(run) < RUN_RECORDS:
            run.append(self.buffer.popleft())
        self._consumer.world.point("delivered")
        return Event(run)

    def put(self, record: ConsumerRecord) -> None:
        self.buffer.append(record)
        self._filled.set()


class SimConsumer:
    """Membership, fetching, acknowledgements and commits of one worker."""

    def __init__(self, world: World, process: Process, group: Group, app: "SimEngine") -> None:
        self.world, self._process, self._group, self._app = world, process, group, app
        self.hooks = Hooks()
        self.leaving = False
        self.ledger: Ledger[TP] = Ledger()
        self._positions: Offsets = {}
        self._heard_at = -1e9
        self._rejoin = asyncio.Event()
        # One connection to the coordinator: a later commit never arrives before an earlier one.
        self._committing = asyncio.Lock()
        self._fetching = self._due = False

    def lease_age(self) -> float:
        return self.world.loop.time() - self._heard_at

    def assignment(self) -> set[TP]:
        return set(self._positions)

    def reached(self, record: ConsumerRecord) -> None:
        lost = self.ledger.reach(record.tp, record.offset)
        if lost is not None:
            self.hooks.fatal(LostOnTheWay(f"{record.tp}@{lost}"))

    def finish(self, record: ConsumerRecord) -> list[int]:
        return self.ledger.finish(record.tp, record.offset)

    def lags(self) -> Iterator[tuple[tuple[str, str], float]]:
        for tp, offset in self.ledger.standing():
            yield (tp.topic, str(tp.partition)), max(0, self.world.log.topics[tp.topic][tp.partition].end - offset)

    # -- membership ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """For ever: join, serve until the next rebalance, give back."""
        for topic in self._group.partitions:
            self.world.log.follow(topic, self._appended)
        self._process.died.append(self._gone)
        beating, committing = asyncio.create_task(self._beat()), asyncio.create_task(self._commit_often())
        try:
            while True:
                await self._take_on(await self._join())
                serving = asyncio.create_task(self._serve())
                await self._rejoin.wait()
                serving.cancel()
                await self._give_back()
        finally:
            for task in (beating, committing):
                task.cancel()

    async def _join(self) -> Joined:
        while True:
            joined: asyncio.Future[Joined] = asyncio.get_running_loop().create_future()

            def reply(answer: Joined, joined: "asyncio.Future[Joined]" = joined) -> None:
                self.world.after(self.world.hop(), self._process.call, _resolve, joined, answer)

            await self.world.ask(self._group.join, self._process.name, reply)
            answer = await joined
            # As aiokafka does, and with the lease as ``streams.kafka.fetching`` counts it.
            sent_at = self.world.loop.time()
            if await self.world.ask(self._group.heartbeat, self._process.name, answer.generation) == "ok":
                self._heard_at = sent_at
                return answer

    async def _take_on(self, joined: Joined) -> None:
        self._rejoin.clear()
        self._positions = {tp: self._group.committed.get(tp, 0) for tp in sorted(joined.assigned)}
        self.hooks.resume()
        self.leaving = False
        self._app.consumer_generation_id = joined.generation
        if self.world.rng.random() < 0.5:
            for stream in self._app.streams.values():
                stream.buffer.clear()
        self.world.note(f"has {', '.join(f'{tp.topic}/{tp.partition}' for tp in self._positions) or 'nothing'}")

    async def _serve(self) -> None:
        await asyncio.sleep(self.world.rng.uniform(0.01, 0.3))
        mine = [tp.partition for tp in self._positions if tp.topic == self._app.intents]
        self._app.orders.recover(mine)
        await self._app.recovered()
        self._app.rebalancing = False
        for tp, start in self._positions.items():
            self.ledger.open(tp, start)
        self._fetching = True
        if self.world.rng.random() < 0.2:
            # A seek while records are on their way: they are read a second time.
            starts = dict(self._positions)
            self._fetch()
            self._positions = starts
        self._appended(0)

    async def _give_back(self) -> None:
        self._fetching, self._app.rebalancing, self.leaving = False, True, True
        self.world.note("gives its partitions back")
        await self.hooks.drain()
        await self.commit()
        self.ledger.close()

    async def leave(self) -> None:
        """As at SIGTERM."""
        await self._give_back()
        await self.world.ask(self._group.leave, self._process.name)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._app.heartbeat_seconds)
            sent_at, generation = self.world.loop.time(), self._app.consumer_generation_id
            answer = await self.world.ask(self._group.heartbeat, self._process.name, generation)
            if generation != self._app.consumer_generation_id:
                continue
            if answer != "unknown":
                self._heard_at = sent_at
            if answer != "ok":
                self._rejoin.set()

    # -- records -------------------------------------------------------------------------------------------------

    def _appended(self, partition: int) -> None:
        if self._fetching and not self._due:
            self._due = True
            self.world.after(self.world.hop(), self._process.call, self._fetched)

    def _fetched(self) -> None:
        self._due = False
        if self._fetching and self._fetch():
            self._appended(0)

    def _fetch(self) -> bool:
        """Take some of what is there; True if there is more."""
        more = False
        spots = list(self._positions)
        self.world.rng.shuffle(spots)
        for tp in spots:
            stream = self._app.streams.get(tp.topic)
            if stream is None:
                continue
            room = self.world.rng.choice((1, 3, 100))
            for entry in self.world.log.topics[tp.topic][tp.partition].read(self._positions[tp]):
                if not room:
                    more = True
                    break
                room -= 1
                self._positions[tp] = entry.offset + 1
                if self.ledger.take(tp, entry.offset):
                    stream.put(_record(tp, entry, self._app.consumer_generation_id))
        return more

    def _gone(self) -> None:
        for topic in self._group.partitions:
            self.world.log.unfollow(topic, self._appended)

    # -- commits -------------------------------------------------------------------------------------------------

    async def _commit_often(self) -> None:
        while True:
            await asyncio.sleep(COMMIT_SECONDS)
            await self.commit()

    async def commit(self) -> None:
        async with self._committing:
            await self._commit()

    async def _commit(self) -> None:
        offsets = dict(self.ledger.committable())
        if not offsets:
            return
        self.world.point("commit")
        generation = self._app.consumer_generation_id
        if await self.world.ask(self._group.commit, self._process.name, generation, offsets):
            for tp, offset in offsets.items():
                self.ledger.reported(tp, offset)


class SimEngine:
    """Has what ``streams.app`` asks of a Faust app."""

    def __init__(self, world: World, process: Process, group: Group, settings: Settings) -> None:
        self.consumer = SimConsumer(world, process, group, self)
        self.consumer_generation_id = -1
        self.rebalancing = True
        self.heartbeat_seconds = settings.kafka.heartbeat_interval.total_seconds()
        self.intents = settings.topics.name("ticket_intents")
        self.streams: dict[str, Stream] = {}
        self._agents: list[Callable[[Any], Awaitable[None]]] = []
        self.orders: SimOrders
        self._tasks: list[asyncio.Task[None]] = []
        self._world = world

    def topic(self, name: str, **_: Any) -> str:
        return name

    def agent(self, topic: str, name: str) -> Callable[[Callable[[Any], Awaitable[None]]], None]:
        def register(agent: Callable[[Any], Awaitable[None]]) -> None:
            self.streams[topic] = Stream(self.consumer)
            self._agents.append(lambda _: agent(self.streams[topic]))

        return register

    async def recovered(self) -> None:
        self.orders.call_recovered()

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(_run(agent)) for agent in self._agents]
        self._tasks.append(asyncio.create_task(self.consumer.run()))
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._world.broken(f"an agent ended: {error!r}")

    async def stop(self) -> None:
        self._tasks[-1].cancel()
        await self.consumer.leave()
        for task in self._tasks:
            task.cancel()


async def _run(agent: Callable[[Any], Awaitable[None]]) -> None:
    await agent(None)


def _record(tp: TP, entry: Entry, generation: int) -> ConsumerRecord:
    return ConsumerRecord(tp, entry.offset, generation, entry.key, entry.value, entry.headers, entry.timestamp_ms)


def _resolve(future: "asyncio.Future[Any]", answer: Any) -> None:
    if not future.done():
        future.set_result(answer)
