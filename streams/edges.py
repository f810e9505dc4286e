"""What a worker meets the outside with: Faust, Kafka, Willow, clocks. A simulation wires the same parts to its own."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streams.agents.entity_poison import EntityPoison
from streams.kafka.faust_app import faust_app
from streams.kafka.producer import Producer
from streams.kafka.transport import Consumer
from streams.settings import Settings
from streams.tables.orders import OrderTable
from streams.tables.view import View
from streams.willow import WillowClient


@dataclass(frozen=True, slots=True)
class Edges:
    """``app`` makes the engine that delivers records (Faust), ``consumer`` gets its ``hooks``.
    ``clock`` gives epoch seconds, ``monotonic`` seconds from anywhere."""

    app: Callable[[Settings], Any] = faust_app
    consumer: Any = Consumer
    client: Callable[..., WillowClient] = WillowClient
    producer: Callable[..., Producer] = Producer
    view: Callable[..., View] = View
    orders: Callable[[Any], OrderTable] = OrderTable.declare
    entity_poison: Callable[..., EntityPoison] = EntityPoison
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    rng: Callable[[], random.Random] = random.Random
