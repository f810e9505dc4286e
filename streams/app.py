"""The Faust app: topics, the order table and the agents, as in the picture of contract §1."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from streams.agents.calls import Calls, Lease
from streams.agents.intake import Intake
from streams.agents.lists import Lists
from streams.agents.order import Books
from streams.agents.outlet import Outlet
from streams.agents.planner import Planner
from streams.agents.sink import Sink
from streams.agents.stops import Stops
from streams.agents.takeover import TakeOver
from streams.agents.tickets import Tickets
from streams.agents.timers import Timers
from streams.agents.waiting import WaitingIndex
from streams.agents.writer import Writer
from streams.console.recent import Recent
from streams.delivery.lanes import Lanes
from streams.delivery.pacing import Pace
from streams.delivery.pause import Breaker, Pause
from streams.delivery.rate import SharedRate
from streams.delivery.state import OrderState
from streams.edges import Edges
from streams.health import measure
from streams.kafka.in_flight import InFlight
from streams.kafka.record import ConsumerRecord, Records
from streams.kafka.transport import Hooks
from streams.metrics import Metrics
from streams.planning.external_ids import ExternalIds
from streams.planning.rules import Rules
from streams.settings import Settings
from streams.tables.catching_up import CatchUp
from streams.tables.claims import ClaimTable
from streams.tables.controls import Controls
from streams.tables.identities import IdentityTable
from streams.tables.twins import TwinTable
from streams.tables.view import View

log = logging.getLogger(__name__)

#: Orders under way at once for each HTTP slot: while one waits for its claim or its acknowledgements, others call.
LANES_PER_SLOT = 4

#: Records that the planner may have sent and not yet seen acknowledged; each is a few kilobytes.
PLANNER_WINDOW = 5_000

#: What runs at a rebalance and is no create gets this long (seconds).
DRAIN_GRACE = 3.0

#: A create may take the whole request time-out, and then its identity and outcome must be written.
DRAIN_MARGIN = 8.0


class WrongInstance(Exception):
    """Identities of another Willow instance stand in the topic (contract §6)."""

    remedy = (
        "Point willow.base_url back to that instance, or give the new one its own topics.prefix and its own"
        " kafka.group_id: the orders' states belong to the group and tell of that instance's tickets."
    )


class SyncApp:
    """One worker's parts, wired. ``start`` and ``stop`` once each; ``failed`` resolves with the first fault that must
    end the worker."""

    def __init__(
        self,
        settings: Settings,
        kafka: dict[str, Any],
        metrics: Metrics,
        edges: Edges | None = None,
        *,
        accept_gap: bool = False,
    ) -> None:
        self.settings, self.metrics, self._accept_gap = settings, metrics, accept_gap
        self._edges = edges = edges or Edges()
        self.clock, self.started, self.recent = edges.clock, edges.clock(), Recent()
        self.failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self.app = edges.app(settings)
        topics, willow = settings.topics, settings.willow
        self.client = edges.client(
            willow.base_url,
            willow.client_id,
            willow.client_secret.get_secret_value(),
            request_timeout=willow.request_timeout.total_seconds(),
            max_connections=willow.max_in_flight,
            observe=metrics.call,
            gate=self._gate,
        )
        self.producer = edges.producer(kafka, on_fatal=self.fail)
        self.twins = TwinTable(settings.input_format.entities)
        self.identities, self.claims = IdentityTable(), ClaimTable()
        self.entities_view = edges.view(topics.entities, self.twins, kafka, on_change=self._twins, on_fatal=self.fail)
        self.identities_view = edges.view(topics.name("ticket_identities"), self.identities, kafka, on_fatal=self.fail)
        self.controls = Controls(self.claims)
        self.claims_view = edges.view(
            topics.name("create_claims"), self.controls, kafka, on_change=self._controls_changed, on_fatal=self.fail
        )
        self.lists = Lists(self.client, clock=edges.monotonic)
        self.breaker = Breaker(
            self.client.statuses,
            clock=edges.clock,
            timer=edges.monotonic,
            rng=edges.rng(),
            on_change=self._paused,
        )
        self.stops = Stops(self.breaker, self.controls)
        self.orders = edges.orders(self.app)
        self.orders.producer = self.producer
        self._wire(kafka)
        measure(self)
        self._tasks: list[asyncio.Task[None]] = []

    def _wire(self, kafka: dict[str, Any]) -> None:
        settings, edges, outlet = self.settings, self._edges, self._outlet()
        writer = outlet.writer
        self.entity_poison = edges.entity_poison(settings, kafka, writer, on_fatal=self.fail)
        self.books = Books(
            self.orders, outlet.identities, outlet.claims, writer, edges.clock, outlet.told, self._state_written
        )
        slots = settings.willow.max_in_flight
        self.lanes: Lanes[ConsumerRecord] = Lanes(self._handle, workers=slots * LANES_PER_SLOT, on_error=self.fail)
        lease = Lease(lambda: self.app.consumer.lease_age(), settings.kafka.session_timeout.total_seconds())
        self.books.may_write = partial(lease.wait, self.lanes)
        self.books.decided = self.stops.decided
        self.books.owner = lambda: lease.fresh
        self.books.generation = self._generation
        self.rate = SharedRate(settings.willow.requests_per_second, clock=edges.monotonic)
        self.calls = outlet.calls(
            self.client,
            self.lanes,
            lease,
            max_in_flight=slots,
            rng=edges.rng(),
            breaker=self.breaker,
            rate=self.rate,
        )
        settle = settings.in_doubt.settle.total_seconds()
        external_ids = ExternalIds(settings.external_id_template)
        self.takeover = TakeOver(
            self.client,
            writer,
            outlet.controls,
            self.claims_view,
            external_ids=external_ids,
            partitions=settings.topics.partitions,
            owned=self._my_partitions,
            rng=edges.rng(),
        )
        behind = (self.claims_view, self.identities_view)
        self.catch_up = CatchUp(behind, self._generation, then=self.takeover.assigned, on_fatal=self.fail)
        tickets = Tickets(
            self.calls,
            self.claims_view,
            self.identities_view,
            self.takeover,
            max_claims=slots + max(8, slots // 2),
            settle=settle,
            on_missing=settings.on_missing_ticket,
        )
        bounds = {"max_records": settings.max_pending_records, "max_bytes": settings.max_pending_bytes}
        self.sink_window = InFlight(self.app, **bounds)
        window = {"max_records": PLANNER_WINDOW, "max_bytes": settings.max_pending_bytes}
        self.planner_windows = (InFlight(self.app, **window), InFlight(self.app, **window))
        self.intake = Intake(self.app, self.sink_window, self.lanes, self.catch_up)
        self.sink = Sink(self.books, tickets, self.claims_view, self.sink_window, settings)
        self.index = WaitingIndex(
            self.books,
            self.twins,
            self.entities_view,
            self.client,
            external_id=external_ids.of,
            settle=settle,
            pace=Pace(settings.replans_per_second, clock=edges.monotonic),
        )
        park_ttl = settings.park_ttl.total_seconds() if settings.park_ttl else None
        self.timers = Timers(writer.signal, park_ttl=park_ttl, clock=edges.clock)

    def _outlet(self) -> Outlet:
        writer = Writer(self.producer, self.settings, clock=self._edges.clock)
        return Outlet(writer, Calls, self.identities, self.claims, self.controls, self._told)

    def words(self, outcome: Mapping[str, Any]) -> Mapping[str, Any]:
        """An outcome of the sink in words that are true of this worker."""
        return outcome

    def _told(self, outcome: Mapping[str, Any]) -> None:
        said = self.words(outcome)
        self.metrics.outcome(said)
        self.recent.add(said)

    # -- agents --------------------------------------------------------------------------------------------------

    def declare_agents(self, topic_ids: Mapping[str, str]) -> None:
        """Two planners (live, and behind them what comes back) and the sink."""
        app, topics, settings = self.app, self.settings.topics, self.settings
        planner = Planner(
            self.twins,
            self.entities_view,
            self.lists,
            self.books.writer,
            Rules.of(settings),
            settings.input_format.work_orders,
            topic_ids,
            clock=self._edges.clock,
            told=self._told,
        )
        live, replanned = self.planner_windows
        pace = Pace(settings.replans_per_second, clock=self._edges.monotonic)

        async def plan(stream: Any) -> None:
            await planner.work_orders(Records(stream), live)

        async def replan(stream: Any) -> None:
            await planner.replans(Records(stream), replanned, pace)

        async def sink(stream: Any) -> None:
            await self.intake.take(Records(stream))

        for name, topic, agent in (
            ("planner", topics.work_orders, plan),
            ("replanner", topics.name("replans"), replan),
            ("sink", topics.name("ticket_intents"), sink),
        ):
            channel = app.topic(topic, key_serializer="raw", value_serializer="raw", allow_empty=True)
            app.agent(channel, name=name)(agent)

    async def _handle(self, order_id: str, batch: list[ConsumerRecord]) -> None:
        items = self.intake.items(order_id, batch)
        if items:
            await self.sink.handle(order_id, items)

    def _gap(self, tp: Any, first_missing: int, resumed_at: int) -> None:
        log.warning("%s/%d: records %d to %d are gone; going on", tp.topic, tp.partition, first_missing, resumed_at - 1)
        self.books.writer.gap_accepted(tp.topic, tp.partition, first_missing, resumed_at)

    async def _gate(self) -> bool:
        return await self.calls.gate()

    # -- rebalances ----------------------------------------------------------------------------------------------

    async def _drain(self) -> None:
        # Nothing is woken from tables that are leaving.
        self.index.rebuild(())
        self.timers.rebuild(())
        create_grace = self.settings.willow.request_timeout.total_seconds() + DRAIN_MARGIN
        await self.lanes.drain(DRAIN_GRACE, create_grace)
        deadline = self._edges.monotonic() + DRAIN_GRACE
        while any(window.records for window in self.planner_windows) and self._edges.monotonic() < deadline:
            await asyncio.sleep(0.01)
        for window in (self.sink_window, *self.planner_windows):
            window.give_up()
        self._share_rate(())

    def _resume(self) -> None:
        for window in (self.sink_window, *self.planner_windows):
            window.give_up()
        self._share_rate(self._my_partitions())
        self.lanes.resume()

    def _share_rate(self, mine: Sequence[int]) -> None:
        self.rate.share(len(mine), self.settings.topics.partitions)

    def _generation(self) -> int:
        generation: int = self.app.consumer_generation_id
        return generation

    def _my_partitions(self) -> list[int]:
        """Of the intents topic, as of the newest assignment."""
        intents = self.settings.topics.name("ticket_intents")
        return sorted(tp.partition for tp in self.app.consumer.assignment() if tp.topic == intents)

    def _recovered(self) -> None:
        # Not only when the first record asks for it: the take-over begins with it.
        self.catch_up.begin(self._generation())
        try:
            self._wake_up()
        except Exception as error:
            # Faust looks at no exception here: parked orders would never wake, in silence.
            self.fail(error)

    def _wake_up(self) -> None:
        mine = self._my_partitions()
        restless = [(order_id, p, state) for p in mine for order_id, state in self.orders.restless(p)]
        self.index.rebuild((order_id, p, state.waiting) for order_id, p, state in restless if state.waiting)
        self.timers.rebuild((order_id, state) for order_id, _, state in restless)

    def _state_written(self, order_id: str, partition: int, state: OrderState) -> None:
        self.index.changed(order_id, partition, state.waiting)
        self.timers.changed(order_id, state)

    def _twins(self) -> None:
        self.index.twins_changed()

    def _controls_changed(self) -> None:
        self.stops.controls_changed()
        self.takeover.controls_changed()

    def _paused(self, pauses: tuple[Pause, ...]) -> None:
        self.metrics.paused(pause.cause for pause in pauses)
        for pause in pauses:
            log.warning("calls to Willow are held back (%s): %s", pause.cause, pause.detail)
        if not pauses:
            log.info("calls to Willow go on")
            self.index.look_up_now()

    # -- life ----------------------------------------------------------------------------------------------------

    def fail(self, error: BaseException) -> None:
        """Something that only a restart can mend: the worker stops, nothing is acknowledged that was not done."""
        if not self.failed.done():
            self.failed.set_result(error)

    def _views(self) -> tuple[View, ...]:
        return (self.entities_view, self.identities_view, self.claims_view)

    async def start(self) -> None:
        self.producer.start()
        self.entity_poison.start()
        await self.client.__aenter__()
        for view in self._views():
            await view.start()
        await self.identities_view.until_ready()
        # A pause may stand there: it counts before the first call.
        await self.claims_view.until_ready()
        others = (self.identities.instances | self.claims.instances) - {self.settings.willow.base_url}
        if others:
            raise WrongInstance(
                f"willow.base_url is {self.settings.willow.base_url}, but identities name {sorted(others)}"
            )
        for forever in (
            self.lists.keep,
            self.index.wake_parked,
            self.index.look_up_doubts,
            self.timers.run,
            self.takeover.run,
        ):
            self._spawn(forever)
        gap = self._gap if self._accept_gap else None
        self._edges.consumer.hooks = Hooks(drain=self._drain, resume=self._resume, fatal=self.fail, gap=gap)
        self.orders.when_recovered(self._recovered)
        await self.app.start()

    def _spawn(self, forever: Callable[[], Any]) -> None:
        task = asyncio.ensure_future(forever())
        self._tasks.append(task)
        task.add_done_callback(self._fail_with)

    def _fail_with(self, done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            self.fail(error)

    async def stop(self) -> None:
        """Drain, commit, leave the group, flush."""
        await self.app.stop()
        for task in self._tasks:
            task.cancel()
        await self.breaker.close()
        for view in self._views():
            await view.close()
        await self.entity_poison.close()
        left = await self.producer.close(10.0)
        if left:
            log.error("%d records were not acknowledged by the broker; their sources come again", left)
        await self.client.__aexit__(None, None, None)
