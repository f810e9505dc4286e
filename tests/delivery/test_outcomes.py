"""Outcomes are what ``schemas.Outcome`` says, under ids that never change (contract §5)."""

import uuid
from typing import Any

import pytest

from schemas.outcome import _NAMESPACE, Outcome, OutcomeKind, outcome_id_of
from streams.delivery.outcomes import OUTCOME_TYPE, Effort, headers_of, instant, outcome

INTENT: dict[str, Any] = {
    "kind": "upsert",
    "workOrderId": "WO1",
    "entityType": "WORK_ORDER",
    "source": {
        "topic": "mapped.work-orders",
        "partition": 3,
        "offset": 1207,
        "changedAt": "2026-11-02T09:14:11.402Z",
        "topicId": "abc",
    },
    "replayId": "r1",
    "timestampMs": 1_793_610_851_000,
    "warnings": ["key_differs"],
}
OLDER = {"topic": "mapped.work-orders", "partition": 3, "offset": 1200, "changedAt": None}
NOW = 1_793_610_851.25
REASON = {"code": "stale", "message": "m", "remedy": "r"}


@pytest.mark.parametrize("kind", OutcomeKind)
def test_every_kind_is_valid(kind: OutcomeKind) -> None:
    made = outcome(INTENT, kind, NOW, reason=REASON, effort=Effort(2, 200, 0.0531, ["w"]), waiting_for=["E1"])
    read = Outcome.model_validate(made)
    assert read.final is (kind is not OutcomeKind.PARKED)
    assert read.model_dump(mode="json", by_alias=True)["warnings"] == ["key_differs", "w"]
    assert set(made) == {field.alias for field in Outcome.model_fields.values()}, "no field is forgotten or invented"


def test_a_control_record_without_a_key_names_no_order() -> None:
    assert outcome({**INTENT, "workOrderId": ""}, OutcomeKind.SKIPPED, NOW, reason=REASON)["workOrderId"] is None


def test_its_figures() -> None:
    made = outcome(INTENT, OutcomeKind.UPDATED, NOW, effort=Effort(2, 200, 0.05312))
    assert (made["attempts"], made["httpStatus"], made["willowMs"], made["endToEndMs"]) == (2, 200, 53.1, 250.0)
    assert made["time"] == "2026-11-02T09:14:11.250Z"
    silent = outcome(INTENT, OutcomeKind.UNCHANGED, NOW)
    assert (silent["attempts"], silent["httpStatus"], silent["willowMs"]) == (0, None, None)


def test_a_clock_behind_the_brokers_gives_no_negative_time() -> None:
    assert outcome(INTENT, OutcomeKind.UPDATED, 0.0)["endToEndMs"] == 0.0


def test_the_outcome_of_an_older_record_has_its_own_coordinates() -> None:
    made = outcome(INTENT, OutcomeKind.SUPERSEDED, NOW, superseded_by=INTENT["source"], source=OLDER, replay_id=None)
    assert made["source"] == OLDER
    assert made["replayId"] is None
    assert made["endToEndMs"] is None, "it is not known when the older one was written"
    assert made["supersededBy"]["offset"] == 1207
    assert made["outcomeId"] == outcome_id_of("mapped.work-orders", 3, 1200, True, None)


def test_the_topics_id_stays_inside() -> None:
    made = outcome(INTENT, OutcomeKind.SUPERSEDED, NOW, superseded_by=INTENT["source"])
    assert set(made["source"]) == set(made["supersededBy"]) == {"topic", "partition", "offset", "changedAt"}


def test_an_id_is_that_of_the_record_and_of_nothing_else() -> None:
    first = outcome(INTENT, OutcomeKind.UPDATED, NOW)
    later = outcome(INTENT, OutcomeKind.REJECTED, NOW + 99, reason=REASON, effort=Effort(9))
    assert first["outcomeId"] == later["outcomeId"]
    others = [
        outcome(INTENT, OutcomeKind.PARKED, NOW),
        outcome({**INTENT, "replayId": None}, OutcomeKind.UPDATED, NOW),
        outcome({**INTENT, "replayId": "r2"}, OutcomeKind.UPDATED, NOW),
        *(
            outcome({**INTENT, "source": {**INTENT["source"], name: value}}, OutcomeKind.UPDATED, NOW)
            for name, value in (("topic", "other"), ("partition", 4), ("offset", 1208))
        ),
    ]
    assert len({made["outcomeId"] for made in [first, *others]}) == len(others) + 1


def test_ids_are_the_same_for_ever() -> None:
    """Consumers keep the first of an id, over any number of versions of this software."""
    assert outcome_id_of("mapped.work-orders", 3, 1207, True, None) == "6e609ab4-76ea-56fe-a9b5-e31b29a81468"
    assert outcome_id_of("mapped.work-orders", 3, 1207, False, "r1") == "cd4f69b0-a3db-5c7c-a040-88a4a39bd312"


def test_ids_are_the_standard_s_uuid5() -> None:
    for offset in range(100):
        expected = uuid.uuid5(_NAMESPACE, f"orders\n2\n{offset}\nparked\nr1")
        assert outcome_id_of("orders", 2, offset, False, "r1") == str(expected)


def test_headers_are_cloud_events_and_carry_the_trace() -> None:
    headers = dict(headers_of("id-1", OUTCOME_TYPE, "00-abc-def-01"))
    assert headers["ce_id"] == b"id-1"
    assert headers["ce_type"] == b"willow-sync.outcome.v1"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["traceparent"] == b"00-abc-def-01"
    assert "traceparent" not in dict(headers_of("id-1", OUTCOME_TYPE, None))


def test_instants_are_utc_with_milliseconds() -> None:
    assert instant(0) == "1970-01-01T00:00:00.000Z"
