"""One run of a scenario: builds the world, lets it happen, waits until all is quiet, and has it judged."""

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from faust.types import TP

from schemas.replan import Replan, signal
from streams.delivery.resolution import word
from streams.reading.log import Logged
from streams.reading.records import opened
from streams.reading.replays import as_replan
from tests.acceptance.records import ESTATE, Document, as_json
from tests.simulation.checker import Checker
from tests.simulation.clock import Process, Stalled
from tests.simulation.evidence import Groups
from tests.simulation.scenario import INPUT_PARTITIONS, OWN_PARTITIONS, Record, Scenario
from tests.simulation.willow import Fate, Request, Willow
from tests.simulation.worker import TOPIC_ID, Worker, changelog_of
from tests.simulation.world import World

#: Virtual seconds after the last fault within which all must be done (I8): a pause's longest wait, settle, look-ups.
PATIENCE = 400.0

#: So long nothing may be written any more before a run counts as over.
QUIET_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Result:
    """``points`` are the places at which a process could have been killed, by name; the first is number 1."""

    scenario: Scenario
    problems: list[str]
    points: list[str]
    kills: int
    records: int
    calls: int
    seconds: float
    """Virtual."""
    trace: list[str]


class Run:
    """``crash_at`` are the points at which a worker is killed, ``freeze_at`` those at which it is frozen (seconds);
    ``loses_unsent``: whether what a killed one had not got acknowledged is lost (None: by chance)."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        crash_at: Collection[int] = (),
        freeze_at: Mapping[int, float] = MappingProxyType({}),
        loses_unsent: bool | None = None,
        tracing: bool = False,
    ) -> None:
        self.scenario = scenario
        settings = {group: scenario.settings(group) for group in scenario.groups}
        topics = next(iter(settings.values())).topics
        own = ("outcomes", "ticket_identities", "dead_letters", "ticket_intents", "replans", "create_claims")
        partitions = {topics.work_orders: INPUT_PARTITIONS, topics.entities: 1}
        partitions |= dict.fromkeys(map(topics.name, own), OWN_PARTITIONS)
        changelogs = {group: changelog_of(one) for group, one in settings.items()}
        partitions |= dict.fromkeys(changelogs.values(), OWN_PARTITIONS)
        self.world = world = World(
            scenario.seed,
            partitions,
            network=scenario.network,
            crash_at=scenario.crash_at | frozenset(crash_at),
            freeze_at=freeze_at,
            loses_unsent=loses_unsent,
            tracing=tracing,
        )
        self.willow = willow = Willow(world.loop.time, world.loop.epoch)
        willow.fates = self._fate
        willow.filters, willow.sorts = scenario.filters, scenario.sorts
        willow.had(scenario.had)
        willow.listed_after = self._listed_after
        self.topics = topics
        self._compacted = [topics.entities, topics.name("ticket_identities"), topics.name("create_claims")]
        self._compacted += changelogs.values()
        self.workers = {
            name: Worker(world, willow, settings[group], name)
            for group, names in scenario.groups.items()
            for name in names
        }
        self.checker = Checker(world, willow, topics, Groups(scenario.groups, changelogs), scenario)
        world.on_end = self._ended
        world.on_commit = self.checker.committed
        self._wanted: set[str] = set()

    def go(self) -> Result:
        world = self.world
        logging.disable(logging.CRITICAL)
        try:
            world.loop.set_exception_handler(self._unhandled)
            world.loop.run_until_complete(self._live())
            problems = [*world.problems, *self.checker.problems(), *self._left_in_memory()]
        except Stalled as stalled:
            problems = [*world.problems, f"I8 {stalled}"]
        finally:
            logging.disable(logging.NOTSET)
            world.loop.end()
        return Result(
            self.scenario,
            problems,
            world.points,
            world.kills,
            len(self.checker.sent),
            self.willow.requests,
            world.loop.time(),
            world.trace or [],
        )

    async def _live(self) -> None:
        world = self.world
        world.turn()
        for document in ESTATE:
            self.entity(document)
        for at, name, arguments in self.scenario.happenings:
            # One after the other: timers of one moment are in no order.
            await asyncio.sleep(max(0.0, at - world.loop.time()))
            getattr(self, name)(*arguments)
        await asyncio.sleep(max(0.0, self.scenario.faults_end - world.loop.time()))
        world.note("from here on nothing goes wrong any more")
        deadline = world.loop.time() + PATIENCE
        quiet_since = None
        while quiet_since is None or world.loop.time() - quiet_since < QUIET_SECONDS:
            if world.loop.time() > deadline:
                world.problems += [f"I8 not done after {PATIENCE:g} s: {what}" for what in self.checker.unfinished()]
                return
            written = len(world.log.all)
            await asyncio.sleep(0.5)
            frozen = any(worker.running and worker.process.frozen for worker in self.workers.values() if worker.process)
            left = next(self.checker.unfinished(), None) or next(self._left_in_memory(), None)
            if frozen or len(world.log.all) != written or left:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = world.loop.time()

    def _left_in_memory(self) -> Iterator[str]:
        """I8: when all is done no worker holds a record any more."""
        for worker in self.workers.values():
            if worker.running and worker.sync is not None:
                windows = (worker.sync.sink_window, *worker.sync.planner_windows)
                if left := sum(window.records for window in windows):
                    yield f"I8 {worker.name} holds {left} records in memory, though all are done"

    def _unhandled(self, loop: Any, context: dict[str, Any]) -> None:
        # A task's exception that nobody looked at: in production it would be a line of the log.
        self.world.note(f"unhandled: {context.get('message')} {context.get('exception')!r}")

    # -- what may happen -----------------------------------------------------------------------------------------

    def produce(self, record: Record, partition: int | None = None) -> None:
        """``partition`` is another than its key's where the input has grown."""
        key = record.order_id.encode() if record.key is None else record.key
        if partition is None:
            partition = self.world.log.partition_of(self.topics.work_orders, key)
        spot = TP(self.topics.work_orders, partition)
        entry = self.world.append(spot, key, record.value, (), "source")
        self.checker.produced(entry, record)

    def entity(self, document: Document) -> None:
        self.world.append(TP(self.topics.entities, 0), document["id"].encode(), as_json(document), (), "source")

    def start(self, name: str) -> None:
        self._wanted.add(name)
        self.workers[name].start()

    def stop(self, name: str) -> None:
        self._wanted.discard(name)
        self.workers[name].stop()

    def kill(self, name: str) -> None:
        process = self.workers[name].process
        if process is not None and process.alive:
            self.world.note("is killed", process)
            self.world.crash(process)

    def kill_at(self, name: str, point: str) -> None:
        """When it next comes to a point (``tests.simulation.world.World.point``)."""
        self.world.arm(name, point)

    def replay(self, order_id: str) -> None:
        """As ``willow-sync replay`` sends an order's newest decided record round."""
        at = self.checker.standing_at(order_id)
        if at is None:
            return
        entry, _ = self.checker.sent[at]
        logged = Logged(*entry[:3], entry.timestamp_ms, entry.key, entry.value, entry.headers)
        found = opened(logged, next(iter(self.workers.values())).settings)
        if found.change is None:
            return
        replay_id = f"replay-{len(self.checker.replays)}"
        self.checker.replays[replay_id] = at
        self._operate(order_id, as_replan(found, found.change, TOPIC_ID, replay_id=replay_id, force=False))

    def resolve(self, order_id: str) -> None:
        """As ``willow-sync resolve``, by somebody who has looked in Willow while no call was under way: an order in
        doubt has the ticket that is there, or none; one whose ticket is not there has none."""
        state = self.checker.state_of(order_id)
        if state is None or self.willow.under_way:
            return
        tickets = [t.id for t in self.willow.tickets.values() if t.fields.get("externalId") == order_id]
        bound = self.checker.identities.get(order_id) or state.ticket_id
        if (state.waiting is not None and state.waiting.kind == "in_doubt") or (bound and bound not in tickets):
            said = word(tickets[0] if tickets else None, state, bound)
            self._operate(order_id, signal(self.topics.name("replans"), order_id, "resolve", said))

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket in Willow."""
        self.willow.tickets.pop(ticket_id, None)

    def _operate(self, order_id: str, replan: Replan) -> None:
        topic, key = self.topics.name("replans"), order_id.encode()
        self.world.append(TP(topic, self.world.log.partition_of(topic, key)), key, replan.to_json(), (), "operator")

    def plan_again(self) -> None:
        """All intents once more, as a planner writes them that was killed before its first commit."""
        topic = self.topics.name("ticket_intents")
        for entry in self.world.log.read(topic):
            self.world.append(TP(topic, entry.partition), entry.key, entry.value, entry.headers, "planner")

    def lose_disk(self, name: str) -> None:
        self.workers[name].lose_disk()

    def freeze(self, name: str, seconds: float) -> None:
        process = self.workers[name].process
        if process is not None:
            self.world.freeze(process, seconds)

    def broker_away(self, seconds: float) -> None:
        self.world.note(f"the broker is away for {seconds:.2f} s")
        self.world.send_away(seconds)

    def compact(self, dirty: int) -> None:
        for topic in self._compacted:
            self.world.log.compact(topic, dirty=dirty)

    def revoke_tokens(self) -> None:
        self.willow.revoke_tokens()

    def _ended(self, process: Process) -> None:
        """Killed, or stopped in order: if it is to run, it is started again."""
        name = process.name.partition(".")[0]
        if name in self._wanted:
            self.world.after(self.world.rng.uniform(*self.scenario.restart_after), self.workers[name].start)

    def _fate(self, request: Request) -> Fate:
        fates = self.scenario.fates
        if fates is None or self.world.loop.time() >= self.scenario.faults_end:
            return Fate()
        fate: Fate = fates(self.world, request)
        return fate

    def _listed_after(self) -> float:
        return self.world.rng.uniform(0.0, self.scenario.listed_after)


def simulate(scenario: Scenario, **options: Any) -> Result:
    return Run(scenario, **options).go()
