"""Small scenarios, steady but for what is done to their workers: each is run again for every point it has."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.acceptance.records import entity
from tests.simulation.records import Orders
from tests.simulation.run import Result, simulate
from tests.simulation.scenario import Happening, Record, Scenario
from tests.simulation.willow import Fate, Request, Way
from tests.simulation.world import World

#: Longer than the session time-out, and long enough for the successor to get far.
FROZEN_SECONDS = 8.0


def _scenario(
    *records: Record,
    gap: float,
    workers: tuple[str, ...] = ("a", "b"),
    more: tuple[Happening, ...] = (),
    fates: Callable[[World, Request], Fate] | None = None,
) -> Scenario:
    starts: list[Happening] = [(0.0, "start", (name,)) for name in workers]
    produced: list[Happening] = [(1.0 + number * gap, "produce", (record,)) for number, record in enumerate(records)]
    happenings = sorted([*starts, *produced, *more], key=lambda happening: happening[0])
    return Scenario(1, happenings, {"one": workers}, fates=fates, faults_end=3.0)


def every(operation: str, fate: Fate) -> Callable[[World, Request], Fate]:
    """Each call of an operation, while faults last."""
    return lambda _, request: fate if request.operation.name == operation else Fate()


def create_and_change() -> Scenario:
    orders = Orders()
    return _scenario(orders.change("A"), orders.change("A", jobStatus="Closed"), gap=0.1, workers=("a",))


def create_change_and_delete_at_once() -> Scenario:
    orders = Orders()
    records = orders.change("A"), orders.change("A", jobStatus="Closed"), orders.delete("A")
    return _scenario(*records, gap=0.005, workers=("a",))


def two_orders() -> Scenario:
    orders = Orders()
    records = [orders.change("A"), orders.change("B"), orders.change("A"), orders.change("B", without=("jobStatus",))]
    return _scenario(*records, orders.stale("B"), orders.delete("A"), gap=0.01)


def parked_and_woken() -> Scenario:
    orders = Orders()
    records = [orders.change("A"), orders.waiting("A", "AHU-LATE"), orders.change("A", without=("relatesTo",))]
    late = entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE")
    return _scenario(*records, orders.waiting("B", "AHU-LATE"), gap=0.05, more=((3.0, "entity", (late,)),))


def created_without_an_answer() -> Scenario:
    orders = Orders()
    records = [orders.change("A"), orders.change("A"), orders.change("A", without=("summary",)), orders.delete("A")]
    return _scenario(*records, gap=0.1, fates=every("put_ticket", Fate(Way.RESET_AFTER)))


def not_created_and_no_answer() -> Scenario:
    orders = Orders()
    lost = every("put_ticket", Fate(Way.RESET_BEFORE))
    return _scenario(orders.change("A"), orders.change("A"), gap=0.1, fates=lost)


def skipped_refused_and_poison() -> Scenario:
    orders = Orders()
    records = [orders.change("A"), orders.refused("A"), orders.partly_refused("B"), orders.outside("A")]
    return _scenario(*records, orders.change("A"), orders.poison("B"), orders.control("A"), gap=0.01)


def changed_late() -> Scenario:
    """Each PATCH of the first seconds is taken long after the client has given it up."""
    orders = Orders()
    records = [orders.change("A"), orders.change("A"), orders.change("A")]
    return _scenario(*records, gap=1.0, fates=every("patch_ticket", Fate(Way.LATE, later=8.0)))


def filled_for_another_group() -> Scenario:
    """A second group begins when the first has sent a record round for the place that it left out, and a newer one
    stands behind both in the log."""
    orders = Orders()
    return _read_later(orders.change("A"), orders.change("A", without=("relatesTo",)), orders.change("A"))


def woken_for_another_group() -> Scenario:
    """As above, of a record that was parked and woken."""
    orders = Orders()
    late: Happening = (1.8, "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),))
    return _read_later(orders.change("A"), orders.waiting("A", "AHU-LATE"), orders.change("A"), more=(late,))


def _read_later(*records: Record, more: tuple[Happening, ...] = ()) -> Scenario:
    scenario = _scenario(*records, gap=0.5, workers=("a",), more=(*more, (3.0, "start", ("x",))))
    # Conflated, the newest would hide what becomes of the others.
    each = {"conflate": "off"}
    return replace(scenario, groups={"one": ("a",), "two": ("x",)}, changes=each, faults_end=5.0)


def killed_at_each(scenario: Scenario) -> Iterator[tuple[str, Result]]:
    """What was done, and the result; what the killed worker had not got acknowledged is lost, or is not."""
    for number, name in enumerate(simulate(scenario).points, start=1):
        for loses in (True, False):
            yield f"killed at {number} ({name})", simulate(scenario, crash_at=(number,), loses_unsent=loses)


def killed_at_each_pair(scenario: Scenario, *, loses: bool) -> Iterator[tuple[str, Result]]:
    for first in range(1, len(simulate(scenario).points) + 1):
        once = simulate(scenario, crash_at=(first,), loses_unsent=loses)
        for second in range(first + 1, len(once.points) + 1):
            twice = simulate(scenario, crash_at=(first, second), loses_unsent=loses)
            yield f"killed at {first} and {second} ({twice.points[second - 1]})", twice


def frozen_at_each(scenario: Scenario) -> Iterator[tuple[str, str, Result]]:
    """The point's name, what was done, and the result."""
    for number, name in enumerate(simulate(scenario).points, start=1):
        yield name, f"frozen at {number} ({name})", simulate(scenario, freeze_at={number: FROZEN_SECONDS})
