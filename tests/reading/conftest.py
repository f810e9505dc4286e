"""Topics of one test on a real broker, filled by hand: what a worker would have written."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from streams.delivery.state import OrderState
from streams.kafka.topic_plan import changelog_name
from streams.kafka.topics import ensure_topics, topic_ids
from streams.reading.log import Log
from streams.settings import Settings

Make = Callable[..., Settings]


class Topics:
    """``put`` by the kind of a topic, as its setting is called; ``input`` returns where its record lies."""

    def __init__(self, settings: Settings) -> None:
        wrong = [state for state in ensure_topics(settings) if state.state != "created"]
        assert not wrong, wrong
        self.settings = settings
        self.topic_id = topic_ids(settings, [settings.topics.work_orders])[settings.topics.work_orders]
        self._producer = Producer(
            {"bootstrap.servers": settings.kafka.bootstrap_servers, "partitioner": "murmur2_random"}
        )

    def put(
        self,
        kind: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int = 0,
    ) -> tuple[int, int]:
        topics = self.settings.topics
        names = {
            "work_orders": topics.work_orders,
            "entities": topics.entities,
            "states": changelog_name(self.settings),
        }
        at: list[tuple[int, int]] = []
        extra: dict[str, Any] = {} if partition is None else {"partition": partition}
        self._producer.produce(
            names.get(kind) or topics.name(kind),
            value,
            key,
            headers=list(headers),
            timestamp=timestamp_ms,
            on_delivery=lambda error, message: at.append((message.partition(), message.offset())),
            **extra,
        )
        assert self._producer.flush(20) == 0
        return at[0]

    def input(self, order_id: str, **fields: Any) -> tuple[int, int]:
        return self.put("work_orders", order_id.encode(), orjson.dumps({"id": order_id, **fields}))

    def decided(self, order_id: str, at: tuple[int, int], outcome: str, code: str | None = None, **more: Any) -> None:
        """The order's state after a record was carried out."""
        source = {"topic": self.settings.topics.work_orders, "partition": at[0], "offset": at[1]}
        reason = None if code is None else {"code": code, "message": f"It is {code}.", "remedy": "Mend it."}
        last = {"outcome": outcome, "reason": reason, "source": source}
        topic_id = more.pop("topic_id", self.topic_id)
        self.state(order_id, OrderState(decided={f"{topic_id}/{at[0]}": at[1]}, last=last, **more))

    def state(self, order_id: str, state: OrderState) -> None:
        self.put("states", order_id.encode(), state.to_json())


@pytest.fixture
def topics(settings_for: Make) -> Topics:
    return Topics(settings_for())


@pytest.fixture
def log(topics: Topics) -> Iterator[Log]:
    with Log(topics.settings) as log:
        yield log
