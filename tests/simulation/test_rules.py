"""Rules of delivery of which one run shows whether they are kept: the order of a record's steps, what is told when it
comes again, what a worker may still write whose partitions may be another's, and what the state holds."""

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest
from faust.types import TP

from schemas.identity import TICKET_URN
from streams.app import SyncApp
from streams.health import not_ready
from tests.simulation import small, willow
from tests.simulation.evidence import STRANGER, in_a_word
from tests.simulation.log import Entry
from tests.simulation.records import Orders
from tests.simulation.run import Run
from tests.simulation.scenario import REQUEST_SECONDS, SESSION_SECONDS, SETTLE_SECONDS, Happening, Record, Scenario
from tests.simulation.tables import SimOrders, SimView
from tests.simulation.willow import Fate, Request, Ticket, Way
from tests.simulation.world import World

OUTCOMES, IDENTITIES, CLAIMS = (f"willow-sync.{name}" for name in ("outcomes", "ticket-identities", "create-claims"))
INSTANCE = "https://sim.willowinc.com/api/v3"
INTENTS, CHANGELOG = "willow-sync.ticket-intents", "one-orders-changelog"

#: Past the lease, which is a third of the session, and not past the session.
LEASE_LOST = SESSION_SECONDS / 2


def _run(*happenings: Happening, fates: Callable[[Any, Request], Fate] | None = None, **options: Any) -> Run:
    """Happenings of worker "a", unless they start others."""
    return Run(Scenario(1, [(0.0, "start", ("a",)), *happenings], fates=fates, **{"faults_end": 3.0, **options}))


def _judged(run: Run) -> Run:
    problems = run.go().problems
    assert not problems, "\n".join(problems)
    return run


def _told(run: Run, record: Record) -> list[str]:
    return [in_a_word(said) for said in run.checker.finals(record)]


def _answers(operation: str, *statuses: int) -> Callable[[Any, Request], Fate]:
    """The first calls of an operation are answered so, the later ones as they should be."""
    left = list(statuses)

    def fates(_: Any, request: Request) -> Fate:
        if request.operation.name == operation and left:
            return Fate(Way.STATUS, status=left.pop(0))
        return Fate()

    return fates


def _calls(run: Run) -> list[str]:
    """The calls on tickets that Willow was asked for, in order."""
    asked = [point.removeprefix("asks ") for point in run.world.points if point.startswith("asks ")]
    return [name for name in asked if name != "list_tickets"]


def _bind(world: World, order_id: str, ticket_id: str) -> None:
    """A former worker of the group has published the order's ticket."""
    identity = {"entityId": order_id, "identity": {"value": TICKET_URN + ticket_id}, "instance": INSTANCE}
    spot = TP(IDENTITIES, world.log.partition_of(IDENTITIES, order_id.encode()))
    world.append(spot, order_id.encode(), orjson.dumps(identity), (), "a.0")


def _states(run: Run) -> list[Entry]:
    return run.world.log.read(CHANGELOG)


# -- the order of steps ----------------------------------------------------------------------------------------------


def test_each_step_of_a_create_is_durable_before_the_next_begins() -> None:
    run = _judged(_run((1.0, "produce", (Orders().change("A"),))))
    steps = [point for point in run.world.points if re.search("claims|put_ticket|identities|outcomes|changelog", point)]
    call = steps.index("asks put_ticket")
    assert steps[call - 3 : call + 2] == [
        f"send {CLAIMS}",
        f"stored {CLAIMS}",
        f"reads {CLAIMS}",
        "asks put_ticket",
        "did put_ticket",
    ]
    said = {f"{verb} {topic}" for verb in ("send", "stored") for topic in (IDENTITIES, OUTCOMES)}
    kept = {f"{verb} {topic}" for verb in ("send", "stored") for topic in (CLAIMS, CHANGELOG)}
    after = steps[call + 2 :]
    assert (set(after[:4]), set(after[4:8])) == (said, kept)


@pytest.mark.parametrize("value", [None, b"no JSON", b"[]", b"{}", b'{"workOrderId": "B"}'])
def test_a_record_among_the_intents_that_is_not_ours_is_passed_over(value: bytes | None) -> None:
    run = _run((1.0, "produce", (Orders().change("A"),)))
    spot = TP(INTENTS, run.world.log.partition_of(INTENTS, b"A"))
    run.world.append(spot, b"A", value, (), STRANGER)
    _judged(run)
    assert _calls(run) == ["put_ticket"]
    assert run.world.groups["one"].committed[spot] == 2


