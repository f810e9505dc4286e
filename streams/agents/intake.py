"""The sink's way in: intents from the topic into the lanes of their orders, and out of them one order at a time."""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from streams.agents.sink import Item
from streams.delivery.lanes import Lanes
from streams.delivery.outcomes import traceparent_of
from streams.kafka.in_flight import InFlight
from streams.kafka.record import ConsumerRecord
from streams.tables.catching_up import CatchUp

log = logging.getLogger(__name__)


class Intake:
    def __init__(self, app: Any, window: InFlight, lanes: Lanes[ConsumerRecord], catch_up: CatchUp) -> None:
        self._app, self._window, self._lanes, self._catch_up = app, window, lanes, catch_up

    async def take(self, intents: AsyncIterator[ConsumerRecord]) -> None:
        """For ever: each record waits in its order's lane.

        It is not read before its turn: what waits takes its bytes, which are a sixth of the objects made of them."""
        async for record in intents:
            if not await self._window.admit(record):
                continue
            await self._catch_up.wait(record.generation)
            if self._app.consumer.leaving or record.generation != self._app.consumer_generation_id:
                # The drain gave it up while it waited here; it comes again, to whoever owns its partition.
                continue
            self._lanes.put((record.key or b"").decode(errors="replace"), record)

    def items(self, order_id: str, batch: Sequence[ConsumerRecord]) -> list[Item]:
        """Their intents. What is none of this order is done with."""
        return [item for record in batch if (item := self._item(order_id, record)) is not None]

    def _item(self, order_id: str, record: ConsumerRecord) -> Item | None:
        try:
            intent = orjson.loads(record.value or b"")
            if intent["workOrderId"] != order_id:
                raise ValueError(f"its key is {order_id!r}")
        except (ValueError, KeyError, TypeError) as error:
            log.error("%s@%d is not ours, passed over: %r", record.tp, record.offset, error)
            self._window.done(record)
            return None
        return Item(intent, record, traceparent_of(record.headers))
