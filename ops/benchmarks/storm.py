"""Willow overloaded, then away, while orders keep coming: the worker's memory, and that everything lands."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from ops.benchmarks import sample
from ops.benchmarks.figures import Figure
from ops.benchmarks.landed import owed, require_final_state
from ops.benchmarks.memory import MemoryMeter
from ops.benchmarks.processor import ProcessorMeter
from ops.benchmarks.rig import TOPICS, Rig, Step, rig
from ops.benchmarks.sample import Sample
from ops.demo.evidence import count_requests, outcomes_of, read_journal, read_topic
from ops.demo.processes import DemoFailed
from ops.emulator import Plan, Rule, scenario
from ops.emulator.faults.kinds import Refuse
from ops.kafka import KafkaRuntime

RATE = 25.0
"""Records a second, from the storm's begin to the outage's end."""
KNOWN = 400
"""Orders with tickets from before; each changes once a round."""
NEW = 100
"""New orders a round."""
PENDING = 2_000
"""Records that the worker may hold (max_pending_records), at most."""
GROWTH = 1.1
"""The last third of the time may take so many times the memory of the first."""
LANDED_SECONDS = 120.0
"""After the outage: the longest wait between two probes is 30 s, and then the backlog is worked off."""
SETTLE_SECONDS = 300.0
_LOOK_SECONDS = 2.0


@dataclass(slots=True)
class Sent:
    """``newest``: order id → its newest record."""

    newest: dict[str, Sample] = field(default_factory=dict)
    records: int = 0

    def add(self, item: Sample) -> None:
        self.newest[item.id] = item
        self.records += 1


def measure(runtime: KafkaRuntime, step: Step, minutes: float) -> list[Figure]:
    """``minutes`` of 429 and as long an outage. Raises DemoFailed, KafkaSetupError, ValueError."""
    seconds = minutes * 60
    # What the outage cut off is in doubt until then: a short run must not wait for long.
    settle = f"{min(SETTLE_SECONDS, max(1.0, seconds / 2)):g}s"
    # Reached in the first twelfth of the time: up to the bound what waits costs memory, beyond it nothing may.
    pending = int(min(PENDING, max(100.0, RATE * 2 * seconds / 12)))
    with rig(runtime, in_doubt={"settle": settle}, max_pending_records=pending) as bench:
        step("making the first tickets")
        bench.send("entities", sample.entities(sample.ESTATE))
        meter, sent = bench.start_worker(), Sent()
        for item in sample.orders(KNOWN):
            bench.send_one("work_orders", item)
            sent.add(item)
        bench.until_decided(KNOWN, meter)
        memory = MemoryMeter(bench.worker.pid)
        step(f"{minutes:g} minutes of 429, then an outage of {minutes:g} minutes; {RATE:g} records a second")
        bench.use_faults(plan(seconds))
        _steadily(bench, 2 * seconds, sent, memory)
        over = time.time()
        step(f"the outage is over, {sent.records - bench.count('outcomes')} records are waiting")
        _until_landed(bench, meter, sent.records)
        journal = read_journal(bench.journal)
        require_final_state(journal, sent.newest)
        requests = ", ".join(f"{name}: {number}" for name, number in sorted(count_requests(journal).items()))
        landed = bench.instants("outcomes")[-1] - over
        return _figures(memory, landed, f"at most {pending} in work", f"{sent.records} records; {requests}")


def plan(seconds: float) -> Plan:
    """The emulator's 429 scenario made as long as asked, then as long an outage."""
    stormy = scenario("storm-429")
    rules = [rule.model_copy(update={"until": seconds}) for rule in stormy.rules]
    outage = Rule(name="nothing-listens", after=seconds, until=2 * seconds, fault=Refuse())
    return Plan(seed=stormy.seed, rules=(*rules, outage))


def records() -> Iterator[Sample]:
    """For ever: a new order after each fourth change of a known one."""
    for number in count(1):
        changes = sample.orders(KNOWN, change=number)
        new = sample.orders(NEW, prefix=f"NEW{number}")
        each = KNOWN // NEW
        for place, item in enumerate(new):
            yield from changes[place * each : (place + 1) * each]
            yield item


def _steadily(bench: Rig, seconds: float, sent: Sent, memory: MemoryMeter) -> None:
    start = time.monotonic()
    for number, item in enumerate(islice(records(), int(RATE * seconds))):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        bench.send_one("work_orders", item)
        sent.add(item)
        if number % int(RATE) == 0:
            bench.worker.require_running()
            memory.sample()
    time.sleep(max(0.0, start + seconds - time.monotonic()))
    bench.send("work_orders", ())


def _until_landed(bench: Rig, meter: ProcessorMeter, sent: int) -> None:
    bench.until_decided(sent, meter, besides=SETTLE_SECONDS)
    ends = bench.ends("work_orders")
    if sum(ends.values()) != sent:
        raise DemoFailed(f"{TOPICS['work_orders']} holds {sum(ends.values())} of {sent} records", "run it again")
    deadline = time.monotonic() + 2 * SETTLE_SECONDS
    # Parked outcomes are among those that were counted.
    while missing := owed(outcomes_of(read_topic(bench.broker.bootstrap_servers, TOPICS["outcomes"])), ends):
        if time.monotonic() > deadline:
            raise DemoFailed(f"{missing} of {sent} records have no final outcome", f"read {bench.worker.log}")
        bench.worker.require_running()
        time.sleep(_LOOK_SECONDS)


def _figures(memory: MemoryMeter, landed: float, bound: str, note: str) -> list[Figure]:
    first, last = memory.thirds()
    grown = f"{first:.0f} and {last:.0f} MiB, most {memory.peak:.0f} MiB; {bound}"
    return [
        Figure("storm", "the worker's memory, last third ÷ first third", last / first, "", GROWTH, True, grown),
        Figure("storm", "last outcome after the outage", landed, "s", LANDED_SECONDS, True, note),
    ]