def test_claims_lie_in_the_partition_of_their_order_s_intents() -> None:
    orders = Orders()
    run = _judged(_run(*((1.0, "produce", (orders.change(f"WO{number}"),)) for number in range(12))))
    of_intents = {entry.key: entry.partition for entry in run.world.log.read(INTENTS)}
    claims = {entry.key: entry.partition for entry in run.world.log.read(CLAIMS) if entry.key and b"|" in entry.key}
    assert len(claims) == 12
    assert len(set(claims.values())) > 1
    assert claims == {key: of_intents[key.rpartition(b"|")[0]] for key in claims}


def test_a_record_that_comes_again_is_told_word_for_word_and_an_older_one_is_superseded() -> None:
    orders = Orders()
    first, second = orders.change("A"), orders.change("A")
    run = _judged(_run((1.0, "produce", (first,)), (2.0, "produce", (second,)), (3.0, "plan_again", ())))
    assert _told(run, first) == ["created", "superseded"]
    assert _told(run, second) == ["updated", "updated"]
    assert run.checker.finals(second)[0] == run.checker.finals(second)[1]
    assert _calls(run) == ["put_ticket", "patch_ticket"]


@pytest.mark.parametrize("until", [f"stored {IDENTITIES}", f"stored {OUTCOMES}", f"stored {CLAIMS}"])
def test_a_create_that_a_crash_cut_off_from_its_state_is_told_as_created(until: str) -> None:
    """The claim, and the ``done`` that takes its place, name the record."""
    steady = _judged(_run((1.0, "produce", (Orders().change("A"),)))).world.points
    made = steady.index("did put_ticket")
    point = made + 1 + next(at for at, name in enumerate(steady[made:]) if name == until)
    record = Orders().change("A")
    happenings = [(0.0, "start", ("a",)), (1.0, "produce", (record,)), (1.2, "lose_disk", ("a",))]
    run = _judged(Run(Scenario(1, happenings), crash_at=(point,), loses_unsent=True))
    assert run.world.kills == 1
    assert set(_told(run, record)) == {"created"}
    assert _calls(run) == ["put_ticket", "get_ticket"]


@pytest.mark.parametrize("state", ["known", "unknown"])
def test_a_change_that_a_crash_cut_off_from_its_outcome_is_not_told_as_unchanged(state: str) -> None:
    """Where nothing is known of what the ticket was sent, it is compared: it had the change already."""
    orders = Orders()
    created, changed = orders.change("A"), orders.change("A")
    happenings: list[Happening] = [(1.9, "kill_at", ("a", "did patch_ticket")), (2.0, "produce", (changed,))]
    if state == "known":
        run = _judged(_run((1.0, "produce", (created,)), *happenings))
    else:
        run = _run(*happenings)
        run.willow.tickets["T0"] = Ticket("T0", {"externalId": "A"}, run.world.loop.epoch() - 9e5, 0.0)
        _bind(run.world, "A", "T0")
        _judged(run)
    assert run.world.kills == 1
    assert set(_told(run, changed)) == {"updated"}
    assert "summary" in run.checker.finals(changed)[0]["changed"]


def _waited_for_a_create(*behind: Record, created: Record) -> Run:
    """The records ``behind`` come while the create is under way, so that the sink takes them in one turn."""
    produced: list[Happening] = [(1.2 + 0.1 * at, "produce", (record,)) for at, record in enumerate(behind)]
    return _judged(_run((1.0, "produce", (created,)), *produced, fates=lambda *_: Fate(seconds=1.0), faults_end=9.0))


def test_a_superseded_record_is_told_after_the_one_that_replaced_it_was_applied() -> None:
    orders = Orders()
    created, older, newer = orders.change("A"), orders.change("A"), orders.change("A")
    run = _waited_for_a_create(older, newer, created=created)
    assert (_told(run, older), _told(run, newer)) == (["superseded"], ["updated"])
    (patched,) = (write for write in run.willow.writes if not write.create)
    assert patched.acknowledged is not None
    told = [entry.at > patched.acknowledged for entry in run.world.log.read(OUTCOMES)]
    assert told == [False, True, True]


def test_a_record_that_a_rejected_one_replaced_is_not_tried_and_its_outcome_says_so() -> None:
    orders = Orders()
    created, older, refused = orders.change("A"), orders.change("A"), orders.refused("A")
    run = _waited_for_a_create(older, refused, created=created)
    assert (_told(run, refused), run.checker.finals(older)[0]["outcome"]) == (["invalid"], "superseded")
    assert _told(run, older) == ["superseded_by_rejected"]
    assert _calls(run) == ["put_ticket", "patch_ticket"]


