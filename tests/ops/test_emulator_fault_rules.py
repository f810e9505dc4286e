"""Which call meets which rule; what a faults document may say; the page and the scenarios made of them."""

import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.emulator import Answer, Call, EmulatorError, Entry, Faults, Plan, Rule, load_plan, parse_plan, scenario
from ops.emulator.clock import Clock
from ops.emulator.faults import PlanError, docs, kinds, scenarios
from ops.emulator.faults.acts import ACTS, http_date_after, wait_of
from ops.emulator.faults.choosing import choose, counted, matches

ROOT = Path(__file__).parents[2]


def call(
    operation: str = "put_ticket",
    order: str | None = "WO-1",
    *,
    ticket: str | None = None,
    number: int = 1,
    document: Any = None,
    authorization: str = "Bearer t",
) -> Call:
    entry = Entry(1, 1, "PUT", "/api/v3/tickets", "2026-11-02T09:14:11Z", 1.0, call_on_connection=number)
    entry.external_id, entry.ticket_id = order, ticket
    return Call(operation, {}, "application/json", authorization, b"", document, None, entry, gone=lambda: False)


def look_up(*orders: str) -> Call:
    specification = {"field": "externalId", "operator": "in", "value": list(orders)}
    return call("list_tickets", None, document={"filterSpecifications": [specification]})


RESET = kinds.Reset()


@pytest.mark.parametrize(
    ("conditions", "met", "not_met"),
    [
        ({}, [call(), call("token", None), look_up()], []),
        ({"operations": ("patch_ticket",)}, [call("patch_ticket")], [call()]),
        ({"orders": "WO-1*"}, [call(order="WO-12"), look_up("X", "WO-1")], [call(order="WO-2"), call(order=None)]),
        ({"orders_regex": r"-\d$"}, [call(order="WO-1")], [call(order="WO-12"), look_up(), call("token", None)]),
        ({"tickets": ("T1",)}, [call(ticket="T1")], [call(ticket="T2"), call()]),
        ({"connection": "new"}, [call(number=1)], [call(number=2)]),
        ({"connection": "reused"}, [call(number=2)], [call(number=1)]),
    ],
)
def test_a_rule_is_for_the_calls_that_all_conditions_hold_for(
    conditions: dict[str, Any], met: list[Call], not_met: list[Call]
) -> None:
    rule = Rule(fault=RESET, **conditions)
    assert all(matches(rule, one, 0.0) for one in met)
    assert not any(matches(rule, one, 0.0) for one in not_met)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    rule = Rule(fault=RESET, after=10, until=20)
    assert [matches(rule, call(), seconds) for seconds in (9.9, 10, 19.9, 20)] == [False, True, True, False]


def test_without_operations_a_rule_is_for_what_its_fault_makes_sense_for() -> None:
    rule = Rule(fault=kinds.CommitThenReset())
    assert [matches(rule, call(name), 0.0) for name in ("put_ticket", "patch_ticket", "get_ticket")] == [
        True,
        True,
        False,
    ]


def names_met(rules: list[Rule], calls: list[Call], seed: int = 0) -> list[list[str]]:
    known = counted(rules, random.Random(seed))
    return [[one["rule"] for one in choose(known, item, 0.0, None).named()] for item in calls]


def test_counts_the_nth_each_nth_and_a_limit() -> None:
    def hits(**conditions: Any) -> list[int]:
        met = names_met([Rule(fault=RESET, **conditions)], [call() for _ in range(9)])
        return [number for number, names in enumerate(met, 1) if names]

    assert hits(nth=3) == [3]
    assert hits(every=4) == [4, 8]
    assert hits(every=2, limit=3) == [2, 4, 6]
    assert hits(limit=2) == [1, 2]
    assert hits(probability=1) == list(range(1, 10))
    assert hits(probability=0) == []


def test_per_order_each_order_has_its_own_count() -> None:
    calls = [call(order=order) for order in ("A", "B", "A", "A", "B")]
    met = names_met([Rule(fault=RESET, nth=2, per="order")], calls)
    assert [bool(names) for names in met] == [False, False, True, False, True]


def test_the_first_rule_that_is_due_takes_the_call_and_the_others_count_it_without_spending_their_limit() -> None:
    rules = [Rule(name="a", nth=1, fault=RESET), Rule(name="b", limit=1, fault=kinds.ServerErrors())]
    assert names_met(rules, [call() for _ in range(3)]) == [["a"], ["b"], []]
    assert names_met([rules[0], Rule(name="c", nth=2, fault=RESET)], [call(), call()]) == [["a"], ["c"]]


