"""A view of a compacted topic, on a real broker: whole, followed, and honest about what it has read."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from tenacity import stop_after_delay

from ops.kafka import Broker, BrokerAddress
from streams.planning.forms import Header
from streams.tables.view import View, ViewFailed

pytestmark = pytest.mark.kafka

SOON = 30.0
"""Seconds after which a test that waits has failed."""

Record = tuple[int, int, bytes | None, bytes | None]


class Kept:
    """Keeps what it is given: partition, offset, key, value; headers apart."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.headers: list[tuple[Header, ...]] = []

    def apply(
        self,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        assert timestamp_ms > 0
        self.records.append((partition, offset, key, value))
        self.headers.append(tuple(headers))

    @property
    def keys(self) -> list[bytes | None]:
        return [key for _, _, key, _ in self.records]


class Broken:
    def apply(self, *_: object) -> None:
        raise ValueError("a fault of ours")


class Topic:
    """A topic of this test alone, and what a test does to it."""

    def __init__(self, bootstrap_servers: str, partitions: int = 2) -> None:
        self.config = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
        self.name = f"view-{uuid.uuid4().hex[:10]}"
        self.partitions = partitions
        self.admin = AdminClient(self.config)
        self._producer = Producer(self.config)

    def make(self, cleanup: str = "compact") -> "Topic":
        new = NewTopic(self.name, self.partitions, 1, config={"cleanup.policy": cleanup})
        self.admin.create_topics([new], operation_timeout=30)[self.name].result(30)
        return self

    def put(
        self, partition: int, *keys: bytes, value: bytes | None = b"{}", headers: list[Header] | None = None
    ) -> None:
        for key in keys:
            self._producer.produce(self.name, key=key, value=value, partition=partition, headers=headers)
        assert self._producer.flush(SOON) == 0

    def put_in_transaction(self, partition: int, *keys: bytes, commit: bool = True) -> None:
        """Its end marker takes an offset that no reader is given."""
        producer = Producer({**self.config, "transactional.id": self.name})
        producer.init_transactions(SOON)
        producer.begin_transaction()
        for key in keys:
            producer.produce(self.name, key=key, value=b"{}", partition=partition)
        producer.flush(SOON)
        if commit:
            producer.commit_transaction(SOON)
        else:
            producer.abort_transaction(SOON)

    def cut(self, partition: int, before: int) -> None:
        spot = TopicPartition(self.name, partition, before)
        self.admin.delete_records([spot])[spot].result(SOON)


@pytest.fixture
def topic(broker: BrokerAddress) -> Topic:
    return Topic(broker.bootstrap_servers).make()


class Fatal(list[BaseException]):
    """What the worker would stop for."""


@asynccontextmanager
async def view_of(
    topic: Topic, kept: Kept, *, fatal: Fatal | None = None, on_change: Callable[[], None] = lambda: None
) -> AsyncIterator[View]:
    ends = Fatal()
    view = View(
        topic.name, kept, dict(topic.config), on_change=on_change, on_fatal=(ends if fatal is None else fatal).append
    )
    try:
        await view.start()
        yield view
    finally:
        await view.close()
    assert ends == []
    assert not any(thread.name == f"view-{topic.name}" for thread in threading.enumerate())


async def ready(view: View) -> None:
    async with asyncio.timeout(SOON):
        await view.until_ready()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_empty_topic_is_ready_at_once(topic: Topic) -> None:
    kept = Kept()
    async with view_of(topic, kept) as view:
        await ready(view)
        assert kept.records == []
        assert view.positions == await view.end_offsets() == {0: 0, 1: 0}
        assert view.lag == 0


async def test_it_is_ready_once_all_that_stood_at_the_start_is_read(topic: Topic) -> None:
    keys = [b"%d" % number for number in range(3000)]
    topic.put(0, *keys)
    topic.put(1, b"gone", value=None)
    kept = Kept()
    async with view_of(topic, kept) as view:
        await ready(view)
        assert [key for partition, _, key, _ in kept.records if partition == 0] == keys
        assert (1, 0, b"gone", None) in kept.records
        assert view.positions == {0: 3000, 1: 1}
        assert (view.ready, view.lag) == (True, 0)


async def test_it_follows_and_tells_of_changes(topic: Topic) -> None:
    kept, changes = Kept(), list[int]()
    async with view_of(topic, kept, on_change=lambda: changes.append(len(kept.records))) as view:
        await ready(view)
        topic.put(1, b"a")
        topic.put(1, b"b", headers=[("ce_type", b"site.deleted")])
        assert await view.reached({1: 2}, seconds=SOON)
        assert kept.keys == [b"a", b"b"]
        assert kept.headers == [(), (("ce_type", b"site.deleted"),)]
        await until(lambda: changes[-1] == 2)


async def test_read_your_writes_while_others_write(topic: Topic) -> None:
    kept = Kept()
    async with view_of(topic, kept) as view:
        await ready(view)
        for number in range(20):
            topic.put(0, b"%d" % number)
            assert await view.reached({0: number + 1}, seconds=SOON)
            assert kept.keys[-1] == b"%d" % number


async def test_many_wait_at_once_each_for_its_own(topic: Topic) -> None:
    async with view_of(topic, Kept()) as view:
        await ready(view)
        waits = [asyncio.create_task(view.reached({0: number}, seconds=SOON)) for number in range(1, 6)]
        late = asyncio.create_task(view.reached({0: 99}, seconds=0.3))
        topic.put(0, b"1", b"2", b"3", b"4", b"5")
        assert await asyncio.gather(*waits) == [True] * 5
        assert not await late


async def test_what_never_comes_is_waited_for_no_longer_than_asked(topic: Topic) -> None:
    async with view_of(topic, Kept()) as view:
        assert not await view.reached({0: 1}, seconds=0.05)
        assert not await view.reached({7: 1}, seconds=0.05), "a partition that it does not read"
        assert await view.reached({0: 0, 1: 0}, seconds=0.05)


@pytest.mark.parametrize("commit", [True, False])
async def test_a_gap_at_the_end_is_no_record_to_wait_for(topic: Topic, commit: bool) -> None:
    """The marker of a transaction, here; compaction leaves such offsets too."""
    topic.put(0, b"before")
    topic.put_in_transaction(0, b"in", commit=commit)
    kept = Kept()
    async with view_of(topic, kept) as view:
        await ready(view)
        # The broker writes a transaction's marker after it has answered the commit: not before then is its end known.
        assert await view.reached({0: 3}, seconds=SOON)
        assert kept.keys == ([b"before", b"in"] if commit else [b"before"])
        assert await view.reached(await view.end_offsets(), seconds=SOON)


@pytest.mark.parametrize("commit", [True, False])
async def test_a_gap_that_comes_later_is_no_record_to_wait_for(topic: Topic, commit: bool) -> None:
    """A worker that was ready waited for it at each rebalance, for ever."""
    kept = Kept()
    async with view_of(topic, kept) as view:
        await ready(view)
        topic.put_in_transaction(1, b"in", commit=commit)
        assert await view.reached(await view.end_offsets(), seconds=SOON)
        assert kept.keys == ([b"in"] if commit else [])
        topic.put(1, b"after")
        assert await view.reached(await view.end_offsets(), seconds=SOON)
        assert kept.keys[-1] == b"after"


async def test_it_tells_of_each_gap_that_it_has_read_over(topic: Topic) -> None:
    """As compaction leaves them: who waits for a record behind one must know."""
    topic.put(0, b"k1")
    async with view_of(topic, Kept()) as view:
        await ready(view)
        assert (view.gaps(0), view.gaps(1)) == (0, 0)
        topic.put(0, b"k2")
        assert await view.reached({0: 2}, seconds=SOON)
        assert view.gaps(0) == 0
        topic.put_in_transaction(0, b"k3")
        topic.put(0, b"k4")
        assert await view.reached({0: 5}, seconds=SOON)
        assert (view.gaps(0), view.gaps(1)) == (1, 0)


async def test_it_begins_where_the_topic_begins(broker: BrokerAddress) -> None:
    topic = Topic(broker.bootstrap_servers).make("compact,delete")
    topic.put(0, b"a", b"b", b"c")
    topic.cut(0, 2)
    kept = Kept()
    async with view_of(topic, kept) as view:
        await ready(view)
        assert kept.records == [(0, 2, b"c", b"{}")]


# -- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(View._assign.retry, "stop", stop_after_delay(0.5))


@pytest.mark.usefixtures("impatient")
async def test_a_missing_topic_is_an_error_with_a_remedy(broker: BrokerAddress) -> None:
    missing = Topic(broker.bootstrap_servers)
    with pytest.raises(ViewFailed, match=missing.name) as caught:
        async with view_of(missing, Kept()):
            pass
    assert "topics --check" in caught.value.remedy


async def test_a_view_that_never_started_closes() -> None:
    await View("t", Kept(), {"bootstrap.servers": "127.0.0.1:9"}, on_fatal=Fatal().append).close()


async def test_a_topic_that_is_made_a_moment_later_is_found(broker: BrokerAddress) -> None:
    late = Topic(broker.bootstrap_servers)
    asyncio.get_running_loop().call_later(0.3, late.make)
    async with view_of(late, Kept()) as view:
        await ready(view)


class Told:
    """An error as librdkafka hands it to a reader."""

    def __init__(self, code: int, *, fatal: bool = False) -> None:
        self._code, self._fatal = code, fatal

    def code(self) -> int:
        return self._code

    def fatal(self) -> bool:
        return self._fatal

    def str(self) -> str:
        return f"error {self._code}"


NO_MENDING = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError._AUTO_OFFSET_RESET,
)
MENDS_ITSELF = (
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
)


