"""The consumer's mends (faust-streaming 0.15.3), on the real class with as much of Faust around it as it looks at."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError, OffsetOutOfRangeError
from aiokafka.protocol.group import SyncGroupRequest
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.delivery.offsets import Ledger
from streams.kafka import fetching, transport
from streams.kafka.fetching import Fetched, FetchThread, Mark, Spot
from streams.kafka.record import RUN_RECORDS, ConsumerRecord
from streams.kafka.transport import Consumer, Hooks, LostOnTheWay, MissingRecords, register

P0, P1, CHANGELOG = TP("intents", 0), TP("intents", 1), TP("orders-changelog", 0)
STANDBY = TP("orders-changelog", 1)


class Fetchable:
    """As aiokafka hands it out."""

    def __init__(self, offset: int) -> None:
        self.offset, self.key, self.value, self.headers, self.timestamp = offset, b"k", b"v", (), 1


class Message:
    """As Faust hands it on: of a changelog's record, or of a run of others."""

    def __init__(self, tp: TP, offset: int) -> None:
        self.tp, self.offset = tp, offset
        self.key: bytes | None = None
        self.value: list[ConsumerRecord] | None = None

    @property
    def offsets(self) -> list[int]:
        return [self.offset] if self.value is None else [record.offset for record in self.value]


def record(offset: int) -> ConsumerRecord:
    return ConsumerRecord(P0, offset, 1, b"k", b"v", (), 1)


class Broker:
    """The consumer's thread as the main thread sees it: it answers where logs stand, seeks, and fetches."""

    def __init__(self) -> None:
        self.spot = Spot(None, 0, 100)
        self.fetched: deque[Fetched] = deque()
        self.epoch, self.starts, self.revoked = 0, dict[TP, int](), False
        self.sought = Counter[TP]()
        self.assigned = {P0, P1, CHANGELOG}

    async def spots(self, partitions: set[TP]) -> dict[TP, Spot]:
        return dict.fromkeys(partitions, self.spot)

    async def seek_all(self, starts: Mapping[TP, int]) -> int:
        if self.revoked:
            raise IllegalStateError("not assigned any more")
        self.starts |= starts
        self.epoch += 1
        return self.epoch

    def fetch(self, *offsets: int, tp: TP = P0, generation: int = 1) -> None:
        mark = Mark(generation, self.sought[tp] if tp in (CHANGELOG, STANDBY) else self.epoch)
        self.fetched.append(Fetched(tp, mark, [Fetchable(offset) for offset in offsets]))


class Bookkeeping(Consumer):
    """The consumer without a broker."""

    def __init__(self) -> None:
        self._unacked_messages: set[Any] = set()
        self._commit_fut: asyncio.Future[None] | None = None
        self._read_offset: dict[TP, int | None] = {}
        self._buffered_partitions: set[TP] = set()
        self._thread = Broker()
        self.app = SimpleNamespace(
            consumer_generation_id=1,
            monitor=SimpleNamespace(track_tp_end_offset=lambda tp, offset: None),
            tables=SimpleNamespace(
                changelog_topics={CHANGELOG.topic, STANDBY.topic}, recovery=SimpleNamespace(active_tps={CHANGELOG})
            ),
            rebalancing=False,
        )
        self.scheduler = SimpleNamespace(
            iterate=lambda records: ((tp, record) for tp, batch in records.items() for record in batch)
        )
        self.flow_active = True
        self.ledger = Ledger[TP]()
        self._undelivered: deque[Fetched] = deque()
        self._recovered: deque[Fetched] = deque()
        self._epoch = 0
        self.calls: list[str] = []
        self.fetch_fails: Exception | None = None

    @property
    def should_stop(self) -> bool:
        return False

    def assignment(self) -> set[TP]:
        return self._thread.assigned

    def highwater(self, tp: TP) -> int:
        return 0

    async def _wait_next_records(self, timeout: float) -> None:
        if self.fetch_fails is not None:
            raise self.fetch_fails

    def _to_message(self, tp: TP, record: Any) -> Message:
        return Message(tp, record.offset)

    async def delivered(self, at_most: int = 100) -> list[int]:
        """Offsets, as Faust's loop takes them; it may stop listening in the middle of a batch."""
        found: list[int] = []
        async for _, message in self.getmany(0.01):
            found += message.offsets
            if len(found) >= at_most:
                break
        return found


@pytest.fixture
def fatal() -> Iterator[list[BaseException]]:
    errors: list[BaseException] = []
    before, Consumer.hooks = Consumer.hooks, Hooks(fatal=errors.append)
    yield errors
    Consumer.hooks = before


