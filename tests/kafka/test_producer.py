"""The one producer, on a real broker: acknowledged, in order, never silent about a record that was refused."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from ops.kafka import Broker, BrokerAddress
from streams.kafka.producer import Ack, Producer, SendFailed, TooLarge

pytestmark = pytest.mark.kafka

SOON = 30.0
"""Seconds after which a test that waits has failed."""


class Topic:
    def __init__(self, bootstrap_servers: str, **config: str) -> None:
        self.config: dict[str, Any] = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
        self.name = f"producer-{uuid.uuid4().hex[:10]}"
        new = NewTopic(self.name, 2, 1, config={key.replace("_", "."): value for key, value in config.items()})
        admin = AdminClient(self.config)
        admin.create_topics([new], operation_timeout=30)[self.name].result(30)

    def read(self, partition: int, count: int) -> list[Any]:
        consumer = Consumer({**self.config, "group.id": "reads", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(self.name, partition, 0)])
            found: list[Any] = []
            while len(found) < count and (batch := consumer.consume(count - len(found), timeout=SOON)):
                found += batch
            return found
        finally:
            consumer.close()


@pytest.fixture
def topic(broker: BrokerAddress) -> Topic:
    return Topic(broker.bootstrap_servers)


class Fatal(list[BaseException]):
    """What the worker would stop for."""


@asynccontextmanager
async def producer_of(topic: Topic, fatal: Fatal | None = None, **config: Any) -> AsyncIterator[Producer]:
    ends = Fatal()
    producer = Producer({**topic.config, **config}, on_fatal=(ends if fatal is None else fatal).append)
    producer.start()
    try:
        yield producer
    finally:
        left = await producer.close(SOON)
    assert left == 0
    assert ends == []


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.01)


async def test_an_acknowledgement_says_where_the_record_is(topic: Topic) -> None:
    async with producer_of(topic) as producer:
        assert await producer.send(topic.name, b"k", b"v", partition=1, headers=[("a", b"1"), ("a", b"2")]) == Ack(1, 0)
        assert await producer.send(topic.name, None, None, partition=1) == Ack(1, 1)
        assert producer.unsent == 0
    first, second = topic.read(1, 2)
    assert (first.key(), first.value(), first.headers()) == (b"k", b"v", [("a", b"1"), ("a", b"2")])
    assert (second.key(), second.value(), second.headers()) == (None, None, None)


async def test_order_per_partition_is_that_of_the_sends(topic: Topic) -> None:
    async with producer_of(topic) as producer:
        sent = [producer.send(topic.name, b"k", b"%d" % number, partition=number % 2) for number in range(4000)]
        acks = await asyncio.gather(*sent)
    assert acks == [Ack(number % 2, number // 2) for number in range(4000)]
    assert [message.value() for message in topic.read(0, 2000)] == [b"%d" % number for number in range(0, 4000, 2)]


async def test_keys_go_where_javas_client_puts_them(topic: Topic) -> None:
    """Murmur2: an order's intents and its claims must lie in the partition that the Java upstream would take."""
    keys = [b"", *(b"WO%d" % number for number in range(40))]
    async with producer_of(topic) as producer:
        acks = {key: (await producer.send(topic.name, key, b"v")).partition for key in keys}
    assert acks == {key: murmur2(key) % 2 for key in keys}


def test_what_murmur2_is() -> None:
    """The values that Apache Kafka's own UtilsTest pins."""
    pinned = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) for key in pinned} == {key: value & 0x7FFFFFFF for key, value in pinned.items()}


def murmur2(data: bytes) -> int:
    """As org.apache.kafka.common.utils.Utils.murmur2, made positive as its partitioner does."""
    mask, multiplier = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        part = int.from_bytes(data[at : at + 4], "little") * multiplier & mask
        part = (part ^ (part >> 24)) * multiplier & mask
        value = (value * multiplier & mask) ^ part
    if len(data) > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    value = (value ^ (value >> 13)) * multiplier & mask
    return (value ^ (value >> 15)) & 0x7FFFFFFF


