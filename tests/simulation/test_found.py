"""What the simulation found in the sink, each cut down to the few records and faults that it takes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from schemas.identity import TICKET_URN
from tests.acceptance.records import entity, relates_to
from tests.simulation.evidence import in_a_word
from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import SETTLE_SECONDS, Happening, Record, Scenario
from tests.simulation.willow import Fate, Request, Ticket, Way
from tests.simulation.world import World


def _run(
    *happenings: Happening,
    fates: Callable[[Any, Request], Fate] | None = None,
    ticket: Mapping[str, Any] | None = None,
    until: str | None = None,
    names_places: bool = False,
    **options: Any,
) -> Run:
    """``ticket``: the fields of ticket T0, which Willow had before, ``until`` it is asked for this operation."""
    run = Run(Scenario(1, [(0.0, "start", ("a",)), *happenings], **{"fates": fates, "faults_end": 3.0, **options}))
    fate = run.willow.fates

    def asked(request: Request) -> Fate:
        if request.operation.name == until:
            run.willow.tickets.pop("T0", None)
        return fate(request)

    run.willow.fates, run.willow.names_places = asked, names_places
    if ticket is not None:
        run.willow.tickets["T0"] = Ticket("T0", dict(ticket), run.world.loop.epoch() - 5 * 86400, -1e9)
    problems = run.go().problems
    assert not problems, "\n".join(problems)
    return run


def _named(ticket: str) -> list[dict[str, str]]:
    """The identities of an order that names a ticket."""
    return [{"value": TICKET_URN + ticket, "scope": "ORG", "scopeId": "o"}]


def _said(run: Run, record: Record) -> list[str]:
    """The words of a record's final outcomes."""
    return [in_a_word(said) for said in run.checker.finals(record)]


def _lost_answer(_: Any, request: Request) -> Fate:
    return Fate(Way.RESET_AFTER) if request.operation.name == "put_ticket" else Fate()


def test_a_record_that_comes_twice_in_one_batch_while_its_order_is_in_doubt_is_not_superseded() -> None:
    """It was said to be superseded, by the older record that had begun the doubt."""
    orders = Orders()
    first, second = orders.change("A"), orders.change("A")
    run = _run(
        (1.0, "produce", (first,)),
        (1.2, "produce", (second,)),
        (1.2025, "plan_again", ()),  # the sink takes the second record's intent and its copy in one turn
        fates=_lost_answer,
    )
    assert (_said(run, first)[0], _said(run, second)[0]) == ("superseded", "adopted")


def test_a_delete_waits_for_a_create_that_was_sent_before_a_crash() -> None:
    """Conflated with the create it was told ``deleted_untracked``, and the ticket was nobody's."""
    orders = Orders()
    created, deleted = orders.change("A"), orders.delete("A")
    run = _run(
        (0.9, "kill_at", ("a", "did put_ticket")),
        (1.0, "produce", (created,)),
        (1.005, "produce", (deleted,)),
    )
    assert (_said(run, created), _said(run, deleted)) == (["superseded"], ["deleted_kept"])
    assert run.checker.identities == {"A": "T1"}


def test_what_a_change_left_in_willow_is_put_right_though_a_delete_replaced_it() -> None:
    """The change was sent before a crash and then replaced by a delete: the next record did not see that it had to
    send the field, for the state still had the value before."""
    orders = Orders()
    created, changed = orders.change("A", jobPriority="High"), orders.change("A", jobPriority="Low")
    run = _run(
        (1.0, "produce", (created,)),
        (1.9, "kill_at", ("a", "did patch_ticket")),
        (2.0, "produce", (changed,)),
        (2.1, "produce", (orders.delete("A"),)),
        (20.0, "produce", (orders.change("A", jobPriority="High"),)),
    )
    assert _said(run, changed) == ["superseded"]
    assert run.willow.tickets["T1"].fields["priorityId"] == "pr-High"


def test_what_stood_behind_a_doubt_is_carried_out_though_a_crash_follows_its_unanswered_patch() -> None:
    """What was written down for the read-back had the record out of the queue already: it was lost."""
    orders = Orders()
    first, second = orders.change("A"), orders.change("A")

    def fates(world: World, request: Request) -> Fate:
        if request.operation.name == "patch_ticket":
            world.arm("a", "asks patch_ticket")  # it is killed when it repeats this one
            return Fate(Way.RESET_BEFORE)
        return _lost_answer(world, request)

    run = _run((1.0, "produce", (first,)), (1.1, "produce", (second,)), fates=fates, changes={"conflate": "off"})
    assert run.world.kills == 1
    assert (_said(run, first)[-1], _said(run, second)[-1]) == ("adopted", "updated")