# -- where reading begins --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("committed", "earliest", "start"), [(7, 0, 7), (0, 0, 0), (None, 0, 0), (None, 4, 4)])
async def test_every_partition_is_sought(committed: int | None, earliest: int, start: int) -> None:
    """Stock Faust does not seek to a committed offset of 0, nor where there is none."""
    consumer = Bookkeeping()
    consumer._thread.spot = Spot(committed, earliest, 100)
    await consumer.perform_seek()
    assert consumer._thread.starts == {P0: start, P1: start}, "a changelog is sought by the recovery"
    assert consumer.ledger.position(P0) == start


async def test_what_is_being_read_goes_on_where_it_stands() -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(0, 1)
    consumer._thread.fetch(2)
    assert await consumer.delivered(2) == [0, 1]
    await consumer.perform_seek()
    assert consumer._thread.starts[P0] == 2
    consumer._thread.fetch(2, 3)
    assert await consumer.delivered() == [2, 3]


@pytest.mark.parametrize(("spot", "words"), [(Spot(3, 5, 9), "offset 3"), (Spot(12, 0, 9), "0 to 8")])
async def test_an_offset_that_the_topic_does_not_hold_ends_the_worker(
    spot: Spot, words: str, fatal: list[BaseException]
) -> None:
    consumer = Bookkeeping()
    consumer._thread.spot = spot
    await consumer.perform_seek()
    (error,) = fatal
    assert isinstance(error, MissingRecords)
    assert words in str(error)
    assert "--accept-gap" in error.remedy
    assert consumer.ledger.position(P0) is None


async def test_an_accepted_gap_is_told_and_passed(fatal: list[BaseException]) -> None:
    gaps: list[tuple[TP, int, int]] = []
    Consumer.hooks = Hooks(fatal=fatal.append, gap=lambda tp, missing, start: gaps.append((tp, missing, start)))
    consumer = Bookkeeping()
    consumer._thread.spot = Spot(3, 5, 9)
    await consumer.perform_seek()
    assert sorted(gaps) == [(P0, 3, 5), (P1, 3, 5)]
    assert (consumer.ledger.position(P0), fatal) == (5, [])


async def test_records_deleted_while_they_were_to_be_read_end_the_worker(fatal: list[BaseException]) -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer.fetch_fails = OffsetOutOfRangeError({P0: 3})
    assert await consumer.delivered() == []
    assert isinstance(fatal[0], MissingRecords)


async def test_partitions_revoked_while_they_are_sought_are_not_opened() -> None:
    consumer = Bookkeeping()
    consumer._thread.revoked = True
    await consumer.perform_seek()
    assert consumer.ledger.position(P0) is None


async def test_a_seek_that_a_rebalance_overtook_opens_nothing() -> None:
    """It would open partitions at positions of a former generation."""

    class Overtaken(Broker):
        async def spots(self, partitions: set[TP]) -> dict[TP, Spot]:
            consumer.app.consumer_generation_id = 2
            return await super().spots(partitions)

    consumer = Bookkeeping()
    consumer._thread = Overtaken()
    await consumer.perform_seek()
    assert consumer.ledger.position(P0) is None


# -- what was fetched is delivered once --------------------------------------------------------------------------------


async def test_what_is_left_of_a_batch_comes_with_the_next_call() -> None:
    """Stock Faust drops it: its position in the log lies behind it by then, and the commit went over it."""
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(0)
    consumer._thread.fetch(1, 2)
    assert await consumer.delivered(1) == [0]
    assert await consumer.delivered() == [1, 2]


async def test_what_was_fetched_before_a_seek_is_not_delivered_after_it() -> None:
    consumer = Bookkeeping()
    consumer._thread.fetch(50, 51)
    await consumer.perform_seek()
    assert await consumer.delivered() == []
    consumer._thread.fetch(0)
    assert await consumer.delivered() == [0]


async def test_what_was_fetched_after_a_seek_waits_for_its_answer() -> None:
    """The thread has sought and fetched on before the main thread hears of the seek."""
    consumer = Bookkeeping()
    await consumer._thread.seek_all({P0: 0})
    consumer._thread.fetch(0, 1)
    assert await consumer.delivered() == []
    consumer._epoch = 1
    consumer.ledger.open(P0, 0)
    assert await consumer.delivered() == [0, 1]


async def test_a_record_fetched_twice_is_delivered_once() -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(0, 1)
    consumer._thread.fetch(1, 2)
    assert await consumer.delivered() == [0, 1, 2]


async def test_fausts_own_filter_does_not_drop_a_record() -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._read_offset[P0] = 99
    consumer._thread.fetch(0)
    await consumer.delivered()
    assert consumer._read_offset[P0] is None


