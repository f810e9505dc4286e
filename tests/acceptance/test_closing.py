"""Orders that are deleted or stop qualifying close their ticket; parked ones expire; late answers are put right."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from ops.emulator import Answer, Call, Kind, Perform
from tests.acceptance.records import entity, relates_to
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

TTL_SECONDS = 2.0


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, Any]:
    return {
        "on_delete": "close",
        "on_leave": "close",
        "closed_status": "closed",
        "park_ttl": f"{TTL_SECONDS:g}s",
        "willow": {"request_timeout": "1s"},
        "in_doubt": {"settle": "4s"},
    }


def status(stage: Stage, order_id: str) -> str:
    ticket = stage.willow.ticket(order_id)
    assert ticket is not None
    names = {entry.id: entry.name for entry in stage.willow.ask(lambda e: e.lists[Kind.STATUSES])}
    return names[ticket["statusId"]]


def test_a_delete_closes_the_ticket(shared: Stage) -> None:
    created = shared.final(shared.change("DELETED"))
    said = shared.final(shared.delete("DELETED"))
    assert (said["outcome"], said["reason"], said["changed"]) == ("updated", None, ["statusId"])
    assert said["ticketId"] == created["ticketId"]
    assert status(shared, "DELETED") == "Closed"
    assert shared.final(shared.delete("DELETED"))["outcome"] == "unchanged"
    # It comes back: the ticket has the order's own status again.
    assert shared.final(shared.change("DELETED"))["changed"] == ["externalUpdatedDate", "statusId"]
    assert status(shared, "DELETED") == "Open"


def test_a_delete_of_an_order_without_a_ticket_closes_nothing(shared: Stage) -> None:
    assert shared.final(shared.delete("NEVER"))["reason"]["code"] == "deleted_untracked"
    assert shared.willow.ticket("NEVER") is None


def test_an_order_that_leaves_closes_its_ticket_and_says_why(shared: Stage) -> None:
    shared.final(shared.change("LEAVES"))
    said = shared.final(shared.change("LEAVES", relatesTo=relates_to("BLDG9")))
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "left_outside_selected_sites")
    assert said["changed"] == ["statusId"]
    assert status(shared, "LEAVES") == "Closed"
    assert shared.final(shared.change("STAYS-OUT", relatesTo=relates_to("BLDG9")))["changed"] == []


def test_a_parked_order_expires(shared: Stage) -> None:
    older = shared.change("EXPIRES", relatesTo=relates_to("LATE1"))
    newer = shared.change("EXPIRES", relatesTo=relates_to("LATE1"), summary="Newer")
    said = shared.final(newer)
    assert (said["outcome"], said["reason"]["code"]) == ("skipped", "park_expired")
    assert "unknown_entity" in said["reason"]["message"]
    assert shared.final(older)["outcome"] == "superseded"
    shared.entities(entity("LATE1", "Pump", "FLOOR1", "TW-LATE1"))
    marker = shared.change("MARKER", relatesTo=relates_to("LATE1"))
    assert shared.final(marker)["outcome"] == "created"
    assert shared.willow.ticket("EXPIRES") is None
    assert shared.final(shared.change("EXPIRES", relatesTo=relates_to("LATE1")))["outcome"] == "created"


@dataclass(slots=True)
class LateCommit:
    """The first PATCH with this text gets no answer in time, and is carried out after all when ``now`` is set."""

    text: bytes
    now: asyncio.Event = field(default_factory=asyncio.Event)
    caught: bool = False

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        if call.operation == "patch_ticket" and self.text in call.body and not self.caught:
            self.caught = True
            await asyncio.shield(asyncio.ensure_future(self._late(perform)))
        return perform()

    async def _late(self, perform: Perform) -> None:
        await self.now.wait()
        perform()


def test_a_patch_that_commits_late_is_put_right(shared: Stage) -> None:
    shared.final(shared.change("LATE"))
    late = LateCommit(b"Older")
    shared.willow.script.now = late
    shared.final(shared.change("LATE", summary="Older"))
    assert shared.final(shared.change("LATE", summary="Newest"))["outcome"] == "updated"
    shared.willow.ask(lambda _: late.now.set())
    shared.until(lambda: (shared.willow.ticket("LATE") or {})["summary"] == "Older", "the late commit", 3.0)
    shared.until(lambda: (shared.willow.ticket("LATE") or {})["summary"] == "Newest", "the ticket to be put right")
    # And nothing goes on after that.
    asked = shared.willow.calls("get_ticket")
    time.sleep(2.0)
    assert shared.willow.calls("get_ticket") == asked
