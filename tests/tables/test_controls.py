"""What operators told all workers, as a reader of the claims' topic sees it; claims beside it are untouched."""

from datetime import UTC, datetime

import orjson
import pytest

from schemas.claim import claim_key
from schemas.control import PAUSE_KEY, PAUSE_PARTITION, TAKEN_OVER_KEY, PauseControl, PauseState, TakenOver
from streams.tables.claims import ClaimTable
from streams.tables.controls import Controls, Pauses

AT = datetime(2026, 11, 2, 9, 14, tzinfo=UTC)
PAUSE = PauseControl(state=PauseState.PAUSED, at=AT, by="ann@ops1", note="mapping")
RESUME = PauseControl(state=PauseState.RESUMED, at=AT, by="bob@ops2")


class Topic:
    def __init__(self) -> None:
        self.claims = ClaimTable()
        self.controls = Controls(self.claims)
        self._offset = 0

    def tell(self, value: bytes | None, key: bytes | None = PAUSE_KEY, partition: int = PAUSE_PARTITION) -> Pauses:
        self.controls.apply(partition, self._offset, 1_000, key, value)
        self._offset += 1
        return self.controls.pauses


def test_nothing_said_is_no_pause() -> None:
    assert Topic().controls.pauses.paused is None


def test_the_newest_word_counts() -> None:
    topic = Topic()
    assert topic.tell(PAUSE.to_json()).paused == PAUSE
    assert topic.tell(RESUME.to_json()).paused is None
    again = topic.tell(PAUSE.to_json())
    assert (again.paused, again.resumes) == (PAUSE, 1)


def test_what_compaction_leaves_says_the_same() -> None:
    topic, compacted = Topic(), Topic()
    for record in (PAUSE, RESUME, PAUSE):
        topic.tell(record.to_json())
    assert compacted.tell(PAUSE.to_json()).paused == topic.controls.pauses.paused


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"\xff",
        b"[]",
        b'{"state": "slowed", "at": "2026-11-02T09:14:00Z", "by": "x"}',
        b'{"state": "resumed"}',
    ],
)
def test_what_is_not_ours_changes_nothing(value: bytes | None) -> None:
    topic = Topic()
    before = topic.tell(PAUSE.to_json())
    assert topic.tell(value) is before


def test_only_partition_0_speaks() -> None:
    topic = Topic()
    topic.tell(PAUSE.to_json())
    assert topic.tell(RESUME.to_json(), partition=1).paused == PAUSE


def test_a_newer_version_s_further_fields_are_passed_over() -> None:
    topic = Topic()
    value = orjson.dumps({**orjson.loads(PAUSE.to_json()), "until": "noon"})
    assert topic.tell(value).paused == PAUSE


def test_claims_go_on_to_their_table() -> None:
    topic = Topic()
    topic.tell(b'{"state":"open","claimId":"c1"}', key=claim_key("!pause", "c1"))
    assert [claim.claim_id for claim in topic.claims.open_claims("!pause")] == ["c1"]
    assert topic.controls.pauses == Pauses()


def test_a_partition_is_taken_over_for_its_instance_alone() -> None:
    topic = Topic()
    key = TAKEN_OVER_KEY + b"https://one.example/api/v3"
    said = TakenOver(instance="https://one.example/api/v3", at=AT).to_json()
    topic.tell(said, key, partition=3)
    assert topic.controls.taken_over == {("https://one.example/api/v3", 3)}
    topic.tell(None, key, partition=3)
    assert topic.controls.taken_over == set()
    assert topic.controls.pauses == Pauses()
