"""Plays the portfolio: sends it phase by phase, kills a worker in the middle, and watches the outcomes."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as KafkaMessage

from ops.demo.evidence import Coordinates, Sent
from ops.demo.processes import DemoFailed
from ops.demo.show import Board, Show
from ops.demo.stage import TOPICS, Stage
from ops.demo.watch import Watch
from ops.portfolio import Feed, Message, Portfolio
from ops.portfolio.records import Phase

SECONDS = {Phase.SNAPSHOT: 4.0, Phase.MORNING: 5.0, Phase.BUSY: 9.0, Phase.EVENING: 6.0}
"""How long each phase's changes take to be sent."""
TITLES = {
    Phase.SNAPSHOT: "the connector's snapshot: orders that were there already",
    Phase.MORNING: "morning: new orders and changes; a selected site has just been added",
    Phase.BUSY: "busy hours",
    Phase.EVENING: "evening: late twins have arrived, deletes, a second snapshot",
}
BURST = 24
"""Changes sent at once right before the kill, so that creates are in flight when it comes."""
BURST_LEAD = 0.15
"""Seconds from the burst to the kill: the calls are under way, and their answers are not there yet."""
DOWN = 2.5
"""Seconds until the killed worker is started again."""
SETTLE_VIEWS = 1.0
"""Seconds that workers get to read late entities before changes that need them."""
ANSWER_TIMEOUT = 40.0
"""Seconds until all changes of a phase must have an outcome, parked ones included."""
FINAL_TIMEOUT = 60.0
QUIET = 2.0
"""Seconds to watch for what comes although everything is decided: a duplicate comes late."""
_FLUSH_TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Played:
    sent: Sequence[Sent]
    seconds: float
    """From the first change to the last final outcome."""
    kills: int


