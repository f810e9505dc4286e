"""A shadow says what a worker would do, and leaves everything as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from streams.reading.log import Log
from streams.shadow_settings import ShadowSettings
from tests.acceptance.conftest import StageFor
from tests.acceptance.judge import judge
from tests.acceptance.records import Sent, entity, names, relates_to, work_order
from tests.acceptance.stage import Stage
from tests.acceptance.tap import Tap

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

UNTOUCHED = ("ticket_identities", "create_claims", "dead_letters", "outcomes", "ticket_intents", "replans")


class Shadow:
    """What a shadow of this stage says."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.settings = stage, ShadowSettings.of(stage.settings)
        stage.make_topics(self.settings)
        self.tap = Tap(stage.bootstrap_servers, self.settings.topics)

    def final(self, sent: Sent) -> dict[str, Any]:
        def said() -> bool:
            self.tap.drain(0.05)
            return sent.at in self.tap.finals

        self._stage.until(said, f"what the shadow says of {sent.order_id}")
        return self.tap.finals[sent.at][0]

    def parked(self, sent: Sent) -> dict[str, Any]:
        def said() -> bool:
            self.tap.drain(0.05)
            return sent.at in self.tap.parked

        self._stage.until(said, f"{sent.order_id} to be parked")
        return self.tap.parked[sent.at][0]


@contextmanager
def shadow_of(stage: Stage) -> Iterator[Shadow]:
    shadow = Shadow(stage)
    try:
        yield shadow
    finally:
        shadow.tap.close()


def records_in(stage: Stage) -> dict[str, int]:
    """Records in each topic that a shadow must not write."""
    with Log(stage.settings) as log:
        spans = {kind: log.spans(stage.settings.topics.name(kind)) for kind in UNTOUCHED}
    return {kind: sum(end - low for low, end in found.values()) for kind, found in spans.items()}


def test_a_shadow_says_what_would_be_done_and_does_nothing(stage_for: StageFor) -> None:
    stage = stage_for()
    old = stage.willow.add_ticket(externalId="OLD", summary="Another connector's")
    before = stage.willow.ticket("OLD")
    with shadow_of(stage) as shadow:
        worker = stage.worker("--shadow")
        said = shadow.final(stage.change("NEW"))
        assert (said["outcome"], said["ticketId"], said["twinId"]) == ("would_create", None, "TW-AHU1")
        assert (said["attempts"], said["httpStatus"]) == (0, None)
        said = shadow.final(stage.change("NEW", summary="Newer"))
        assert (said["outcome"], said["changed"]) == ("would_update", ["externalUpdatedDate", "summary"])
        assert shadow.final(stage.change("NEW", summary="Newer"))["outcome"] == "unchanged"
        said = shadow.final(stage.change("OLD"))
        assert (said["outcome"], said["ticketId"]) == ("adopted", old)
        assert {"summary", "description"} <= set(said["changed"])
        taken = stage.change("THIEF", identities=[{"value": f"urn:willowinc:ticket:id:{old}"}])
        assert shadow.final(taken)["reason"]["code"] == "ticket_owned_by_other"
        assert shadow.final(stage.change("SKIP", jobStatus="Mystery"))["reason"]["code"] == "unmapped_job_status"
        assert shadow.final(stage.delete("NEW"))["reason"]["code"] == "deleted_kept"
        poison = stage.raw(b"POISON", b"no JSON", poison=True)
        assert shadow.final(poison)["outcome"] == "dead_lettered"

        stage.entities(entity("PUMP1", "Pump", "FLOOR1"))
        waits = stage.change("WAITS", relatesTo=relates_to("PUMP1"))
        shadow.parked(waits)
        stage.entities(entity("PUMP1", "Pump", "FLOOR1", "TW-PUMP1"))
        assert shadow.final(waits)["outcome"] == "would_create"

        stage.stop(worker)
        assert records_in(stage) == dict.fromkeys(UNTOUCHED, 0)
        assert (stage.willow.calls("put_ticket"), stage.willow.calls("patch_ticket")) == (0, 0)
        assert stage.willow.ticket("OLD") == before


def test_a_shadow_goes_on_where_it_was_and_sees_what_the_workers_made(stage_for: StageFor) -> None:
    stage = stage_for()
    with shadow_of(stage) as shadow:
        shade = stage.worker("--shadow")
        orders = stage.send_changes(work_order(name, stage.calendar.next()) for name in names("WO", 20))
        assert {shadow.final(sent)["outcome"] for sent in orders} == {"would_create"}
        shade.kill()
        real = stage.worker()
        assert {said["outcome"] for said in stage.finals(orders)} == {"created"}
        newer = stage.send_changes(work_order(name, stage.calendar.next(), summary="New") for name in names("WO", 20))
        assert {said["outcome"] for said in stage.finals(newer)} == {"updated"}
        writes = records_in(stage)
        shade.start()
        # Willow has all of it already: the shadow asked Willow, not its own books.
        finals = [shadow.final(sent) for sent in newer]
        assert {said["outcome"] for said in finals} == {"unchanged"}
        assert [said["ticketId"] for said in finals] == [stage.tap.identities[sent.order_id or ""] for sent in newer]
        assert records_in(stage) == writes
        stage.stop(shade)
        stage.stop(real)
    judge(stage)


def test_a_ticket_that_is_gone_would_be_made_anew(stage_for: StageFor) -> None:
    stage = stage_for(on_missing_ticket="create")
    with shadow_of(stage) as shadow:
        real = stage.worker()
        first = stage.change("WO")
        stage.willow.remove_ticket(stage.final(first)["ticketId"])
        stage.stop(real)
        before, calls = records_in(stage), stage.willow.calls("get_ticket")
        worker = stage.worker("--shadow")
        said = shadow.final(first)
        assert (said["outcome"], said["ticketId"]) == ("would_create", None)
        assert shadow.final(stage.change("WO", summary="Newer"))["outcome"] == "would_update"
        assert stage.willow.calls("get_ticket") - calls == 1
        stage.stop(worker)
        assert records_in(stage) == before
