"""Follows the outcomes while the demo plays, for its board and for knowing when a phase is through."""

import json
from collections.abc import Callable

from confluent_kafka import Consumer, TopicPartition

from ops.demo.checker import coordinates
from ops.demo.evidence import Coordinates
from ops.demo.show import Board
from ops.demo.stage import TOPICS, Stage

_STATS_INTERVAL = 0.5


class Watch:
    """Follows the outcomes topic from its beginning and keeps the board's figures."""

    def __init__(self, stage: Stage, board: Board, clock: Callable[[], float]) -> None:
        self._stage = stage
        self._board = board
        self._clock = clock
        self._asked = 0.0
        self.final: set[Coordinates] = set()
        self.parked: set[Coordinates] = set()
        self._consumer = Consumer(
            {
                "bootstrap.servers": stage.broker.bootstrap_servers,
                "log_level": 0,
                "group.id": "demo-watch",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )
        topic = TOPICS["outcomes"]
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])

    def close(self) -> None:
        self._consumer.close()

    def look(self, seconds: float) -> None:
        """Reads for at most ``seconds``."""
        for record in self._consumer.consume(500, timeout=seconds):
            if record.error() is None and record.value() is not None:
                self._take(json.loads(record.value()))
        self._board.waiting = len(self.parked - self.final)
        if self._clock() - self._asked >= _STATS_INTERVAL:
            self._asked = self._clock()
            stats = self._stage.stats()
            self._board.tickets = stats.get("tickets", self._board.tickets)
            self._board.calls = stats.get("requests", self._board.calls)

    def _take(self, outcome: dict[str, object]) -> None:
        source = outcome["source"]
        assert isinstance(source, dict)
        at = coordinates(source)
        if not outcome["final"]:
            self.parked.add(at)
        elif at not in self.final:
            self.final.add(at)
            self._board.outcomes[str(outcome["outcome"])] += 1
