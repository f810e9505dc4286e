"""What the story of an order comes down to: the first thing that its operator must know."""

from dataclasses import replace
from typing import Any

import pytest

from streams.delivery.create import Seen
from streams.delivery.foresee import Fate, Foreseen
from streams.delivery.state import OrderState, Owed, Waiting
from streams.planning.decode import Change, Undecodable
from streams.planning.trace import Trace
from streams.reading.advice import advice
from streams.reading.log import Logged
from streams.reading.order_facts import Stage
from streams.reading.records import InputRecord
from streams.reading.replanning import Planned
from streams.reading.story import InWillow, Story
from streams.settings import InputFormat
from streams.tables.twins import TwinTable

SOURCE = {"topic": "work-orders", "partition": 0, "offset": 7}
LOGGED = Logged("work-orders", 0, 7, 1_000, b"WO1", b"{}", ())
REASON = {"code": "no_willow_twin", "message": "No Willow twin id yet: AHU-3.", "remedy": "Attach the twin ids."}


def planned(fate: Fate, code: str | None = None, *changed: str) -> Planned:
    return Planned({"kind": "upsert"}, Foreseen(fate, code, changed), Trace())


def waits(kind: str) -> OrderState:
    said = {"outcome": "parked", "reason": REASON, "waitingFor": ["AHU-3"], "source": SOURCE}
    waiting = Waiting(kind, REASON["code"], 1.0, {"source": SOURCE}, [Owed(SOURCE)], outcome=said)
    return OrderState(waiting=waiting)


UNDER_WAY = Waiting("fill", "fill", 1.0, {"source": SOURCE}, [Owed(SOURCE)])


def last(outcome: str, code: str) -> OrderState:
    return OrderState(last={"outcome": outcome, "reason": {**REASON, "code": code}, "source": SOURCE})


GOOD = Story(
    order_id="WO1",
    history=(),
    state=OrderState(),
    seen=Seen("T1", None, ()),
    newest=InputRecord(LOGGED, Change("WO1", False, {})),
    stage=Stage.DECIDED,
    twins=TwinTable(InputFormat.AUTO),
    lists=None,
    planned=planned(Fate.UNCHANGED),
    willow=InWillow(same_external_id=("T1",)),
)

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("all is well", {}, "Ticket T1 holds", "Nothing."),
    ("lag", {"stage": Stage.NOT_PLANNED}, "not planned yet", "willow-sync status"),
    ("the sink's lag", {"stage": Stage.NOT_CARRIED_OUT}, "not carried out yet", "willow-sync status"),
    ("in doubt", {"state": waits("in_doubt")}, "Parked as no_willow_twin", "Attach the twin ids."),
    ("parked", {"state": waits("parked"), "planned": planned(Fate.PARK)}, "Parked as", "Attach the twin ids."),
    (
        "about to wake",
        {"state": waits("parked"), "planned": planned(Fate.CREATE)},
        "a fresh plan would create",
        "replay --key WO1",
    ),
    ("under way", {"state": OrderState(waiting=UNDER_WAY)}, "under way (fill)", "Wait a moment"),
    ("gone", {"willow": InWillow(gone=True)}, "no ticket T1", "resolve WO1"),
    (
        "poison",
        {"newest": InputRecord(LOGGED, Undecodable("no id", "Mend it.", "WO1")), "planned": None},
        "can't be read: no id",
        "dead-letters retry",
    ),
    (
        "skipped",
        {"state": last("skipped", "unmapped_job_status"), "planned": planned(Fate.SKIP)},
        "Skipped as unmapped_job_status",
        "Attach the twin ids.",
    ),
    (
        "mended since",
        {"state": last("skipped", "unmapped_job_status"), "planned": planned(Fate.CREATE)},
        "A fresh plan would create",
        "`willow-sync replay --key WO1`",
    ),
    (
        "rejected",
        {"state": last("rejected", "invalid"), "planned": planned(Fate.CREATE)},
        "Rejected as invalid",
        "Attach the twin ids.",
    ),
    (
        "settings changed",
        {"planned": planned(Fate.UPDATE, None, "twinId")},
        "would update its ticket: twinId",
        "replay --key WO1",
    ),
    (
        "changed in Willow",
        {"willow": InWillow(changed_there={"summary": "x"})},
        "changed in Willow: summary",
        "replay --key WO1 --force",
    ),
    ("two tickets", {"willow": InWillow(same_external_id=("T1", "T2"))}, "more tickets", "left alone"),
    ("Willow is away", {"planned": None, "willow": InWillow(problem="refused")}, "could not be asked", "check"),
    ("a ticket of someone else", {"seen": Seen(None, None, ())}, "bound to no ticket", "willow-sync adopt"),
    ("no ticket and no reason", {"seen": Seen(None, None, ()), "willow": InWillow()}, "has no ticket", "history"),
]


@pytest.mark.parametrize(("changes", "verdict", "todo"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_first_thing_to_know(changes: dict[str, Any], verdict: str, todo: str) -> None:
    said = advice(replace(GOOD, **changes))
    assert verdict in said.verdict
    assert todo in said.todo