# -- what the state holds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [small.parked_and_woken, small.created_without_an_answer, small.changed_late])
def test_what_waits_is_kept_whole_and_erased_afterwards(make: Callable[[], Scenario]) -> None:
    run = _judged(Run(make()))
    states = _states(run)
    text = re.compile(rb"summary \d+ of ")
    assert any(text.search(entry.value or b"") for entry in states)
    newest = {entry.key: entry.value or b"" for entry in states}
    assert not any(text.search(value) for value in newest.values())


def test_a_state_is_written_only_while_a_record_of_its_order_is_carried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers, look-ups and wake-ups send a record round: another owner's table must not be written."""
    carried_out: ContextVar[str | None] = ContextVar("carried_out", default=None)
    handle, write = SyncApp._handle, SimOrders.write
    written: list[tuple[str, str | None]] = []

    async def handles(self: SyncApp, order_id: str, batch: list[Any]) -> None:
        carried_out.set(order_id)
        await handle(self, order_id, batch)

    async def writes(self: SimOrders, partition: int, order_id: str, state: Any) -> None:
        written.append((order_id, carried_out.get()))
        await write(self, partition, order_id, state)

    monkeypatch.setattr(SyncApp, "_handle", handles)
    monkeypatch.setattr(SimOrders, "write", writes)
    for make in (small.parked_and_woken, small.created_without_an_answer, small.changed_late):
        _judged(Run(make()))
    parked = replace(Orders().waiting("A", "NEVER"), expected=frozenset({"park_expired"}), fields=None)
    _judged(_run((1.0, "produce", (parked,)), changes={"park_ttl": "5s"}))
    assert len(written) > 20
    assert [(order, handled) for order, handled in written if order != handled] == []


# -- what an answer leads to -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("conflicts", "told"), [(1, "updated"), (2, "conflict")])
def test_a_conflict_on_a_change_is_read_back_and_sent_once_more(conflicts: int, told: str) -> None:
    orders = Orders()
    changed = [orders.change("A"), replace(orders.change("A"), expected=frozenset({told}))]
    produced = ((1.0 + 2.0 * at, "produce", (record,)) for at, record in enumerate(changed))
    run = _judged(_run(*produced, fates=_answers("patch_ticket", *[409] * conflicts), faults_end=9.0))
    assert _told(run, changed[1]) == [told]
    assert _calls(run) == ["put_ticket", "patch_ticket", "get_ticket", "patch_ticket"]


def test_a_conflict_on_a_create_is_a_doubt() -> None:
    """What was in its way may be the order's own ticket."""
    record = Orders().change("A")
    run = _judged(_run((1.0, "produce", (record,)), fates=_answers("put_ticket", 409)))
    assert [said["reason"]["code"] for said in run.checker.parked.values()] == ["create_in_doubt"]
    assert _told(run, record) == ["created"]
    assert run.willow.writes[0].sent - 1.0 >= SETTLE_SECONDS


@pytest.mark.parametrize("status", [401, 404, 405])
def test_a_fault_of_the_set_up_is_seen_on_the_readiness_page_and_ends_by_itself(status: int) -> None:
    record = Orders().change("A")
    seen: list[tuple[list[str], bool]] = []

    def look() -> None:
        sync = run.workers["a"].sync
        assert sync is not None
        problems = [problem for problem in not_ready(sync) if problem.startswith("paused (tenant): ")]
        seen.append((problems, b'willow_sync_sink_paused{cause="tenant"} 1.0' in sync.metrics.text()))

    refused = small.every("put_ticket", Fate(Way.STATUS, status=status))
    run = _run((1.0, "produce", (record,)), (60.0, "produce", (Orders().change("B"),)), fates=refused)
    for at in (1.3, 60.0):
        run.world.after(at, look)
    _judged(run)
    assert ([bool(problems) for problems, _ in seen], [told for _, told in seen]) == ([True, False], [True, False])
    assert (_told(run, record), run.checker.parked) == (["created"], {})


