"""The twin table, and what it remembers of changes so that no parked order sleeps for ever (contract §2, §3)."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.settings import InputFormat
from streams.tables.twins import RECENT, TwinTable

TWIN = "urn:willowinc:twin:id:"


class Topic:
    def __init__(self, form: InputFormat = InputFormat.AUTO) -> None:
        self.table = TwinTable(form)
        self.offsets: dict[int, int] = {}

    def raw(
        self, key: bytes | None, value: bytes | None, partition: int = 0, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        offset = self.offsets.get(partition, 0)
        self.table.apply(partition, offset, 0, key, value, headers)
        self.offsets[partition] = offset + 1

    def thing(self, entity_id: str, twin: str | None = None, *, partition: int = 0, **more: Any) -> None:
        identities = [{"value": TWIN + twin}] if twin else []
        entity = {"id": entity_id, "exactType": "Thing", "name": entity_id, "identities": identities, **more}
        self.raw(entity_id.encode(), orjson.dumps(entity), partition)

    def gone(self, entity_id: str) -> None:
        self.raw(entity_id.encode(), None)


def test_an_entity_and_its_twin() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1", hasLocation={"id": "SPC1"})
    node = topic.table.get("THG1")
    assert node is not None
    assert (node.twin_id, node.parent) == ("TW1", "SPC1")
    assert topic.table.by_twin("TW1") == "THG1"
    assert len(topic.table) == 1


def test_a_tombstone_takes_entity_and_twin_away() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1")
    topic.gone("THG1")
    topic.gone("never there")
    assert topic.table.get("THG1") is None
    assert topic.table.by_twin("TW1") is None
    assert len(topic.table) == 0


@pytest.mark.parametrize("form", [InputFormat.AUTO, InputFormat.CLOUDEVENTS])
def test_an_event_in_binary_mode_counts_by_its_headers(form: InputFormat) -> None:
    topic = Topic(form)
    value = b'{"id":"THG1","exactType":"Thing","name":"one"}'
    topic.raw(b"THG1", value, headers=[("ce_specversion", b"1.0"), ("ce_type", b"thing.updated")])
    assert topic.table.get("THG1") is not None
    topic.raw(b"THG1", value, headers=[("ce_specversion", b"1.0"), ("ce_type", b"thing.deleted")])
    assert topic.table.get("THG1") is None


def test_what_a_record_leaves_out_is_unchanged() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1", hasLocation={"id": "SPC1"})
    topic.raw(b"THG1", b'{"id":"THG1","name":"new"}')
    node = topic.table.get("THG1")
    assert node is not None
    assert (node.name, node.twin_id, node.parent) == ("new", "TW1", "SPC1")


def test_a_twin_that_moves_to_another_entity() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1")
    topic.thing("THG2", "TW1")
    topic.thing("THG1")
    assert topic.table.by_twin("TW1") == "THG2"
    topic.thing("THG2", "TW2")
    assert topic.table.by_twin("TW1") is None


def test_fresh_names_are_taken_once_and_once_each() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1")
    topic.thing("THG1", "TW1")
    topic.gone("THG2")
    assert topic.table.take_fresh() == {"THG1", "twin:TW1", "THG2"}
    assert topic.table.take_fresh() == set()


def test_no_fresh_name_is_lost_while_the_event_loop_is_busy() -> None:
    """A first read is faster than a busy loop: a bounded queue dropped names, and orders slept on."""
    topic = Topic()
    topic.thing("THG-first", "TW-first")
    for number in range(RECENT + 10):
        topic.thing(f"THG{number}")
    assert {"THG-first", "twin:TW-first", "THG0"} <= topic.table.take_fresh()


def test_poison_changes_nothing() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1")
    topic.table.take_fresh()
    for value in (b"{", b"[]", b"\x00\x00", b'{"name":"no id"}'):
        topic.raw(b"THG1", value)
    assert topic.table.by_twin("TW1") == "THG1"
    assert topic.table.take_fresh() == set()


# -- what came between the planner's look and the sink's ---------------------------------------------------------------


def test_a_change_counts_from_the_planners_position_on() -> None:
    topic = Topic()
    topic.thing("THG1", "TW1")
    assert topic.table.changed_since({"THG1"}, {0: 0})
    assert not topic.table.changed_since({"THG1"}, {0: 1}), "the planner had read it"
    assert not topic.table.changed_since({"THG2"}, {0: 0})
    assert not topic.table.changed_since((), {0: 0})
    topic.thing("THG1", "TW1")
    assert topic.table.changed_since({"THG1"}, {0: 1})
    assert topic.table.changed_since({"twin:TW1"}, {0: 1})


def test_a_tombstone_is_a_change() -> None:
    topic = Topic()
    topic.gone("THG1")
    assert topic.table.changed_since({"THG1"}, {0: 0})


def test_each_partition_has_its_own_position() -> None:
    topic = Topic()
    topic.thing("THG1", partition=0)
    topic.thing("THG2", partition=1)
    assert not topic.table.changed_since({"THG1", "THG2"}, {0: 1, 1: 1})
    assert topic.table.changed_since({"THG1", "THG2"}, {0: 1, 1: 0})
    assert topic.table.changed_since({"THG2"}, {0: 1}), "a partition that the planner did not know was not read by it"


def test_what_is_forgotten_counts_as_changed() -> None:
    """A planner that is further behind than the table remembers wakes its order once more than needed."""
    topic = Topic()
    for number in range(2 * RECENT):
        topic.thing(f"THG{number}")
    kept = RECENT + 1
    assert topic.table.changed_since({"elsewhere"}, {0: RECENT - 1}), "the newest forgotten one"
    assert not topic.table.changed_since({"elsewhere"}, {0: RECENT})
    assert not topic.table.changed_since({f"THG{kept}"}, {0: kept + 1})
    assert topic.table.changed_since({f"THG{kept + 5}"}, {0: kept + 1})


def test_a_change_is_remembered_as_long_as_its_newest() -> None:
    topic = Topic()
    topic.thing("often")
    for number in range(RECENT - 1):
        topic.thing(f"THG{number}")
    topic.thing("often")
    topic.thing("one more")
    assert topic.table.changed_since({"often"}, {0: RECENT})
    assert not topic.table.changed_since({"often"}, {0: RECENT + 1})


@given(st.binary(max_size=40), st.none() | st.binary(max_size=60))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_record_ends_the_reader(key: bytes, value: bytes | None) -> None:
    Topic().raw(key, value)


@pytest.mark.parametrize("depth", [10, 100_000])
def test_deep_json_does_not_end_the_reader(depth: int) -> None:
    topic = Topic()
    topic.raw(b"THG1", b'{"id":"THG1","isPartOf":' + b"[" * depth + b"]" * depth + b"}")
