"""``python -m tests.simulation --seed 17`` runs one scenario and prints its trace; ``--seeds 0:2000`` runs many."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.chances import random_scenario
from tests.simulation.run import Result, simulate

#: One fault makes many problems; the first ones tell the most.
SHOWN = 6


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print what happened")
    parser.add_argument("--seeds", default="0:200", metavar="FROM:TO", help="run these and print those that failed")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return _one(options.seed)
    first, last = (int(number) for number in options.seeds.split(":"))
    return _many(range(first, last))


def _one(seed: int) -> int:
    result = simulate(random_scenario(seed), tracing=True)
    print("\n".join(result.trace))
    print(_summary(result))
    return 1 if result.problems else 0


def _many(seeds: range) -> int:
    began, failed = time.process_time(), 0
    total: Counter[str] = Counter()
    for seed in seeds:
        result = simulate(random_scenario(seed))
        total += Counter(records=result.records, kills=result.kills, calls=result.calls, points=len(result.points))
        if result.problems:
            failed += 1
            print(_summary(result), flush=True)
    figures = ", ".join(f"{count} {name}" for name, count in total.items())
    print(f"{len(seeds)} seeds, {failed} failed, {time.process_time() - began:.1f} s of CPU; {figures}")
    return 1 if failed else 0


def _summary(result: Result) -> str:
    head = f"seed {result.scenario.seed}: {result.records} records, {result.kills} kills, {result.seconds:.0f} s"
    problems = result.problems or ["all is well"]
    more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return "\n  ".join([head, *problems[:SHOWN], *more])


if __name__ == "__main__":
    sys.exit(main())
