"""The brake: pulled by Willow's refusals alone, as soon as there are too many, and never by anything else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.outcome import OutcomeKind
from streams.delivery.brake import ENOUGH, IN_A_ROW, QUARTER, WINDOW, Brake
from streams.delivery.outcomes import Effort, outcome
from streams.planning.reasons import reason

INTENT = {"workOrderId": "WO7", "source": {"topic": "work-orders", "partition": 0, "offset": 1}}


def said(kind: OutcomeKind, *, attempts: int = 1, changed: tuple[str, ...] = ()) -> dict[str, Any]:
    why = reason("invalid", status=400, detail="statusId is unknown").model_dump()
    return outcome(
        INTENT,
        kind,
        1000.0,
        reason=why if kind is OutcomeKind.REJECTED else None,
        changed=changed,
        effort=Effort(attempts),
    )


TAKEN, REFUSED = said(OutcomeKind.CREATED), said(OutcomeKind.REJECTED)

#: What Willow decided nothing about.
SILENT = [
    said(OutcomeKind.REJECTED, attempts=0),
    said(OutcomeKind.UNCHANGED, attempts=0),
    said(OutcomeKind.UNCHANGED),
    said(OutcomeKind.ADOPTED),
    said(OutcomeKind.SKIPPED),
    said(OutcomeKind.SUPERSEDED),
    said(OutcomeKind.PARKED),
    said(OutcomeKind.DEAD_LETTERED),
]


def test_twenty_in_a_row_and_it_says_which_was_the_last() -> None:
    brake = Brake()
    assert not any(brake.decided(REFUSED) for _ in range(IN_A_ROW - 1))
    assert brake.decided(REFUSED)
    assert brake.pulled is not None
    assert "20 records in a row" in brake.pulled
    assert "WO7" in brake.pulled
    assert "statusId is unknown" in brake.pulled


@pytest.mark.parametrize(
    "taken",
    [
        TAKEN,
        said(OutcomeKind.UPDATED, changed=("summary",)),
        said(OutcomeKind.ADOPTED, changed=("twinId",)),
        said(OutcomeKind.SKIPPED, changed=("statusId",)),
    ],
)
def test_a_write_that_willow_took_ends_the_row(taken: dict[str, Any]) -> None:
    brake = Brake()
    for _ in range(ENOUGH // 2):
        brake.decided(taken)
    for _ in range(3):
        brake.decided(taken)
        assert not any(brake.decided(REFUSED) for _ in range(2))
    assert brake.pulled is None


@pytest.mark.parametrize("silent", SILENT, ids=lambda item: f"{item['outcome']}-{item['attempts']}")
def test_what_willow_decided_nothing_about_neither_pulls_nor_hides(silent: dict[str, Any]) -> None:
    brake = Brake()
    assert not any(brake.decided(silent) for _ in range(2 * WINDOW))
    for _ in range(IN_A_ROW - 1):
        brake.decided(REFUSED)
        brake.decided(silent)
    assert brake.decided(REFUSED)


def test_a_quarter_counts_from_forty_decisions_on() -> None:
    brake = Brake()
    for number in range(ENOUGH - 1):
        brake.decided(REFUSED if number % 4 == 3 else TAKEN)
    assert brake.pulled is None
    assert brake.decided(REFUSED)
    assert brake.pulled is not None
    assert "10 of the last 40" in brake.pulled


def test_only_the_newest_two_hundred_count() -> None:
    brake = Brake()
    for _ in range(10 * WINDOW):
        brake.decided(TAKEN)
    pulled = [brake.decided(REFUSED if number % 2 else TAKEN) for number in range(2 * WINDOW)]
    assert pulled.index(True) == 2 * (WINDOW // 4) - 1


def test_what_was_under_way_is_counted_no_more_and_after_the_release_it_counts_anew() -> None:
    brake = Brake()
    for _ in range(IN_A_ROW):
        brake.decided(REFUSED)
    why = brake.pulled
    assert not any(brake.decided(REFUSED) for _ in range(IN_A_ROW))
    assert brake.pulled == why
    brake.release()
    assert brake.pulled is None
    assert not any(brake.decided(REFUSED) for _ in range(IN_A_ROW - 1))
    assert brake.decided(REFUSED)


@given(st.lists(st.booleans(), max_size=3 * WINDOW))
def test_it_is_pulled_exactly_when_the_rule_says(refusals: list[bool]) -> None:
    brake = Brake()
    for index, refused in enumerate(refusals):
        newest = refusals[max(0, index + 1 - WINDOW) : index + 1]
        row = refused and index + 1 >= IN_A_ROW and all(refusals[index + 1 - IN_A_ROW : index + 1])
        quarter = refused and len(newest) >= ENOUGH and sum(newest) >= QUARTER * len(newest)
        assert brake.decided(REFUSED if refused else TAKEN) == (row or quarter)
        if brake.pulled is not None:
            break