async def test_a_changelog_goes_by_its_own_seeks_and_generation() -> None:
    """A record from before a seek would have the recovery take what lies between for read: states were rolled back."""
    consumer = Bookkeeping()
    consumer._thread.fetch(50, tp=CHANGELOG)
    await consumer.perform_seek()
    assert await consumer.delivered() == [50], "its position is not touched by the seek of the others"
    consumer._thread.fetch(51, tp=CHANGELOG)
    consumer._thread.sought[CHANGELOG] += 1
    assert await consumer.delivered() == []
    consumer.app.consumer_generation_id = 2
    consumer._thread.fetch(52, tp=CHANGELOG, generation=1)
    assert await consumer.delivered() == []


async def test_a_changelog_does_not_wait_for_a_seek_that_was_given_up() -> None:
    """A rebalance may cancel the main thread's wait for it: the recovery hung."""
    consumer = Bookkeeping()
    await consumer._thread.seek_all({P0: 0})
    consumer._thread.fetch(0)
    consumer._thread.fetch(50, tp=CHANGELOG)
    assert await consumer.delivered() == [50]


async def test_while_tables_recover_only_what_they_recover_from_is_delivered() -> None:
    """Faust empties its queues at the end of a recovery, with what came into them since the seek: records were lost,
    and states of a standby were left behind for good."""
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer.app.rebalancing = True
    for tp, offset in ((P0, 0), (STANDBY, 7), (CHANGELOG, 50), (P0, 1)):
        consumer._thread.fetch(offset, tp=tp)
    assert await consumer.delivered() == [50]
    assert await consumer.delivered() == []
    consumer.app.rebalancing = False
    assert sorted(await consumer.delivered()) == [0, 1, 7]


async def test_records_come_in_runs_of_one_partition_each_in_turn() -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(*range(RUN_RECORDS + 2))
    consumer._thread.fetch(0, 1, tp=P1)
    runs = [(tp, message.offsets) async for tp, message in consumer.getmany(0.01)]
    assert sorted(runs) == [(P0, [*range(RUN_RECORDS)]), (P0, [RUN_RECORDS, RUN_RECORDS + 1]), (P1, [0, 1])]


async def test_a_changelog_comes_record_by_record() -> None:
    """Faust reads it."""
    consumer = Bookkeeping()
    consumer.app.rebalancing = True
    consumer._thread.fetch(0, 1, tp=CHANGELOG)
    assert [message.offsets async for _, message in consumer.getmany(0.01)] == [[0], [1]]


async def test_nothing_is_delivered_while_partitions_are_leaving() -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(0)
    consumer.leaving = True
    assert await consumer.delivered() == []


async def test_a_record_that_is_lost_on_the_way_ends_the_worker(fatal: list[BaseException]) -> None:
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(0, 1)
    await consumer.delivered()
    consumer.reached(record(1))
    (error,) = fatal
    assert isinstance(error, LostOnTheWay)
    assert "record 0 of intents/0" in str(error)


# -- what may be committed ---------------------------------------------------------------------------------------------


async def test_only_what_is_done_is_committed_and_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Bookkeeping()
    asked: list[dict[TP, int]] = []

    async def commit(self: Any, offsets: dict[TP, int]) -> bool:
        asked.append(offsets)
        return len(asked) > 1

    monkeypatch.setattr(driver.Consumer, "_commit", commit)
    await consumer.perform_seek()
    consumer._thread.fetch(0, 1)
    await consumer.delivered()
    assert consumer._filter_committable_offsets([P0]) == {}
    assert consumer.finish(record(0)) == [0]
    for _ in range(2):
        offsets = consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks())
        assert offsets == {P0: 1}, "the first time the broker refused it"
        await consumer._commit(offsets)
    assert consumer._filter_committable_offsets([P0]) == {}


async def test_what_faust_acknowledges_by_itself_does_not_count() -> None:
    """Its streams acknowledge what they skip while partitions move, though nobody worked on it."""
    consumer = Bookkeeping()
    await consumer.perform_seek()
    consumer._thread.fetch(0)
    await consumer.delivered()
    assert not consumer.ack(Message(P0, 0))
    await consumer._add_gap(P0, 0, 5)
    assert consumer._filter_committable_offsets([P0]) == {}


# -- partitions that go and come -------------------------------------------------------------------------------------


