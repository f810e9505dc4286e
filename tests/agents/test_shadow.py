"""A shadow's outlet: what it would have written is seen by itself, and by nobody else."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import orjson
import pytest

from schemas.claim import CANDIDATE_ID, ClaimState, claim_key
from schemas.control import TAKEN_OVER_KEY
from schemas.outcome import Reason
from schemas.source import Source
from streams.agents.shadow import (
    NOT_CREATED,
    ShadowClaims,
    ShadowControls,
    ShadowIdentities,
    ShadowWriter,
    in_shadow,
)
from streams.agents.writer import Acked
from streams.delivery.create import InDoubt, MayAdopt, MayPut, Seen, Ticketed, after_claim, before_claim, look
from streams.kafka.producer import Ack, Producer
from streams.settings import Settings
from streams.shadow_settings import ShadowSettings
from streams.tables.claims import ClaimTable
from streams.tables.controls import Controls
from streams.tables.identities import IdentityTable

BASE_URL = "https://one.example/api/v3"
SETTINGS = Settings.model_validate(
    {
        "willow": {"base_url": BASE_URL, "client_id": "a", "client_secret": "b"},
        "selected_sites": ["*"],
        "topics": {"outcomes": "acme.outcomes"},
        "kafka": {"group_id": "sync", "instance_id": "pod-1"},
    }
)


class AcknowledgesAtOnce:
    """A producer that keeps what it was given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, Any]] = []

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, *, headers: Sequence[Any] = (), partition: int = 0
    ) -> Acked:
        self.sent.append((topic, key, None if value is None else orjson.loads(value)))
        future: Acked = asyncio.get_running_loop().create_future()
        future.set_result(Ack(partition, len(self.sent)))
        return future


class World:
    """The topics' tables, which ``say`` fills, and a shadow that stands beside them."""

    def __init__(self) -> None:
        self.real_claims, self.real_identities = ClaimTable(), IdentityTable()
        self.real_controls = Controls(self.real_claims)
        self.identities = ShadowIdentities(self.real_identities)
        self.claims = ShadowClaims(self.real_claims)
        self.controls = ShadowControls(self.real_controls, self.claims)
        self.producer, self.markers = AcknowledgesAtOnce(), 0
        self.writer = ShadowWriter(
            cast(Producer, self.producer),
            ShadowSettings.of(SETTINGS),
            self.identities,
            self.claims,
            self.controls,
            self._marked,
        )
        self._offset = 0

    def _marked(self) -> None:
        self.markers += 1

    def say(self, order_id: str, claim_id: str, state: ClaimState, ticket_id: str | None = None) -> None:
        record = {"state": state.value, "source": None, "ticketId": ticket_id}
        self._offset += 1
        self.real_controls.apply(0, self._offset, 1, claim_key(order_id, claim_id), orjson.dumps(record))

    def bind(self, order_id: str, ticket_id: str) -> None:
        value = orjson.dumps(self.writer.identity_record(order_id, "WORK_ORDER", ticket_id))
        self._offset += 1
        self.real_identities.apply(0, self._offset, 1, order_id.encode(), value)

    def seen(self, order_id: str, kept: str | None = None) -> Seen:
        return look(order_id, self.claims, self.identities, kept=kept)


@pytest.fixture
def world() -> World:
    return World()


async def claim(world: World, order_id: str, state: ClaimState, ticket_id: str | None = None) -> None:
    await world.writer.claim(0, order_id, "mine", state, None, ticket_id=ticket_id)


async def test_its_own_claim_is_read_back_and_ends(world: World) -> None:
    await claim(world, "WO", ClaimState.OPEN)
    assert isinstance(after_claim(world.seen("WO"), "mine", read_back=True, lease_fresh=True), MayPut)
    await claim(world, "WO", ClaimState.DONE, NOT_CREATED)
    assert world.seen("WO") == Seen(None, None, ())
    assert world.producer.sent == []


async def test_a_worker_s_claim_stands_before_its_own(world: World) -> None:
    await claim(world, "WO", ClaimState.OPEN)
    world.say("WO", "theirs", ClaimState.OPEN)
    position = before_claim(world.seen("WO"))
    assert isinstance(position, InDoubt)
    assert position.claim.claim_id == "theirs"
    world.say("WO", "theirs", ClaimState.DONE, "T1")
    assert before_claim(world.seen("WO")) == Ticketed("T1")


