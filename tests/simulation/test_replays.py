"""What comes back through ``replans``, replays by an operator and wake-ups, in between what befalls their orders."""

from collections.abc import Callable
from typing import Any

from tests.acceptance.records import entity
from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import Happening, Scenario
from tests.simulation.willow import Fate, Request, Way
from tests.simulation.world import World


def _run(*happenings: Happening, fates: Callable[[Any, Request], Fate] | None = None, **options: Any) -> Run:
    """What happens to one worker; all is judged."""
    run = Run(Scenario(1, [(0.0, "start", ("a",)), *happenings], fates=fates, **{"faults_end": 5.0, **options}))
    problems = run.go().problems
    assert not problems, "\n".join(problems)
    return run


def _spot(source: dict[str, Any]) -> tuple[int, int]:
    return source["partition"], source["offset"]


def _words(outcomes: list[dict[str, Any]]) -> list[str]:
    return [said["outcome"] for said in outcomes]


def test_under_hold_a_rejected_record_may_wait_in_doubt_for_its_replay() -> None:
    """The judge wanted its end, though only a person can give it."""
    orders = Orders()
    refused = orders.refused("A")

    def fates(world: World, request: Request) -> Fate:
        lost = request.operation.name == "put_ticket" and world.loop.time() > 2.0
        return Fate(Way.RESET_BEFORE) if lost else Fate()

    run = _run(
        (1.0, "produce", (refused,)),
        (2.0, "replay", ("A",)),
        fates=fates,
        changes={"in_doubt": {"then": "hold"}},
    )
    assert _words(run.checker.finals(refused)) == ["rejected"]
    assert run.checker.parked_replays["replay-0"]["reason"]["code"] == "create_in_doubt"
    assert not run.checker.replayed


def test_a_parked_record_whose_wake_up_a_newer_one_replaced_is_told_once() -> None:
    """The wait owed its outcome, and so did the step: it was told ``superseded`` twice in one go."""
    orders = Orders()
    parked, newer = orders.waiting("A", "AHU-LATE"), orders.change("A")
    others = [(2.0, "produce", (orders.change(f"B{number}"),)) for number in range(40)]

    def away(world: World, _: Request) -> Fate:
        return Fate(Way.REFUSED) if 1.8 < world.loop.time() < 20.0 else Fate()

    run = _run(
        (1.0, "produce", (parked,)),
        *others,
        # Both wait in one batch while Willow is away.
        (2.5, "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),)),
        (4.0, "produce", (newer,)),
        fates=away,
        faults_end=20.0,
    )
    assert (_words(run.checker.finals(parked)), _words(run.checker.finals(newer))) == (["superseded"], ["created"])


def test_a_replay_is_not_carried_out_over_a_newer_record_of_another_partition() -> None:
    """It was the newest when it was picked; meanwhile the input had grown, and the order's next record was applied: the
    older one was sent over it."""
    orders = Orders()
    first, second = orders.change("D"), orders.change("D")  # the key of D is one of partition 0
    run = _run(
        (1.0, "produce", (first,)),
        (2.0, "produce", (second, 1)),
        (2.001, "replay", ("D",)),  # the second one's PATCH is under way
    )
    assert run.checker.replays["replay-0"].partition == 0
    assert (_words(run.checker.finals(first)), _words(run.checker.finals(second))) == (["created"], ["updated"])
    [said] = run.checker.replayed["replay-0"]
    assert (said["outcome"], _spot(said["supersededBy"])) == ("superseded", (1, 0))


def test_a_record_that_is_replayed_while_it_is_parked_is_superseded_by_its_own_coordinates() -> None:
    orders = Orders()
    parked = orders.waiting("A", "AHU-LATE")
    run = _run(
        (1.0, "produce", (parked,)),
        (2.0, "replay", ("A",)),
        (3.0, "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),)),
    )
    [said] = run.checker.finals(parked)
    assert (said["outcome"], _spot(said["supersededBy"])) == ("superseded", _spot(said["source"]))
    assert _words(run.checker.replayed["replay-0"]) == ["created"]


def test_a_record_that_comes_again_behind_two_replays_of_its_own_names_what_replaced_it() -> None:
    """The state remembers the last replay alone: ``supersededBy`` was null."""
    orders = Orders()
    first, second = orders.change("A"), orders.change("A")
    run = _run(
        (1.0, "produce", (first,)),
        (2.0, "produce", (second,)),
        (2.05, "replay", ("A",)),
        (2.08, "replay", ("A",)),
        (2.2, "kill", ("a",)),  # nothing of the second is committed
    )
    told, again = run.checker.finals(second)
    assert (told["outcome"], again["outcome"]) == ("updated", "superseded")
    assert _spot(again["supersededBy"]) == _spot(again["source"])
    assert set(run.checker.replayed) == {"replay-0", "replay-1"}