@pytest.fixture
def faust(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Faust's own consumer does at these moments is noted, not done."""

    def noting(name: str) -> Any:
        async def note(self: Bookkeeping, *_: Any, **__: Any) -> None:
            self.calls.append(f"{name} unacked={len(self._unacked_messages)} leaving={self.leaving}")

        return note

    for name in ("on_partitions_revoked", "on_partitions_assigned", "wait_empty", "commit"):
        monkeypatch.setattr(driver.Consumer, name, noting(name))


@pytest.mark.usefixtures("faust")
async def test_a_rebalance_drains_and_commits_before_faust_forgets(fatal: list[BaseException]) -> None:
    consumer = Bookkeeping()

    async def drain() -> None:
        consumer.calls.append(f"drain leaving={consumer.leaving}")

    Consumer.hooks = Hooks(drain=drain, fatal=fatal.append)
    await consumer.perform_seek()
    consumer._thread.fetch(0)
    await consumer.on_partitions_revoked({P0})
    assert consumer.ledger.position(P0) is None
    assert consumer.calls == [
        "drain leaving=True",
        "commit unacked=0 leaving=True",
        "on_partitions_revoked unacked=0 leaving=True",
    ]
    await consumer.on_partitions_assigned({P0}, 2)
    assert consumer.calls[-1] == "on_partitions_assigned unacked=0 leaving=False"


@pytest.mark.usefixtures("faust")
async def test_nothing_is_waited_for_that_the_drains_gave_up() -> None:
    """Faust waits without a bound: a rebalance, and SIGTERM, hung on one record that nobody works on."""
    consumer = Bookkeeping()
    consumer._unacked_messages |= {Message(P0, 0), Message(P0, 1)}
    await consumer.wait_empty()
    assert consumer.calls == ["wait_empty unacked=0 leaving=True"]


@pytest.mark.usefixtures("faust")
async def test_a_commit_under_way_does_not_swallow_the_last_one() -> None:
    consumer = Bookkeeping()
    under_way: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    consumer._commit_fut = under_way
    last = asyncio.create_task(consumer.commit_now())
    await asyncio.sleep(0)
    assert consumer.calls == []
    consumer._commit_fut = None
    under_way.set_result(None)
    await last
    assert consumer.calls == ["commit unacked=0 leaving=False"]


# -- the lease -------------------------------------------------------------------------------------------------------


class Coordinator:
    """Answers heartbeats as it is told to; a join may come in between."""

    def __init__(self) -> None:
        self.generation, self.accepts, self.rejoins = 1, True, False

    async def _do_heartbeat(self) -> bool:
        if self.rejoins:
            self.generation += 1
        return self.accepts

    async def _send_req(self, request: Any) -> Any:
        return request

    async def _on_join_complete(self, *_: Any) -> str:
        return "joined"

    async def join(self) -> str:
        await self._send_req(SyncGroupRequest("group", 1, "member", None, []))
        return await self._on_join_complete()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Rig:
    def __init__(self) -> None:
        self.coordinator = Coordinator()
        self.thread = FetchThread.__new__(FetchThread)
        self.thread._consumer = type("HasCoordinator", (), {"_coordinator": self.coordinator})()
        self.consumer = Bookkeeping()
        self.consumer._thread = self.thread


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    async def started(self: Any) -> None:
        return None

    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", started)
    made = Rig()
    await made.thread.on_start()
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(fetching, "awake_or_not", made)
    monkeypatch.setattr(transport, "awake_or_not", made)
    return made


async def test_a_lease_counts_from_the_sending_of_a_heartbeat(rig: Rig, clock: Clock) -> None:
    assert rig.consumer.lease_age() == 100.0, "no lease before the first join"
    assert await rig.coordinator.join() == "joined"
    clock.now = 107.0
    assert rig.consumer.lease_age() == 7.0
    assert await rig.coordinator._do_heartbeat()
    clock.now = 108.0
    assert rig.consumer.lease_age() == 1.0


async def test_a_lease_counts_from_the_joins_last_request_not_from_when_its_answer_is_read(
    rig: Rig, clock: Clock
) -> None:
    await rig.coordinator._send_req(SyncGroupRequest("group", 1, "member", None, []))
    clock.now = 130.0  # the process was frozen: the partitions may be another's by now
    await rig.coordinator._on_join_complete()
    assert rig.consumer.lease_age() == 30.0


@pytest.mark.parametrize("how", ["refused", "overtaken by a join"])
async def test_a_heartbeat_that_says_nothing_of_this_generation_renews_nothing(
    rig: Rig, clock: Clock, how: str
) -> None:
    await rig.coordinator.join()
    clock.now = 107.0
    rig.coordinator.accepts = how != "refused"
    rig.coordinator.rejoins = how != "refused"
    await rig.coordinator._do_heartbeat()
    assert rig.consumer.lease_age() == 7.0


# -- the rest --------------------------------------------------------------------------------------------------------


def test_faust_finds_the_transport_by_its_scheme() -> None:
    register()
    assert drivers.TRANSPORTS.by_url("safekafka://localhost:9092") is transport.Transport