@pytest.mark.parametrize("refused", ["in part", "whole"])
def test_what_a_late_patch_overwrote_is_put_right_though_willow_refuses_what_was_sent_after_it(refused: str) -> None:
    """A worker was killed while it sent what Willow refuses: that was put right along with the rest, and Willow refused
    all of it."""
    orders = Orders()
    created, changed, newer = orders.change("A"), orders.change("A"), orders.change("A")
    last = orders.partly_refused("A") if refused == "in part" else orders.refused("A")
    first_patch = iter([Fate(Way.GATEWAY_LATE, later=8.0)])

    def fates(_: Any, request: Request) -> Fate:
        return next(first_patch, Fate()) if request.operation.name == "patch_ticket" else Fate()

    run = _run(
        (1.0, "produce", (created,)),
        (2.0, "produce", (changed,)),
        (2.2, "produce", (newer,)),
        (2.4, "kill_at", ("a", "asks patch_ticket")),
        (2.5, "produce", (last,)),
        fates=fates,
    )
    assert run.world.kills == 1
    assert _said(run, last)[-1] == ("updated" if refused == "in part" else "invalid")
    assert run.willow.tickets["T1"].fields["cause"] == ("v0004" if refused == "in part" else "v0003")


def test_a_delete_names_the_ticket_of_which_a_crash_left_only_the_identity() -> None:
    orders = Orders()
    created, deleted = orders.change("A"), orders.delete("A")
    run = _run(
        (0.9, "kill_at", ("a", "state")),
        (1.0, "produce", (created,)),
        (1.005, "produce", (deleted,)),
    )
    assert run.world.kills == 1
    assert _said(run, deleted)[0] == "deleted_kept"


def test_a_record_that_comes_again_behind_the_end_of_its_doubt_is_judged_by_what_that_left() -> None:
    """It was to be told as what its order waits for, by then the order waited for another: the worker ended at each
    start."""
    orders = Orders()
    first, second = orders.change("A"), orders.change("A")
    puts = iter([Fate(Way.RESET_BEFORE), Fate(Way.RESET_BEFORE)])

    def fates(_: Any, request: Request) -> Fate:
        return next(puts, Fate()) if request.operation.name == "put_ticket" else Fate()

    run = _run(
        (1.0, "produce", (first,)),
        (1.1, "produce", (second,)),
        (1.0 + SETTLE_SECONDS, "kill_at", ("a", "stored willow-sync.ticket-intents")),
        (5.0 + SETTLE_SECONDS, "plan_again", ()),
        fates=fates,
        faults_end=60.0,
        restart_after=(10.0, 10.0),
    )
    assert run.world.kills == 1
    assert (_said(run, first)[-1], _said(run, second)[-1]) == ("superseded", "created")


def test_a_list_that_ignores_the_sort_is_read_whole() -> None:
    """An old ticket came first, and all that stood behind it was taken for not there: a second ticket was made."""
    orders = Orders()
    created = orders.change("A")
    run = _run((1.0, "produce", (created,)), fates=_lost_answer, filters=False, sorts=False, had=2)
    assert _said(run, created) == ["adopted"]
    assert sum(ticket.fields.get("externalId") == "A" for ticket in run.willow.tickets.values()) == 1


def test_a_wake_up_behind_the_end_of_park_ttl_is_dropped() -> None:
    """Both waited in one batch while Willow was away: it was said to be expired, and its ticket was made."""
    orders = Orders()
    parked = orders.waiting("A", "AHU-LATE")
    others = [(2.0, "produce", (orders.change(f"B{number}"),)) for number in range(40)]
    happenings = [
        (0.0, "start", ("a",)),
        (1.0, "produce", (parked,)),
        *others,
        (6.9, "entity", (entity("AHU-LATE", "Thing", "FLOOR1", "TW-LATE"),)),
    ]

    def away(world: World, _: Request) -> Fate:
        return Fate(Way.REFUSED) if world.loop.time() > 1.8 else Fate()

    run = Run(Scenario(1, happenings, fates=away, faults_end=20.0, changes={"park_ttl": "5s"}))
    run.go()
    assert _said(run, parked) == ["park_expired"]
    assert all(ticket.fields["externalId"] != "A" for ticket in run.willow.tickets.values())


def test_of_two_orders_that_name_one_ticket_one_after_the_other_only_the_first_adopts_it() -> None:
    """Both had looked whose it is before the first one's identity stood in the log: it got two owners (I5)."""
    orders = Orders()
    either = frozenset({"adopted", "ticket_owned_by_other"})
    first, second = (replace(orders.change(order, identities=_named("T0")), expected=either) for order in "AB")

    run = _run((1.0, "produce", (first,)), (1.0, "produce", (second,)), ticket={"summary": "by hand"})
    assert sorted([*_said(run, first), *_said(run, second)]) == ["adopted", "ticket_owned_by_other"]
    assert len(run.checker.identities) == 1