async def test_a_record_that_the_broker_refuses_stops_the_worker(broker: BrokerAddress) -> None:
    small, fatal = Topic(broker.bootstrap_servers, max_message_bytes="1000"), Fatal()
    async with producer_of(small, fatal, **{"compression.type": "none"}) as producer:
        with pytest.raises(SendFailed, match=small.name) as caught:
            await producer.send(small.name, b"k", b"x" * 5000)
        assert len(fatal) == 1
        assert isinstance(fatal[0], SendFailed)
        assert "topics --check" in caught.value.remedy
        assert await producer.send(small.name, b"k", b"v", partition=0) == Ack(0, 0)


async def test_a_refusal_that_nobody_waits_for_is_not_silent(broker: BrokerAddress) -> None:
    small, fatal = Topic(broker.bootstrap_servers, max_message_bytes="1000"), Fatal()
    async with producer_of(small, fatal, **{"compression.type": "none"}) as producer:
        producer.send(small.name, b"k", b"x" * 5000)
        await until(lambda: fatal)


async def test_a_topic_that_is_missing_stops_the_worker(topic: Topic) -> None:
    fatal = Fatal()
    async with producer_of(topic, fatal, **{"topic.metadata.propagation.max.ms": 1}) as producer:
        with pytest.raises(SendFailed, match="no-such-topic"):
            await producer.send("no-such-topic", b"k", b"v")
    assert len(fatal) == 1


async def test_what_librdkafka_refuses_is_said_at_once(topic: Topic) -> None:
    async with producer_of(topic) as producer:
        with pytest.raises(TooLarge, match=f"{topic.name}: too large: {(9 << 20) + 1} bytes, at most {8 << 20}"):
            producer.send(topic.name, b"k", b"x" * (9 << 20))


async def test_a_full_queue_is_an_error_and_no_full_memory(topic: Topic) -> None:
    config: dict[str, Any] = {"queue.buffering.max.messages": 2, "linger.ms": 500}
    async with producer_of(topic, **config) as producer:
        sent = [producer.send(topic.name, b"k", b"v") for _ in range(2)]
        with pytest.raises(SendFailed, match=topic.name):
            producer.send(topic.name, b"k", b"v")
        await asyncio.gather(*sent)


async def test_a_future_that_was_cancelled_does_not_disturb_the_others(topic: Topic) -> None:
    async with producer_of(topic) as producer:
        gone, kept = (producer.send(topic.name, b"k", b"v", partition=0) for _ in range(2))
        gone.cancel()
        assert await kept == Ack(0, 1)


async def test_close_waits_for_what_is_under_way(topic: Topic) -> None:
    producer = Producer({**topic.config, "linger.ms": 300}, on_fatal=Fatal().append)
    producer.start()
    sent = producer.send(topic.name, b"k", b"v", partition=0)
    assert await producer.close(SOON) == 0
    assert sent.result() == Ack(0, 0)


async def test_one_that_never_started_closes() -> None:
    assert await Producer({"bootstrap.servers": "127.0.0.1:9"}, on_fatal=Fatal().append).close(SOON) == 0


class Unwell:
    """librdkafka's handle, when it breaks."""

    def poll(self, _: float) -> int:
        raise RuntimeError("broken")


async def test_the_end_of_the_acknowledging_thread_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nothing is ever acknowledged: every order would wait, without a word."""
    fatal = Fatal()
    monkeypatch.setattr("confluent_kafka.Producer", lambda _: Unwell())
    producer = Producer({}, on_fatal=fatal.append)
    producer.start()
    await until(lambda: fatal)
    assert str(fatal[0]) == "broken"


async def test_a_send_outlasts_the_broker_and_close_has_a_bound(own_broker: Broker) -> None:
    topic = Topic(own_broker.bootstrap_servers)
    # A restarted broker is found soon: librdkafka's own pause between attempts grows to 10 s.
    config = {**topic.config, "reconnect.backoff.max.ms": 500}
    fatal = Fatal()
    producer = Producer(config, on_fatal=fatal.append)
    producer.start()
    assert await producer.send(topic.name, b"k", b"before", partition=0) == Ack(0, 0)
    own_broker.kill()
    sent = producer.send(topic.name, b"k", b"through", partition=0)
    await asyncio.sleep(0.5)
    assert not sent.done()
    assert producer.unsent == 1
    own_broker.restart()
    async with asyncio.timeout(SOON):
        assert await sent == Ack(0, 1)
    own_broker.kill()
    lost = producer.send(topic.name, b"k", b"lost", partition=0)
    assert await producer.close(0.2) == 1
    assert not lost.done()
    assert fatal == [], "a broker that is away is no refusal"
