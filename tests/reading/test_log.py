"""Topics are read from where they begin to where they end now, and at given offsets."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.reading import log as module
from streams.reading.log import Advance, Log, ReadFailed
from tests.reading.conftest import Topics

pytestmark = pytest.mark.kafka

OUT = "outcomes"


def test_all_of_it_in_log_order_per_partition(topics: Topics, log: Log) -> None:
    for number in range(6):
        topics.put(
            OUT, b"k%d" % number, b"%d" % number, partition=number % 2, headers=[("h", b"1")], timestamp_ms=number + 1
        )
    topic = topics.settings.topics.name(OUT)
    found = list(log.read(topic))
    assert [record.value for record in found if record.partition == 0] == [b"0", b"2", b"4"]
    assert {(record.partition, record.offset): record.key for record in found}[1, 2] == b"k5"
    last = found[-1]
    assert (last.topic, last.headers, last.timestamp_ms) == (topic, (("h", b"1"),), int(last.value or b"0") + 1)
    assert [record.value for record in log.read(topic, partitions=[1])] == [b"1", b"3", b"5"]
    assert [record.value for record in log.read(topic, start={1: 2})] == [b"5"]
    assert list(log.read(topic, start={1: 99})) == []


def test_an_empty_topic_is_read_at_once(topics: Topics, log: Log) -> None:
    assert list(log.read(topics.settings.topics.name(OUT))) == []


def test_what_comes_later_is_not_waited_for(topics: Topics, log: Log) -> None:
    topics.put(OUT, b"k", b"first", partition=0)
    found = []
    for record in log.read(topics.settings.topics.name(OUT)):
        found.append(record.value)
        topics.put(OUT, b"k", b"later", partition=0)
    assert found == [b"first"]


def test_a_transaction_s_end_leaves_an_offset_that_no_record_fills(topics: Topics, log: Log) -> None:
    topic = topics.settings.topics.name(OUT)
    producer = Producer(
        {"bootstrap.servers": topics.settings.kafka.bootstrap_servers, "transactional.id": f"{topic}-writer"}
    )
    producer.init_transactions(20)
    for number in range(2):
        producer.begin_transaction()
        producer.produce(topic, b"%d" % number, b"k", partition=0)
        producer.commit_transaction(20)
    # The broker writes the marker after it has confirmed the commit.
    deadline = time.monotonic() + 20.0
    while log.spans(topic, [0])[0][1] < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [(record.offset, record.value) for record in log.read(topic, partitions=[0])] == [(0, b"0"), (2, b"1")]


def test_records_at_offsets_near_and_far(topics: Topics, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEEK_BEYOND", 3)
    for number in range(12):
        topics.put(OUT, b"k", b"%d" % number, partition=0)
    topics.put(OUT, b"k", b"other", partition=1)
    found = log.read_at(topics.settings.topics.name(OUT), {0: [11, 1, 3, 99], 1: [0]})
    assert [record.value for record in found] == [b"1", b"3", b"11", b"other"]


def test_offsets_by_time(topics: Topics, log: Log) -> None:
    for stamp in (1000, 2000, 3000):
        topics.put(OUT, b"k", b"v", partition=0, timestamp_ms=stamp)
    topic = topics.settings.topics.name(OUT)
    assert log.offsets_since(topic, 1500) == {0: 1, 1: 0}
    assert log.offsets_since(topic, 9000) == {0: 3, 1: 0}


def test_where_a_group_goes_on_from(topics: Topics, log: Log) -> None:
    topic = topics.settings.topics.name(OUT)
    topics.put(OUT, b"k", b"v", partition=1)
    group = topics.settings.kafka.group_id
    assert log.committed(group, topic) == {0: None, 1: None}
    member = Consumer({"bootstrap.servers": topics.settings.kafka.bootstrap_servers, "group.id": group})
    member.commit(offsets=[TopicPartition(topic, 1, 1)], asynchronous=False)
    member.close()
    assert log.committed(group, topic) == {0: None, 1: 1}


def test_what_can_t_be_read_says_so(topics: Topics, log: Log) -> None:
    with pytest.raises(ReadFailed, match=r"no-such-topic can't be read") as failed:
        list(log.read("no-such-topic"))
    assert "topics --check" in failed.value.remedy
    with pytest.raises(ReadFailed, match="has no partition 7, it has 2"):
        list(log.read(topics.settings.topics.name(OUT), partitions=[7]))


def test_long_reads_tell_how_far_they_are(topics: Topics) -> None:
    for number in range(4):
        topics.put(OUT, b"k", b"v", partition=number % 2)
    seen: list[tuple[int | None, str]] = []
    counted: list[int] = []

    @contextmanager
    def watch(total: int | None, label: str, /) -> Iterator[Advance]:
        seen.append((total, label))
        yield counted.append

    topic = topics.settings.topics.name(OUT)
    with Log(topics.settings, watch=watch) as log:
        list(log.read(topic))
    assert seen == [(4, f"reading {topic}")]
    assert sum(counted) == 4