def test_closing_the_tickets_of_one_site_that_is_forbidden_does_not_pause_the_sink() -> None:
    """What closes a ticket chooses no twin: each ticket's own twin counted as a site, and two sites are the tenant."""
    orders, places = Orders(), {"A": "AHU1", "B": "AHU2", "C": "FLOOR1"}
    made = [orders.change(order, relatesTo=relates_to(place)) for order, place in places.items()]
    deleted = [replace(orders.delete(order), expected=frozenset({"forbidden"})) for order in places]

    def forbidden(_: Any, request: Request) -> Fate:
        return Fate(Way.STATUS, status=403) if request.operation.name == "patch_ticket" else Fate()

    run = _run(
        *((1.0, "produce", (record,)) for record in made),
        *((5.0, "produce", (record,)) for record in deleted),
        fates=forbidden,
        faults_end=60.0,
        changes={"on_delete": "close", "closed_status": "Closed"},
    )
    assert [_said(run, record) for record in deleted] == [["forbidden"]] * 3


def test_an_order_in_doubt_does_not_grow_with_each_record_that_leaves_out_its_place() -> None:
    """Each was kept whole, and the state that is written with each event grew by it."""
    orders, held = Orders(), 8
    first = orders.change("A", description="d" * 3000)
    partial = [orders.change("A", without=("relatesTo",), description="d" * 3000) for _ in range(held)]

    def fates(world: World, request: Request) -> Fate:
        if request.operation.name == "list_tickets" and world.loop.time() > 1.5:
            return Fate(Way.STATUS, status=503)
        return _lost_answer(world, request)

    run = _run(
        (1.0, "produce", (first,)),
        *((2.0 + at * 0.1, "produce", (record,)) for at, record in enumerate(partial)),
        fates=fates,
        faults_end=6.0,
    )
    assert _said(run, partial[-1])[-1] in ("updated", "adopted")
    states = [entry.value or b"" for entry in run.world.log.read("one-orders-changelog")]
    assert max(map(len, states)) < 8 * 3000


def test_a_record_whose_plan_is_larger_than_a_topic_takes_is_dead_lettered() -> None:
    """It ended the worker at every start: a plan holds a text twice, as the record's and as the ticket's."""
    orders = Orders()
    huge = replace(orders.change("A", description="d" * (5 << 20)), expected=frozenset({"undecodable"}), fields=None)
    run = _run((1.0, "produce", (huge,)), (2.0, "produce", (orders.change("A"),)))
    at = next(at for at, (_, sent) in run.checker.sent.items() if sent is huge)
    assert "too large" in run.checker.said[at][0]["reason"]["message"]


def test_what_an_adopted_ticket_had_in_a_field_of_which_no_record_spoke_is_cleared() -> None:
    """A field that was not compared counted as empty: the null that came later was never sent."""
    orders = Orders()
    first, cleared = orders.change("A", without=("description",)), orders.change("A", description=None)
    run = _run(
        (1.0, "produce", (first,)),
        (3.0, "produce", (cleared,)),
        ticket={"externalId": "A", "summary": "x", "description": "old text"},
    )
    assert (_said(run, first), _said(run, cleared)) == (["adopted"], ["updated"])
    assert run.willow.tickets["T0"].fields["description"] is None


def test_what_a_crash_left_in_a_reporter_is_taken_out_though_the_rest_of_it_agrees() -> None:
    """Only the keys that were wanted were compared with Willow's."""
    orders = Orders()
    first = orders.change("A", isReportedBy={"name": "Ana", "emails": [{"address": "a@x"}]})
    second = orders.change("A", isReportedBy={"name": "Ana"})
    run = _run((1.0, "produce", (first,)), (1.3, "produce", (second,)), fates=_lost_answer)
    assert _said(run, second) == ["adopted"]
    assert run.willow.tickets["T1"].fields["reporter"] == {"name": "Ana"}


def test_a_refused_field_that_willow_names_by_its_place_in_the_patch_is_left_out() -> None:
    """The path was not understood, and the whole record was rejected."""
    orders = Orders()
    created, refused = orders.change("A"), orders.partly_refused("A")
    run = _run((1.0, "produce", (created,)), (3.0, "produce", (refused,)), names_places=True)
    assert _said(run, refused) == ["updated"]
    assert run.willow.tickets["T1"].fields["cause"] == "v0002"


@pytest.mark.parametrize("named", [True, False], ids=["named by the record", "a candidate"])
@pytest.mark.parametrize("at", ["get_ticket", "patch_ticket"])
def test_a_ticket_that_is_gone_before_it_is_adopted_is_replaced_where_one_may_be_made(at: str, named: bool) -> None:
    """Each record of the order was rejected, or had no outcome at all where the ticket was gone after the look at
    it."""
    orders = Orders()
    identities = _named("T0") if named else []
    first, second = orders.change("A", identities=identities), orders.change("A", identities=identities)

    run = _run(
        (1.0, "produce", (first,)),
        (2.0, "produce", (second,)),
        ticket={"externalId": "A", "summary": "old"},
        until=at,
        changes={"on_missing_ticket": "create"},
    )
    assert (_said(run, first), _said(run, second)) == (["created"], ["updated"])
    assert run.checker.identities == {"A": "T1"}