def test_latency_and_list_delay_come_besides_and_only_the_first_of_each() -> None:
    rules = [
        Rule(name="reset", fault=RESET),
        Rule(name="slow", fault=kinds.FixedLatency()),
        Rule(name="slower", fault=kinds.UniformLatency()),
        Rule(name="hidden", fault=kinds.Unlisted()),
    ]
    assert names_met(rules, [call(), look_up()]) == [["slow", "reset"], ["slow", "hidden", "reset"]]


def test_the_same_seed_meets_the_same_calls_and_a_rule_draws_for_itself() -> None:
    storm, other = Rule(name="storm", fault=RESET, probability=0.5), Rule(fault=kinds.FixedLatency(), probability=0.5)
    calls = [call() for _ in range(50)]
    alone, beside = names_met([storm], calls), names_met([storm, other], calls)
    assert names_met([storm], calls) == alone
    assert names_met([storm], calls, seed=1) != alone
    assert ["storm" in names for names in beside] == ["storm" in names for names in alone]
    assert 10 < sum(map(len, alone)) < 40


def test_waits_follow_their_distribution_and_their_seed() -> None:
    def waits(fault: kinds.Latency, seed: int = 1) -> list[float]:
        rng = random.Random(seed)
        return sorted(wait_of(fault, rng) for _ in range(2_000))

    assert set(waits(kinds.FixedLatency(seconds=0.3))) == {0.3}
    uniform = waits(kinds.UniformLatency(low=1, high=3))
    assert 1 <= uniform[0] < 1.1 < 1.9 < uniform[1_000] < 2.1 < 2.9 < uniform[-1] <= 3
    lognormal = waits(kinds.LognormalLatency(median=0.1, sigma=0.5, longest=0.4))
    assert lognormal == waits(kinds.LognormalLatency(median=0.1, sigma=0.5, longest=0.4))
    assert lognormal != waits(kinds.LognormalLatency(median=0.1, sigma=0.5, longest=0.4), seed=2)
    assert 0.09 < lognormal[1_000] < 0.11
    assert 0.15 < lognormal[1_682] < 0.18
    assert lognormal[-1] == 0.4


def test_an_http_date_is_never_earlier_than_it_was_meant() -> None:
    def date(text: str) -> str:
        return http_date_after(Clock().wall().fromisoformat(text), 2)

    assert date("2026-11-02T09:14:11+00:00") == "Mon, 02 Nov 2026 09:14:13 GMT"
    assert date("2026-11-02T09:14:11.001+00:00") == "Mon, 02 Nov 2026 09:14:14 GMT"


def test_outages_tell_when_they_change_and_a_replacement_starts_the_seconds_again() -> None:
    now = 100.0
    faults = Faults([Rule(fault=kinds.Refuse(), after=10, until=20)], clock=Clock(monotonic=lambda: now))
    assert faults.refused() == (False, 10.0)
    now = 115.0
    assert (faults.seconds, faults.refused()) == (15.0, (True, 5.0))
    now = 120.0
    assert faults.refused() == (False, None)
    faults.replace([Rule(fault=kinds.Refuse(), until=5)])
    assert (faults.seconds, faults.refused()) == (0.0, (True, 5.0))