class Play:
    def __init__(
        self,
        stage: Stage,
        portfolio: Portfolio,
        show: Show,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stage = stage
        self._portfolio = portfolio
        self._show = show
        self._clock = clock
        self._board = Board(total=len(portfolio.changes))
        self._sent: list[Sent] = []
        self._refused: list[str] = []
        self._kills = 0
        self._producer = Producer(
            {
                "bootstrap.servers": stage.broker.bootstrap_servers,
                "log_level": 0,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
            }
        )

    def send_entities(self) -> None:
        """What the graph knows before the workers start. Raises DemoFailed."""
        self._send(self._portfolio.entities_now)
        self._flush()
        self._show.event(f"{len(self._portfolio.entities_now)} places and things are in {TOPICS['entities']}")

    def run(self) -> Played:
        """All phases, the kill in the busy one, and the wait for the last outcome. Raises DemoFailed."""
        watch = Watch(self._stage, self._board, self._clock)
        start = self._clock()
        try:
            for phase in Phase:
                self._play(phase, watch)
            finished = self._until(lambda: self._all_final(watch), watch, FINAL_TIMEOUT)
            seconds = self._clock() - start
            self._show.event("every record is decided" if finished else self._missing(watch, FINAL_TIMEOUT))
            self._for(QUIET, watch)
        finally:
            watch.close()
        return Played(tuple(self._sent), seconds, self._kills)

    def _play(self, phase: Phase, watch: Watch) -> None:
        late = [m for m in self._portfolio.entities_late if m.phase is phase]
        if late:
            self._send(late)
            self._flush()
            self._show.event(f"{len(late)} late: {', '.join(sorted({m.case for m in late}))}")
            self._for(SETTLE_VIEWS, watch)
        changes = [self._filled(m) for m in self._portfolio.changes if m.phase is phase]
        self._show.event(TITLES[phase])
        if phase is Phase.BUSY:
            self._busy(changes, watch)
        else:
            self._spread(changes, SECONDS[phase], watch)
        self._flush()
        # Deletes and late twins suppose that what came before them was seen; a slow machine needs the time.
        if not self._until(lambda: self._all_answered(watch), watch, ANSWER_TIMEOUT):
            self._show.event(self._missing(watch, ANSWER_TIMEOUT))

    def _busy(self, changes: Sequence[Message], watch: Watch) -> None:
        victim = self._stage.workers[-1]
        at = _most_creates(changes)
        before, burst, after = changes[:at], changes[at : at + BURST], changes[at + BURST :]
        self._spread(before, SECONDS[Phase.BUSY] / 3, watch)
        self._send(burst)
        self._for(BURST_LEAD, watch)
        victim.kill()
        self._kills += 1
        self._show.event(f"[red]{victim.name} killed (SIGKILL)[/]")
        down, rest = after[: len(after) // 2], after[len(after) // 2 :]
        self._spread(down, DOWN, watch, dead=victim.name)
        victim.start()
        self._show.event(f"[green]{victim.name} started again[/]")
        self._spread(rest, SECONDS[Phase.BUSY] / 3, watch)

    def _filled(self, message: Message) -> Message:
        """Puts the ticket's id in where a message names another order's ticket. Raises DemoFailed."""
        if message.ticket_of is None:
            return message
        ticket = self._stage.ticket_of(message.ticket_of)
        if ticket is None:
            raise DemoFailed(
                f"order {message.ticket_of} has no ticket in Willow, which {message.order_id} is to name",
                f"read {self._stage.workers[0].log} and {self._stage.workers[1].log}",
            )
        return message.with_ticket(ticket)

    def _spread(self, changes: Sequence[Message], seconds: float, watch: Watch, dead: str | None = None) -> None:
        """Sends evenly over ``seconds``, watching meanwhile. ``dead`` names a worker that may be down."""
        start = self._clock()
        for index, message in enumerate(changes):
            due = start + seconds * index / len(changes)
            while (left := due - self._clock()) > 0:
                self._step(watch, min(left, 0.1), dead)
            self._send([message])
        self._for(max(0.0, start + seconds - self._clock()), watch, dead)

    def _for(self, seconds: float, watch: Watch, dead: str | None = None) -> None:
        end = self._clock() + seconds
        while (left := end - self._clock()) > 0:
            self._step(watch, min(left, 0.1), dead)

    def _until(self, condition: Callable[[], bool], watch: Watch, timeout: float) -> bool:
        end = self._clock() + timeout
        while not condition():
            if self._clock() > end:
                return False
            self._step(watch, 0.1)
        return True

    def _step(self, watch: Watch, seconds: float, dead: str | None = None) -> None:
        self._producer.poll(0)
        watch.look(seconds)
        self._show.update(self._board)
        for child in self._stage.children:
            if child.name != dead:
                child.require_running()
        if not self._stage.broker.running:
            raise self._stage.broker.failure()
        if self._refused:
            raise DemoFailed(f"the broker refused a record: {self._refused[0]}", f"read {self._stage.broker.log}")

    def _send(self, messages: Iterable[Message]) -> None:
        for message in messages:
            topic = TOPICS["work_orders" if message.feed is Feed.WORK_ORDERS else "entities"]
            self._producer.produce(
                topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                on_delivery=self._delivered(message),
            )

    def _delivered(self, message: Message) -> Callable[[KafkaError | None, KafkaMessage], None]:
        def on_delivery(error: KafkaError | None, record: KafkaMessage) -> None:
            if error is not None:
                self._refused.append(error.str())
                return
            at = Coordinates(record.topic(), record.partition(), record.offset())
            self._sent.append(Sent(at, message))
            self._board.sent += message.feed is Feed.WORK_ORDERS

        return on_delivery

    def _flush(self) -> None:
        left = self._producer.flush(_FLUSH_TIMEOUT)
        if left or self._refused:
            what = self._refused[0] if self._refused else f"{left} records not acknowledged in {_FLUSH_TIMEOUT:g} s"
            raise DemoFailed(f"sending failed: {what}", f"read {self._stage.broker.log}")

    def _changes(self) -> Iterable[Sent]:
        return (sent for sent in self._sent if sent.message.feed is Feed.WORK_ORDERS)

    def _all_answered(self, watch: Watch) -> bool:
        return all(sent.at in watch.final or sent.at in watch.parked for sent in self._changes())

    def _all_final(self, watch: Watch) -> bool:
        return all(sent.at in watch.final or not sent.message.allowed for sent in self._changes())

    def _missing(self, watch: Watch, timeout: float) -> str:
        missing = [sent for sent in self._changes() if sent.at not in watch.final and sent.message.allowed]
        example = missing[0].message.order_id or str(missing[0].at) if missing else "-"
        logs = ", ".join(str(worker.log) for worker in self._stage.workers)
        return f"waited {timeout:g} s for {len(missing)} outcomes, in vain (first: {example}); read {logs}"


def _most_creates(changes: Sequence[Message]) -> int:
    """Where to start the burst: the window in the middle half in which most orders are new."""
    new = [b'"op":"c"' in (message.value or b"") for message in changes]
    middle = range(len(changes) // 4, max(len(changes) // 4 + 1, len(changes) * 3 // 4 - BURST))
    return max(middle, key=lambda start: sum(new[start : start + BURST]))
