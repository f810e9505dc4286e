"""A worker: the production wiring of ``streams.app`` in a process of the world, started again after a crash."""

import asyncio
from functools import partial
from typing import Any

from streams.agents.entity_poison import EntityPoison
from streams.app import SyncApp
from streams.edges import Edges
from streams.kafka.faust_app import REBALANCE_MARGIN
from streams.metrics import Metrics
from streams.settings import Settings
from tests.simulation.client import client
from tests.simulation.clock import Process
from tests.simulation.engine import SimEngine
from tests.simulation.tables import Disk, SimOrders, SimProducer, SimView
from tests.simulation.willow import Willow
from tests.simulation.world import World

TOPIC_ID = "id-of-the-input"


def changelog_of(settings: Settings) -> str:
    return f"{settings.kafka.group_id}-orders-changelog"


class Worker:
    """One after the other several processes, with one disk."""

    def __init__(self, world: World, willow: Willow, settings: Settings, name: str) -> None:
        self.name, self.settings = name, settings
        self._world, self._willow = world, willow
        self._disk = Disk()
        self._starts = 0
        self.process: Process | None = None
        self._stopping: Process | None = None
        self.sync: SyncApp | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> None:
        if not self.running:
            self._starts += 1
            self.process = Process(self._world.loop, f"{self.name}.{self._starts}")
            self._world.note("starts", self.process)
            self.process.spawn(self._run(self.process)).add_done_callback(self._ended)

    def lose_disk(self) -> None:
        """Only between two processes: the next one begins on another machine."""
        self._disk = Disk()

    def stop(self) -> None:
        """SIGTERM; a second one changes nothing."""
        if self.running and self.process is not None and self._stopping is not self.process:
            self._stopping = self.process
            self.process.spawn(self._stop(self.process))

    async def _run(self, process: Process) -> None:
        world, settings = self._world, self.settings
        topics = settings.topics
        partitions = {
            name: len(world.log.topics[name])
            for name in (topics.work_orders, topics.name("replans"), topics.name("ticket_intents"))
        }
        session = settings.kafka.session_timeout.total_seconds()
        rebalance = settings.willow.request_timeout.total_seconds() + REBALANCE_MARGIN
        group = world.group(settings.kafka.group_id, partitions, session, rebalance)
        engine = SimEngine(world, process, group, settings)
        engine.orders = SimOrders(world, process, self._disk, changelog_of(settings))
        edges = Edges(
            app=lambda _: engine,
            consumer=engine.consumer,
            client=partial(client, world, self._willow),
            producer=lambda *_, **__: SimProducer(world),
            view=partial(_view, world),
            orders=lambda _: engine.orders,
            entity_poison=NoEntityPoison,
            clock=world.loop.epoch,
            monotonic=world.loop.time,
            rng=lambda: world.rng,
        )
        ids = {topics.work_orders: TOPIC_ID}
        self.sync = sync = SyncApp(settings, {}, Metrics(), edges)
        sync.declare_agents(ids)
        await sync.start()
        error = await sync.failed
        world.broken(f"{process.name} stopped by itself: {error!r}")

    def _ended(self, run: "asyncio.Task[object]") -> None:
        if not run.cancelled() and (error := run.exception()) is not None:
            self._world.broken(f"{self.name} could not run: {error!r}")

    async def _stop(self, process: Process) -> None:
        self._world.note("is asked to stop")
        if self.sync is not None:
            await self.sync.stop()
        self._world.note("has stopped")
        process.kill()
        self._world.on_end(process)


def _view(world: World, topic: str, handler: Any, _: Any, **options: Any) -> SimView:
    return SimView(world, topic, handler, **options)


class NoEntityPoison(EntityPoison):
    """Dead letters of ``mapped.entities`` come from a thread with a group of its own: not simulated."""

    def __init__(self, *_: Any, **__: Any) -> None:
        return None

    def start(self) -> None:
        return None

    async def close(self) -> None:
        return None