class Done:
    """Performs nothing, and remembers that it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, *, unlisted: float = 0.0) -> Answer:
        self.times += 1
        return Answer(201, b'{"id":"T1"}', {})

    def later(self, seconds: float) -> None:
        raise AssertionError("nothing is late here")


async def test_a_revoked_token_is_worthless_for_every_other_fault_too() -> None:
    rules = [Rule(nth=1, fault=kinds.RevokedToken()), Rule(name="late", fault=kinds.CommitThenError())]
    faults, done = Faults(rules), Done()
    answers = [await faults(call(authorization=f"Bearer {token}"), done) for token in ("old", "old", "new")]
    assert [answer.status for answer in answers] == [401, 401, 504]
    assert done.times == 1
    assert [(rule["matched"], rule["applied"]) for rule in faults.shown()["rules"]] == [(3, 1), (3, 1)]


async def test_no_rule_is_in_the_way() -> None:
    faults, done = Faults(), Done()
    assert (await faults(call(), done)).status == 201
    assert done.times == 1


def test_a_document_is_yaml_or_json_and_shows_what_it_read() -> None:
    text = "seed: 3\nrules:\n- {orders: 'W*', fault: {kind: drip, seconds: 2}}\n- fault: reset\n"
    plan = parse_plan(text)
    assert (plan.seed, plan.rules[0].orders, plan.rules[0].fault) == (3, "W*", kinds.Drip(seconds=2))
    assert plan.rules[1].fault == kinds.Reset()
    assert parse_plan(plan.model_dump_json()) == plan
    assert parse_plan("") == Plan()
    shown = Faults(plan.rules).shown()["rules"]
    again = [{key: value for key, value in rule.items() if key not in {"matched", "applied"}} for rule in shown]
    assert [rule.fault for rule in parse_plan(yaml.safe_dump({"rules": again})).rules] == [
        rule.fault for rule in plan.rules
    ]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("rules: [", "line 1, column 9", "not YAML or JSON"),
        ("[]", "document", "valid dictionary"),
        ("rules: [{fault: drizzle}]", "rules.0.fault", "'drizzle'"),
        ("rules: [{fault: {kind: drip, secs: 1}}]", "rules.0.fault.drip.secs", "not permitted; found 1"),
        ("rules: [{fault: {kind: drip, seconds: 0}}]", "rules.0.fault.drip.seconds", "greater than 0; found 0"),
        ("rules: [{name: a}]", "rules.0.fault", "required"),
        ("rules: [{fault: reset, until: 1, until: 2}]", "line 1, column 34", "until is there twice"),
        ("rules: [{fault: reset, operations: [put]}]", "rules.0.operations", "found put; there are token, put_ticket"),
        ("rules: [{fault: unlisted, operations: [put_ticket]}]", "rules.0", "it is for list_tickets"),
        ("rules: [{fault: reset, orders_regex: '('}]", "rules.0.orders_regex", "'(' is no regular expression"),
        ("rules: [{fault: reset, nth: 1, every: 2}]", "rules.0", "expected one of nth, every, probability"),
        ("rules: [{fault: reset, after: 5, until: 5}]", "rules.0", "until is 5.0, not after"),
        ("rules: [{fault: refuse}]", "rules.0", "refuse needs until"),
        ("rules: [{fault: refuse, until: 1, orders: x}]", "rules.0", "orders can't narrow it: use reset"),
        ("rules: [{fault: {kind: refusal, status: 429}}]", "rules.0.fault.refusal", "its own kind: too_many_requests"),
        ("rules: [{fault: {kind: refusal, errors: {a: [b]}}}]", "rules.0.fault.refusal", "400, 409, 413, 422, not 403"),
        ("rules: [{fault: {kind: uniform_latency, low: 2}}]", "rules.0.fault.uniform_latency", "low is 2.0, above"),
        ("rules: [{name: a, fault: reset}, {name: a, fault: reset}]", "document", "two rules have the name a"),
    ],
)
def test_a_mistake_has_its_place_and_what_was_found(text: str, place: str, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(text)
    assert list(caught.value.problems) == [place]
    assert said in caught.value.problems[place]


def test_a_file_that_cannot_be_used_names_itself_and_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "faults.yml"
    with pytest.raises(EmulatorError, match="can't read the faults file") as caught:
        load_plan(file)
    assert "--faults" in caught.value.remedy
    file.write_text("rules: 3")
    with pytest.raises(EmulatorError, match=r"faults\.yml is not usable: rules: .*found 3") as caught:
        load_plan(file)
    assert "docs/emulator.md" in caught.value.remedy
    with pytest.raises(EmulatorError, match="no scenario 'sunshine'") as caught:
        scenario("sunshine")
    assert "resets" in caught.value.remedy


@pytest.mark.parametrize("name", scenarios())
def test_each_scenario_is_a_good_document_that_says_what_it_is(name: str) -> None:
    plan = scenario(name)
    assert plan.rules
    assert all(rule.name for rule in plan.rules)
    assert docs.about(name).endswith(".")


def test_the_scenarios_together_hold_every_fault_that_spoils_an_answer() -> None:
    used = {rule.fault.kind for name in scenarios() for rule in scenario(name).rules}
    assert used >= {docs.kind_of(fault) for fault in ACTS}


def test_every_fault_is_in_the_table_and_has_its_act() -> None:
    table = {docs.kind_of(fault) for fault in docs.all_faults()}
    besides = {"refuse", "unlisted", *(docs.kind_of(fault) for fault in kinds.LATENCIES)}
    assert table == {docs.kind_of(fault) for fault in ACTS} | besides
    assert docs.FILE.read_text(encoding="utf-8") == docs.render(), "run: python -m ops.emulator.faults.docs"


def test_the_page_s_example_is_a_good_document() -> None:
    assert [rule.name for rule in parse_plan(docs.EXAMPLE).rules] == ["slow", "lost-answers", "resets"]


def test_the_page_s_check_fails_when_the_page_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "FILE", tmp_path / "emulator.md")
    assert docs.main(["--check"]) == 1
    assert "run: python -m ops.emulator.faults.docs" in capsys.readouterr().err
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