def test_an_order_whose_ticket_is_gone_is_rejected_again_without_a_call() -> None:
    orders = Orders()
    created = orders.change("A")
    later = [replace(orders.change("A"), expected=frozenset({"ticket_not_found"})) for _ in range(2)]
    produced = ((1.0 + 2.0 * at, "produce", (record,)) for at, record in enumerate((created, *later)))
    run = _judged(_run(*produced, fates=_answers("patch_ticket", 404), faults_end=9.0))
    assert [_told(run, record) for record in later] == [["ticket_not_found"]] * 2
    assert _calls(run) == ["put_ticket", "patch_ticket"]


def test_optional_fields_are_left_out_once_and_then_the_record_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses_one_after_the_other(fields: Mapping[str, Any], **_: Any) -> tuple[int, Any] | None:
        refused = next((name for name in ("description", "cause") if name in fields), None)
        return None if refused is None else (400, {"title": "Validation", "errors": {refused: ["no"]}})

    monkeypatch.setattr(willow, "_refusal", refuses_one_after_the_other)
    record = replace(Orders().change("A"), expected=frozenset({"invalid"}), fields=None)
    run = _judged(_run((1.0, "produce", (record,))))
    assert _told(run, record) == ["invalid"]
    assert _calls(run) == ["put_ticket", "put_ticket"]


def test_a_create_without_an_answer_is_looked_for_when_the_pause_that_it_began_ends() -> None:
    """Not five seconds later, by the schedule."""
    record = Orders().change("A")
    run = _judged(_run((1.0, "produce", (record,)), fates=small.every("put_ticket", Fate(Way.RESET_AFTER))))
    assert _told(run, record) == ["adopted"]
    told = [entry.at for entry in run.world.log.read(OUTCOMES)]
    assert told[-1] - told[0] < 4.0


def test_a_doubt_names_the_time_of_its_claim_and_not_of_its_call_s_end() -> None:
    """A list that is paged is read down to before the claim: the ticket may be as old as that."""
    run = _judged(
        _run((1.0, "produce", (Orders().change("A"),)), fates=small.every("put_ticket", Fate(Way.SILENT_AFTER)))
    )
    (claim,) = (entry for entry in run.world.log.read(CLAIMS) if b'"open"' in (entry.value or b""))
    states = [orjson.loads(entry.value or b"") for entry in _states(run)]
    (doubt,) = (state["waiting"] for state in states if "waiting" in state)
    assert doubt["call_ended"] * 1000 - claim.timestamp_ms > 4000
    assert abs(doubt["claim"]["sinceMs"] - claim.timestamp_ms) < 100


def test_a_second_ticket_does_not_take_the_place_of_the_first() -> None:
    """Another owner bound the order while this one's create was under way; a warning and a metric tell of it."""
    record = Orders().change("A")

    def bound_meanwhile(world: World, request: Request) -> Fate:
        if request.operation.name == "put_ticket":
            run.willow.tickets["T9"] = Ticket("T9", {"externalId": "A"}, world.loop.epoch(), 0.0)
            _bind(world, "A", "T9")
        return Fate()

    run = _run((1.0, "produce", (record,)), fates=bound_meanwhile)
    (problem,) = run.go().problems
    assert problem.startswith("I1 A has 2 tickets")
    assert run.checker.identities == {"A": "T9"}
    (said,) = run.checker.finals(record)
    assert said["ticketId"] == "T9"
    assert [warning.split(":")[0] for warning in said["warnings"]] == ["duplicate_in_willow"]
    assert "T2" in said["warnings"][0]
    claims = [orjson.loads(entry.value or b"") for entry in run.world.log.read(CLAIMS) if b"A|" in (entry.key or b"")]
    assert [(claim["state"], claim["ticketId"]) for claim in claims] == [("open", None), ("done", "T9")]
    sync = run.workers["a"].sync
    assert sync is not None
    assert b"willow_sync_duplicates_in_willow_total 1.0" in sync.metrics.text()


def test_of_several_tickets_that_a_look_up_finds_the_oldest_is_taken_and_the_others_are_told() -> None:
    record = Orders().change("A")

    def made_twice(world: World, request: Request) -> Fate:
        if request.operation.name == "put_ticket":
            run.willow.tickets["T0"] = Ticket("T0", {"externalId": "A"}, world.loop.epoch() - 60.0, 0.0)
            return Fate(Way.RESET_AFTER)
        return Fate()

    run = _run((1.0, "produce", (record,)), fates=made_twice)
    run.go()
    (said,) = run.checker.finals(record)
    assert (said["outcome"], said["ticketId"]) == ("adopted", "T0")
    assert any(warning.startswith("duplicate_in_willow: T2") for warning in said["warnings"])
    assert run.checker.identities == {"A": "T0"}
    assert {write.ticket_id for write in run.willow.writes if not write.create} == {"T0"}


