"""What the agents write, as it stands in the topics."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import orjson
from faust.types import TP

from schemas.control import GAP_KEY
from streams.agents.writer import Acked, Writer
from streams.app import SyncApp
from streams.kafka.producer import Ack, Producer
from streams.settings import Settings

SETTINGS = Settings.model_validate(
    {
        "willow": {"base_url": "https://one.example", "client_id": "a", "client_secret": "b"},
        "selected_sites": ["*"],
        "kafka": {"group_id": "sync"},
    }
)


class Topics:
    """A producer that keeps what it was given: topic, key, value."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes | None, Any]] = []

    def send(self, topic: str, key: bytes | None, value: bytes, **_: Any) -> Acked:
        self.sent.append((topic, key, orjson.loads(value)))
        future: Acked = asyncio.get_running_loop().create_future()
        future.set_result(Ack(0, len(self.sent)))
        return future


async def test_an_accepted_gap_is_written_down_with_its_range() -> None:
    topics = Topics()
    writer = Writer(cast(Producer, topics), SETTINGS, clock=lambda: 0.0)
    app = cast(SyncApp, SimpleNamespace(books=SimpleNamespace(writer=writer)))
    SyncApp._gap(app, TP("intents", 3), 5, 9)
    ((topic, key, said),) = topics.sent
    assert (topic, key) == ("willow-sync.create-claims", GAP_KEY + b"sync/intents/3/5")
    assert (said["group"], said["topic"], said["partition"]) == ("sync", "intents", 3)
    assert (said["firstMissing"], said["resumedAt"]) == (5, 9)