def test_what_does_not_mend_itself_ends_the_worker() -> None:
    """The log was cut over the reader, among others: it would go on with a table that lacks what was cut."""
    view = View("t", Kept(), {}, on_fatal=Fatal().append)
    for code in NO_MENDING:
        with pytest.raises(ViewFailed, match="topic t can't be followed: error"):
            view._tolerate(Told(code))
    with pytest.raises(ViewFailed):
        view._tolerate(Told(KafkaError._TRANSPORT, fatal=True))
    for code in MENDS_ITSELF:
        view._tolerate(Told(code))


async def test_a_fault_in_the_table_ends_the_worker(topic: Topic) -> None:
    fatal = Fatal()
    view = View(topic.name, Broken(), dict(topic.config), on_fatal=fatal.append)
    await view.start()
    try:
        topic.put(0, b"a")
        await until(lambda: fatal)
    finally:
        await view.close()
    assert isinstance(fatal[0], ValueError)


async def test_it_outlives_the_broker(own_broker: Broker) -> None:
    topic, kept = Topic(own_broker.bootstrap_servers).make(), Kept()
    topic.put(0, b"before")
    async with view_of(topic, kept) as view:
        await ready(view)
        own_broker.kill()
        assert not await view.reached({0: 2}, seconds=0.5)
        own_broker.restart()
        topic.put(0, b"after")
        assert await view.reached({0: 2}, seconds=SOON)
        assert kept.keys == [b"before", b"after"]