# -- taking over -----------------------------------------------------------------------------------------------------


def test_a_successor_reads_claims_and_identities_to_their_end_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its views lag by seconds; without the wait it would claim for an order that has its ticket."""
    pull = SimView._pull

    def lags(self: SimView) -> None:
        if self._process.name.startswith("b.") and 4.0 < self._world.loop.time() < 20.0:
            self._world.after(0.1, self._process.call, self._pull)
        else:
            pull(self)

    monkeypatch.setattr(SimView, "_pull", lags)
    record = Orders().change("A")
    happenings: list[Happening] = [(0.0, "start", (name,)) for name in ("a", "b")]
    happenings += [(4.5, "kill_at", ("a", f"stored {IDENTITIES}")), (5.0, "produce", (record,))]
    run = _judged(Run(Scenario(1, happenings, {"one": ("a", "b")}, restart_after=(60.0, 60.0))))
    assert run.world.kills == 1
    assert _told(run, record) == ["created"]
    claims = [entry for entry in run.world.log.read(CLAIMS) if (entry.key or b"").startswith(b"A|")]
    assert [entry.written_by for entry in claims] == ["a.1", "b.1"]
    assert len({entry.key for entry in claims}) == 1


@pytest.mark.parametrize("topic", [CLAIMS, IDENTITIES])
def test_a_worker_does_not_start_on_the_claims_or_identities_of_another_instance(topic: str) -> None:
    run = Run(Scenario(1, [(1.0, "start", ("a",)), (2.0, "stop", ("a",))]))
    other: dict[str, Any] = {"state": "open", "instance": "https://other.example/api/v3"}
    other |= {"entityId": "A", "identity": {"value": TICKET_URN + "T9"}}
    run.world.append(TP(topic, 0), b"A|c1", orjson.dumps(other), (), "another")
    assert any("WrongInstance" in problem for problem in run.go().problems)


# -- waiting, going, and a broker that is away -------------------------------------------------------------------------


def test_an_order_in_doubt_holds_no_offset_and_later_records_wait_behind_it() -> None:
    """Under ``hold`` it waits for a person, however often nothing is found."""
    orders = Orders()
    first, second = orders.change("A"), orders.change("A")
    lost = small.every("put_ticket", Fate(Way.RESET_BEFORE))
    hold = {"in_doubt": {"then": "hold"}}
    # Judged: the groups' lag is 0.
    run = _judged(
        _run((1.0, "produce", (first,)), (1.5, "produce", (second,)), fates=lost, faults_end=60.0, changes=hold)
    )
    assert _calls(run) == ["put_ticket"]
    assert [said["reason"]["code"] for said in run.checker.parked.values()] == ["create_in_doubt"] * 2
    assert (run.checker.finals(first), run.checker.finals(second)) == ([], [])
    waiting = orjson.loads(_states(run)[-1].value or b"")["waiting"]
    assert waiting["kind"] == "in_doubt"
    assert [(owed["source"]["offset"], owed["replay_id"]) for owed in waiting["owed"]] == [(0, None), (1, None)]
    assert [intent["fields"]["cause"] for intent in waiting["behind"]] == ["v0002"]


def test_a_worker_that_is_asked_to_stop_waits_for_its_create() -> None:
    """It takes longer than all else may that is under way."""
    record = Orders().change("A")
    slow = small.every("put_ticket", Fate(seconds=REQUEST_SECONDS - 0.5))
    run = _judged(_run((1.0, "produce", (record,)), (1.5, "stop", ("a",)), (20.0, "start", ("a",)), fates=slow))
    assert (_told(run, record), run.checker.parked) == (["created"], {})
    (identity,) = run.world.log.read(IDENTITIES)
    assert identity.written_by == "a.1"
    assert _calls(run).count("put_ticket") == 1


def test_a_ticket_that_was_made_as_the_broker_went_is_published_when_it_is_back() -> None:
    record = Orders().change("A")

    def goes(world: World, request: Request) -> Fate:
        if request.operation.name == "put_ticket":
            world.send_away(9.0)
        return Fate()

    run = _judged(_run((1.0, "produce", (record,)), fates=goes))
    assert (_told(run, record), run.checker.parked) == (["created"], {})
    (identity,) = run.world.log.read(IDENTITIES)
    assert (identity.written_by, identity.at > 10.0) == ("a.1", True)
    assert _calls(run) == ["put_ticket"]


# -- a lease that is lost ----------------------------------------------------------------------------------------------


#: The answer is there when the worker wakes, and its deadline has not struck.
PATIENT: dict[str, Any] = {"willow": {"request_timeout": "30s"}}


@dataclass(frozen=True, slots=True)
class Frozen:
    """A run in which ``worker`` was frozen in a call, until the moment ``woke``; ``record`` is what it was sent for."""

    run: Run
    record: Record
    worker: str
    woke: float

    def wrote(self, *topics: str) -> list[Entry]:
        """What it wrote as it woke, before it can have joined again."""
        return [
            entry
            for entry in self.run.world.log.all
            if entry.topic in topics and entry.written_by == self.worker and self.woke <= entry.at < self.woke + 0.1
        ]


def _frozen_in(
    operation: str, seconds: float, *, fate: Fate, workers: tuple[str, ...] = ("a",), **changes: Any
) -> Frozen:
    """The worker that makes this call is frozen while it is under way, and wakes to the answer. A change is that of an
    order that has its ticket."""
    orders = Orders()
    records = [orders.change("A"), orders.change("A")][: 1 if operation == "put_ticket" else 2]
    starts: list[Happening] = [(0.0, "start", (name,)) for name in workers]
    produced: list[Happening] = [(5.0 + 2.0 * at, "produce", (record,)) for at, record in enumerate(records)]
    struck: list[tuple[str, float]] = []

    def fates(world: World, request: Request) -> Fate:
        if request.operation.name != operation or struck:
            return Fate()
        struck.append((request.by, world.loop.time()))
        process = next(worker.process for worker in run.workers.values() if request.by.startswith(f"{worker.name}."))
        assert process is not None
        world.after(0.0, world.freeze, process, seconds)
        return fate

    run = Run(
        Scenario(1, [*starts, *produced], {"one": workers}, fates=fates, faults_end=60.0, changes=changes | PATIENT)
    )
    _judged(run)
    ((worker, at),) = struck
    assert run.world.ever_frozen == {worker}
    return Frozen(run, records[-1], worker, at + seconds)


@pytest.mark.parametrize(("operation", "told"), [("put_ticket", "created"), ("patch_ticket", "updated")])
def test_a_lease_lost_without_a_rebalance_holds_the_answer_until_it_is_fresh(operation: str, told: str) -> None:
    frozen = _frozen_in(operation, LEASE_LOST, fate=Fate())
    assert _told(frozen.run, frozen.record) == [told]
    assert _calls(frozen.run).count(operation) == 1
    assert "get_ticket" not in _calls(frozen.run)


#: Longer than the session: the partitions are another's when it wakes.
AWAY = SESSION_SECONDS + 4.0

REFUSED = Fate(Way.STATUS, status=422)


@pytest.mark.parametrize(
    ("operation", "fate"),
    [
        ("patch_ticket", Fate()),
        ("patch_ticket", REFUSED),
        ("put_ticket", Fate()),
        ("put_ticket", REFUSED),
        ("put_ticket", Fate(Way.RESET_BEFORE)),
    ],
    ids=["changed", "change refused", "created", "create refused", "create without an answer"],
)
def test_what_a_worker_learns_after_its_partitions_went_is_told_by_nobody_but_their_owner(
    operation: str, fate: Fate
) -> None:
    """A refusal that its successor did not meet was the record's first outcome, and the one that counts."""
    assert _frozen_in(operation, AWAY, fate=fate, workers=("a", "b")).wrote(OUTCOMES, CHANGELOG) == []


def test_a_ticket_that_is_gone_is_let_go_by_the_order_s_owner_alone() -> None:
    """A former owner took back the identity that its successor had written meanwhile."""
    gone = Fate(Way.STATUS, status=404)
    frozen = _frozen_in("patch_ticket", AWAY, fate=gone, workers=("a", "b"), on_missing_ticket="create")
    assert frozen.wrote(IDENTITIES, CLAIMS) == []
    assert _told(frozen.run, frozen.record) == ["updated"]


def test_the_ticket_of_a_create_that_got_its_answer_is_published_even_by_a_former_owner() -> None:
    wrote = _frozen_in("put_ticket", AWAY, fate=Fate(), workers=("a", "b")).wrote(IDENTITIES, CLAIMS)
    assert [entry.topic for entry in wrote] == [IDENTITIES, CLAIMS]
    assert orjson.loads(wrote[1].value or b"")["state"] == "done"