async def test_a_ticket_that_the_workers_made_counts_more_than_one_that_would_be_made(world: World) -> None:
    assert before_claim(world.seen("WO", kept=NOT_CREATED)) == Ticketed(NOT_CREATED)
    world.bind("WO", "T1")
    assert before_claim(world.seen("WO", kept=NOT_CREATED)) == Ticketed("T1")


async def test_a_ticket_that_it_would_adopt_is_owned(world: World) -> None:
    await world.writer.identity("WO", "WORK_ORDER", "T1", "o1")
    assert (world.identities.owner_of("T1"), world.identities.ticket_of("WO")) == ("WO", None)
    await world.writer.identity("OTHER", "WORK_ORDER", NOT_CREATED, "o2")
    assert world.identities.owner_of(NOT_CREATED) is None
    assert world.identities.any_order(besides=()) is None


async def test_candidates_and_markers_are_its_own_unless_the_topic_has_them(world: World) -> None:
    assert not world.controls.is_taken_over(BASE_URL, 3)
    await world.writer.candidate(3, "WO", "T1")
    await world.writer.taken_over(3)
    assert (world.controls.is_taken_over(BASE_URL, 3), world.markers) == (True, 1)
    assert not world.real_controls.is_taken_over(BASE_URL, 3)
    assert before_claim(world.seen("WO")) == MayAdopt("T1")
    world.say("WO", CANDIDATE_ID, ClaimState.CANDIDATE, "T2")
    assert before_claim(world.seen("WO")) == MayAdopt("T2")
    world.real_controls.apply(4, 9, 1, TAKEN_OVER_KEY + BASE_URL.encode(), b"{}")
    assert world.controls.is_taken_over(BASE_URL, 4)


async def test_what_it_takes_back_is_gone_for_itself_until_there_is_another(world: World) -> None:
    world.say("WO", "theirs", ClaimState.DONE, "T1")
    world.say("WO", CANDIDATE_ID, ClaimState.CANDIDATE, "T1")
    world.bind("WO", "T1")
    await world.writer.no_identity("WO")
    await world.writer.no_candidate(0, "WO")
    await world.writer.claim(0, "WO", "theirs", ClaimState.RELEASED, None, why="ticket_gone")
    assert world.seen("WO") == Seen(None, None, ())
    assert world.real_identities.ticket_of("WO") == "T1"
    world.bind("WO", "T2")
    assert world.seen("WO").ticket == "T2"


async def test_only_its_own_topics_are_written(world: World) -> None:
    reason, source = Reason(code="c", message="m", remedy="r"), Source(topic="in", partition=0, offset=0)
    await world.writer.dead_letter(b"k", b"v", (), reason, source)
    await world.writer.gap_accepted("in", 0, 1, 2)
    await world.writer.signal("WO", "expire")
    await world.writer.intent("WO", b"{}", None)
    said = {"workOrderId": "WO", "outcomeId": "o1", "outcome": "created", "ticketId": NOT_CREATED}
    await world.writer.outcome(said)
    topics = [topic for topic, _, _ in world.producer.sent]
    own = ("replans", "ticket-intents", "outcomes")
    assert topics == [f"willow-sync.shadow-{name}" for name in own]
    assert world.producer.sent[-1][2] == {**said, "outcome": "would_create", "ticketId": None}


@pytest.mark.parametrize(
    ("kind", "told"), [("updated", "would_update"), ("adopted", "adopted"), ("unchanged", "unchanged")]
)
def test_an_outcome_in_words_that_are_true_of_a_shadow(kind: str, told: str) -> None:
    assert in_shadow({"outcome": kind, "ticketId": "T1"}) == {"outcome": told, "ticketId": "T1"}


def test_the_settings_of_a_shadow_are_its_own_where_it_writes() -> None:
    shadow = ShadowSettings.of(SETTINGS)
    assert (shadow.kafka.group_id, shadow.kafka.instance_id) == ("sync-shadow", "pod-1")
    assert shadow.topics.name("outcomes") == "willow-sync.shadow-outcomes"
    for kind in ("ticket_identities", "create_claims", "dead_letters", "work_orders", "entities"):
        assert shadow.topics.name(kind) == SETTINGS.topics.name(kind)
    assert shadow.data_dir != SETTINGS.data_dir
    assert shadow.willow == SETTINGS.willow
    assert shadow.in_doubt.then == "hold"
