"""An order's partition, as Java's client finds it."""

from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.partitioning import partition_of


def test_what_java_says() -> None:
    """The values that Apache Kafka's own UtilsTest pins, made positive."""
    pinned = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: partition_of(key, 1 << 31) for key in pinned} == {key: v & 0x7FFFFFFF for key, v in pinned.items()}


@given(st.binary(max_size=40), st.integers(1, 1000))
def test_another_implementation_agrees(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions
