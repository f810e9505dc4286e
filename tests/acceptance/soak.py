"""A soak: three workers under a steady load in bad weather, killed, frozen, restarted; the broker too. Then judged.

    python -m tests.acceptance.soak --minutes 60        (make soak MINUTES=60)

Exit code 0 if every guarantee held. A line a minute says how it goes; the last lines say what it saw.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ops.demo.evidence import outstanding_writes, read_journal
from ops.emulator import Plan, scenario
from ops.kafka import Broker, prepare
from tests.acceptance.judge import judge
from tests.acceptance.records import UNAVAILABLE, Document, entity, relates_to, work_order
from tests.acceptance.stage import Stage, Worker

WORKERS = 3
ORDERS = 400
CHANGES_PER_SECOND = 8
ROUND_SECONDS = 20.0
"""One fault a round."""
FROZEN_SECONDS = 9.0
"""Longer than the workers' session time-out: another owner takes over meanwhile."""
BROKER_EVERY = 15
"""Rounds between two kills of the broker."""
SETTLE_SECONDS = 15.0
"""Of a request without an answer: longer than the latest late commit of the weather."""
LAST_SECONDS = 600.0
"""After the last change all must be done within this."""
STATUSES = ("Open", "In Progress", "On Hold", "Resolved", "Closed")
OPERATIONS = ("put_ticket", "patch_ticket", "get_ticket", "list_tickets")
CALM = Plan(rules=())
WEATHER = ("weather", "weather", "weather", "storm-429", "storm-5xx", "late-commits", "resets", "garbled")


class Soak:
    def __init__(self, stage: Stage, broker: Broker, seed: int) -> None:
        self._stage, self._broker, self._rng = stage, broker, random.Random(seed)
        self._workers = [stage.worker(name=f"soak-{number}") for number in range(1, WORKERS + 1)]
        self._begun: set[str] = set()
        self._faults: Counter[str] = Counter()
        self._rss: list[int] = []

    def run(self, seconds: float) -> None:
        """The load and the faults; then calm, and all must land."""
        stage, began = self._stage, time.monotonic()
        stage.members(WORKERS)
        stage.final(stage.change("KNOWN"))
        rounds = 0
        while (passed := time.monotonic() - began) < seconds:
            self._weather()
            self._round(self._broker_dies if rounds % BROKER_EVERY == BROKER_EVERY - 1 else self._fault())
            rounds += 1
            self._say(passed)
        stage.willow.ask(lambda emulator: emulator.faults.use(CALM))
        stage.entities(entity("LATE", "Pump", "FLOOR1", "TW-LATE"))
        for worker in self._workers:
            if not worker.running:
                worker.start()
        stage.finals(stage.sent, LAST_SECONDS)
        stage.until(lambda: not outstanding_writes(read_journal(stage.willow.journal)), "the late writes")
        # What an unanswered PATCH changed late is put right when `settle` is over.
        time.sleep(SETTLE_SECONDS + 5.0)
        judge(stage)
        self._say(time.monotonic() - began)

    def _round(self, fault: Callable[[], None]) -> None:
        end = time.monotonic() + ROUND_SECONDS
        fault_at = end - self._rng.uniform(10.0, ROUND_SECONDS - 2.0)
        while (now := time.monotonic()) < end:
            self._stage.send_changes(self._change() for _ in range(CHANGES_PER_SECOND))
            self._stage.tap.drain(0.05)
            if now >= fault_at:
                fault_at = end + 1.0
                fault()
            time.sleep(max(0.0, now + 1.0 - time.monotonic()))

    def _change(self) -> Document:
        rng, order_id = self._rng, f"WO-{self._rng.randrange(ORDERS):03}"
        fields = {
            "jobStatus": rng.choice(STATUSES),
            "summary": f"{order_id} {rng.randrange(10_000)}",
        }
        if order_id in self._begun and rng.random() < 0.3:
            fields["description"] = UNAVAILABLE
        self._begun.add(order_id)
        related = relates_to("LATE" if rng.random() < 0.05 else rng.choice(("AHU1", "AHU2")))
        return work_order(order_id, self._stage.calendar.next(), relatesTo=related, **fields)

    def _weather(self) -> None:
        name = self._rng.choice(WEATHER)
        self._faults[f"weather {name}"] += 1
        self._stage.willow.ask(lambda emulator: emulator.faults.use(scenario(name)))

    # -- faults --------------------------------------------------------------------------------------------------

    def _fault(self) -> Callable[[], None]:
        return self._rng.choice((self._kill, self._kill, self._freeze, self._stop, self._kill_two))

    def _victim(self) -> Worker:
        return self._rng.choice(self._workers)

    def _kill(self) -> None:
        self._faults["kills"] += 1
        victim = self._victim()
        victim.kill()
        victim.start()

    def _kill_two(self) -> None:
        self._faults["kills"] += 2
        pair = self._rng.sample(self._workers, 2)
        for worker in pair:
            worker.kill()
        for worker in pair:
            worker.start()

    def _freeze(self) -> None:
        self._faults["freezes"] += 1
        victim = self._victim()
        victim.freeze()
        time.sleep(FROZEN_SECONDS)
        victim.thaw()

    def _stop(self) -> None:
        self._faults["sigterms"] += 1
        victim = self._victim()
        victim.stop()
        if victim.exit_code != 0:
            raise AssertionError(f"{victim.name} ended with {victim.exit_code} after SIGTERM:\n{victim.tail()}")
        victim.start()

    def _broker_dies(self) -> None:
        self._faults["broker kills"] += 1
        self._broker.kill()
        time.sleep(3.0)
        self._broker.launch()
        self._broker.wait_until_answers()

    # -- figures -------------------------------------------------------------------------------------------------

    def _say(self, seconds: float) -> None:
        stage = self._stage
        for worker in self._workers:
            if worker.wanted and not worker.running:
                raise AssertionError(f"{worker.name} ended by itself with {worker.exit_code}:\n{worker.tail()}")
        rss = [size for worker in self._workers if (size := worker.resident_mib()) is not None]
        self._rss.append(max(rss, default=0))
        open_ones = len(stage.sent) - len(stage.tap.finals)
        tickets = stage.willow.ask(lambda emulator: len(emulator.tickets))
        faults = ", ".join(f"{count} {name}" for name, count in sorted(self._faults.items()) if "weather" not in name)
        print(
            f"{seconds / 60:5.1f} min: {len(stage.sent)} records, {open_ones} not final yet, {tickets} tickets; "
            f"{faults}; largest worker {self._rss[-1]} MiB",
            flush=True,
        )

    def summary(self) -> str:
        stage, third = self._stage, max(1, len(self._rss) // 3)
        calls = {
            name: stage.willow.calls(name) for name in ("put_ticket", "patch_ticket", "get_ticket", "list_tickets")
        }
        outcomes = Counter(said[0]["outcome"] for said in stage.tap.finals.values())
        return "\n".join(
            (
                f"records {len(stage.sent)}, outcomes {dict(outcomes)}",
                f"calls {calls}",
                f"faults {dict(self._faults)}",
                f"largest worker, first third {max(self._rss[:third])} MiB, last third {max(self._rss[-third:])} MiB",
            )
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="willow-sync-soak-"))
    print(f"seed {given.seed}; logs and data in {folder}", flush=True)
    with Broker(prepare(), folder / "broker") as broker:
        settle = {"settle": f"{SETTLE_SECONDS:g}s"}
        stage = Stage(broker.bootstrap_servers, folder, willow={"request_timeout": "4s"}, in_doubt=settle)
        try:
            soak = Soak(stage, broker, given.seed)
            try:
                soak.run(given.minutes * 60.0)
            finally:
                print(soak.summary(), flush=True)
        finally:
            stage.close()
    print("every guarantee held", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
