"""Scenarios drawn from a seed: histories, faults of Willow and of the broker, and what befalls the workers."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.acceptance.records import entity
from tests.simulation.records import LEFT_OUT, STATUSES, Orders
from tests.simulation.scenario import REQUEST_SECONDS, SESSION_SECONDS, SETTLE_SECONDS, Happening, Record, Scenario
from tests.simulation.willow import Fate, Request, Way
from tests.simulation.world import STEADY, Network, World

#: Virtual seconds in which records come and faults strike.
LENGTH = 25.0

#: What Willow takes late, it has taken and lists this long before settle ends: I1 assumes it.
LATEST = SETTLE_SECONDS - 2.0


def random_scenario(seed: int) -> Scenario:
    """Any number is a scenario, always the same."""
    rng = Random(seed)
    groups = _groups(rng)
    workers = [name for names in groups.values() for name in names]
    alone = len(groups) == 1
    happenings = [*_records(rng, plain=not alone), *_lives(rng, workers), *_troubles(rng, workers, alone=alone)]
    listed_after = rng.choice((0.0, 0.0, 3.0))
    calm = len(workers) == 1 and rng.random() < 0.5
    if calm:
        happenings = [happening for happening in happenings if happening[1] in ("start", "produce", "entity")]
    changes: dict[str, Any] = {
        "in_doubt": {"then": rng.choice(("create", "create", "create", "hold"))},
        "conflate": rng.choice(("latest", "latest", "keep_status_changes", "off")),
    }
    return Scenario(
        seed,
        sorted(happenings, key=lambda happening: happening[0]),
        groups,
        network=rng.choice((STEADY, Network(), Network(slow=0.1), Network(slow=0.05, slow_hop=1.0, slow_lag=14.0))),
        changes=changes,
        fates=_Fates(rng.choice((0.0, 0.03, 0.1, 0.3)), _outage(rng), LATEST - listed_after),
        faults_end=LENGTH + 5.0,
        listed_after=listed_after,
        filters=rng.random() < 0.8,
        sorts=rng.random() < 0.8,
        had=rng.choice((0, 0, 3)),
        restart_after=(0.2, rng.choice((0.5, 9.0))),
        crash_at=frozenset() if calm else frozenset(rng.sample(range(1, 400), rng.choice((0, 0, 1, 3)))),
    )


def _groups(rng: Random) -> dict[str, tuple[str, ...]]:
    first = ("a", "b", "c")[: rng.choice((1, 2, 2, 3))]
    return {"one": first, "two": ("x",)} if rng.random() < 0.15 else {"one": first}


# -- records ---------------------------------------------------------------------------------------------------------


def _records(rng: Random, *, plain: bool) -> Iterator[Happening]:
    """``plain``: nothing is skipped, refused or deleted. Of two groups one may have carried a change out that the
    other, where it still waited, says superseded by such a record: which of them is right nobody can know."""
    orders = Orders()
    at = 0.5
    later = [f"W{number}" for number in range(rng.randint(1, 6))]
    crowded = rng.random() < 0.5
    known: set[str] = set()
    whole_next: set[str] = set()
    for _ in range(rng.randint(4, 24)):
        at += rng.choice((0.0, 0.001, 0.02) if crowded else (0.02, 0.5, 3.0))
        order_id = rng.choice(later)
        fresh = order_id not in known or order_id in whole_next
        record = _record(rng, orders, order_id, fresh=fresh, plain=plain)
        if record.fields is not None:
            known.add(order_id)
            whole_next.discard(order_id)
        if not record.expected & {"stale", "not_a_change", "undecodable", "created"}:
            # What was skipped, refused or deleted is not remembered: a partial record would not be whole.
            whole_next.add(order_id)
        yield min(at, LENGTH), "produce", (record,)
    if rng.random() < 0.7:
        yield rng.uniform(3.0, LENGTH), "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),)
    else:
        yield LENGTH, "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),)


def _record(rng: Random, orders: Orders, order_id: str, *, fresh: bool, plain: bool) -> Record:
    draw = rng.random()
    if fresh or draw < 0.45:
        if draw < 0.12:
            return orders.waiting(order_id, "AHU-LATE")
        return orders.change(order_id, jobStatus=rng.choice(STATUSES), jobPriority=rng.choice(("High", "Low")))
    if draw < 0.65:
        without = tuple(name for name in LEFT_OUT if rng.random() < 0.3)
        return orders.change(order_id, without=without, blank=rng.random() < 0.5)
    making: tuple[tuple[float, Callable[[str], Record]], ...] = (
        (0.72, orders.stale),
        (0.78, orders.delete),
        (0.81, orders.control),
        (0.84, orders.poison),
        (0.89, orders.outside),
        (0.93, orders.refused),
        (0.95, orders.partly_refused),
    )
    for limit, make in making:
        if draw < limit:
            return (
                orders.change(order_id)
                if plain and make in (orders.delete, orders.outside, orders.refused)
                else make(order_id)
            )
    return orders.waiting(order_id, "AHU-LATE")


# -- workers and the broker ------------------------------------------------------------------------------------------


def _lives(rng: Random, workers: list[str]) -> Iterator[Happening]:
    yield 0.0, "start", (workers[0],)
    for name in workers[1:]:
        yield rng.choice((0.0, rng.uniform(0.0, LENGTH))), "start", (name,)
    for name in workers:
        # Whatever befell it, it runs in the end.
        yield LENGTH + 4.0, "start", (name,)


def _troubles(rng: Random, workers: list[str], *, alone: bool) -> Iterator[Happening]:
    """``alone``: there is one group, and a person can tell whether a create is still to come."""
    kinds = ["kill", "freeze", "stop", "broker", "compact", "tokens", "disk", "replay", "again"]
    for kind in rng.sample([*kinds, "resolve"] if alone else kinds, rng.randint(0, 5)):
        for _ in range(rng.choice((1, 1, 2, 5) if kind in ("kill", "freeze", "replay", "resolve") else (1, 2))):
            yield from _trouble(rng, kind, rng.choice(workers), rng.uniform(0.5, LENGTH))


def _trouble(rng: Random, kind: str, worker: str, at: float) -> Iterator[Happening]:
    match kind:
        case "kill":
            yield at, "kill", (worker,)
        case "freeze":
            yield at, "freeze", (worker, rng.choice((0.5, 3.0, SESSION_SECONDS + 2.0, 25.0)) * rng.uniform(0.8, 1.2))
        case "stop":
            yield at, "stop", (worker,)
            yield at + rng.uniform(3.0, 10.0), "start", (worker,)
        case "broker":
            yield at, "broker_away", (rng.choice((0.5, 3.0, 9.0)),)
        case "compact":
            yield at, "compact", (rng.choice((0, 3)),)
        case "tokens":
            yield at, "revoke_tokens", ()
        case "replay":
            yield at, "replay", (f"W{rng.randint(1, 6)}",)
        case "resolve":
            yield at, "resolve", (f"W{rng.randint(1, 6)}",)
        case "again":
            yield at, "plan_again", ()
        case "disk":
            yield at, "kill", (worker,)
            yield at + 0.01, "lose_disk", (worker,)


# -- Willow ----------------------------------------------------------------------------------------------------------


def _outage(rng: Random) -> tuple[float, float, Fate]:
    """From, to, and what is said meanwhile."""
    if rng.random() < 0.7:
        return 0.0, 0.0, Fate()
    begin = rng.uniform(0.0, LENGTH)
    fates = (
        Fate(Way.REFUSED),
        Fate(Way.STATUS, status=503),
        Fate(Way.STATUS, status=404),
        Fate(Way.STATUS, status=401),
    )
    return begin, begin + rng.choice((1.0, 6.0, 15.0)), rng.choice(fates)


_BAD_WRITES = tuple(way for way in Way if way not in (Way.ANSWERED, Way.STATUS))
_BAD_READS = (Way.REFUSED, Way.RESET_BEFORE, Way.SILENT_BEFORE, Way.TRUNCATED)
_BAD_STATUSES = (408, 425, 429, 429, 500, 502, 503, 504)


class _Fates:
    """A share of calls goes wrong; in an outage all of them do."""

    def __init__(self, share: float, outage: tuple[float, float, Fate], latest: float) -> None:
        self._share, self._latest = share, latest
        self._begin, self._end, self._said = outage

    def __call__(self, world: World, request: Request) -> Fate:
        rng, now, name = world.rng, world.loop.time(), request.operation.name
        if self._begin <= now < self._end and (self._said.status != 404 or name == "put_ticket"):
            return self._said
        seconds = rng.choice((0.005, 0.02, 0.02, 1.0, 3.0 if rng.random() < 0.1 else 0.1))
        if rng.random() >= self._share:
            return Fate(seconds=seconds)
        if rng.random() < 0.5:
            headers = {"retry-after": rng.choice(("0", "2"))} if rng.random() < 0.4 else {}
            return Fate(Way.STATUS, status=rng.choice(_BAD_STATUSES), headers=headers, seconds=seconds)
        ways = _BAD_WRITES if name in ("put_ticket", "patch_ticket") else _BAD_READS
        later = rng.uniform(0.1, self._latest if rng.random() < 0.5 else REQUEST_SECONDS)
        return Fate(rng.choice(ways), later=later, seconds=min(seconds, 1.0))
