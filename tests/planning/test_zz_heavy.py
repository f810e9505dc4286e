"""Any bytes give an intent, a reason or a dead letter, never an exception; and planning is a pure function."""

import copy
import random
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import Intent, Source
from streams.planning.decode import Change, NotAChange, Undecodable, decode_entity, decode_work_order
from streams.planning.fields import UNAVAILABLE, WORK_ORDER_FIELDS, snake
from streams.planning.places import EntityNode
from streams.planning.plan import plan_not_a_change
from streams.settings import InputFormat

SOURCE = Source(topic="t", partition=0, offset=1)
FORMS = st.sampled_from(list(InputFormat))
MARKS = ["urn:willowinc:twin:id:T", "urn:willowinc:ticket:id:K", UNAVAILABLE, "x@willow", "BLDG1", "THG9", "Open"]
TEXTS = st.text(max_size=12) | st.sampled_from([*MARKS, "2026-11-02T08:00:00Z", "soon", "{}", "[1", '"x"'])
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXTS
INNER = [
    *("name", "emails", "phones", "address", "value", "exactType", "dateCreated", "scope", "hasMember"),
    *("op", "before", "after", "schema", "payload", "data", "type", "specversion", "subject", "doc", "__op"),
    *("__deleted", "ddl", "status", "event_count", "ts_ms", "data_base64", "iodebeziumop", "isPartOf", "hasLocation"),
]
NAMES = st.sampled_from([*WORK_ORDER_FIELDS, *map(snake, WORK_ORDER_FIELDS), *INNER])
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES, inner, max_size=4)
        | inner.map(lambda value: orjson.dumps(value).decode())
    ),
    max_leaves=12,
)
RELATED = st.lists(st.sampled_from(["THG9", "THG8", "THG7", "THG5", "SPC2", "BLDG1", "SITE1", "NEW"]), max_size=4)
ROWS = st.dictionaries(NAMES, VALUES, max_size=8)
#: Near to real ones, so that planning is reached and not decoding alone.
ORDERS = st.fixed_dictionaries(
    {"id": st.sampled_from(["WO1", "WO2"]), "jobStatus": TEXTS | st.none()},
    optional={
        "relatesTo": RELATED.map(lambda ids: [{"id": entity} for entity in ids]),
        **dict.fromkeys(("summary", "description", "jobType", "sector", "problemDescription"), TEXTS | st.none()),
        "hasAssignee": st.none() | st.fixed_dictionaries({"name": TEXTS}),
        "identities": st.lists(st.fixed_dictionaries({"value": TEXTS}), max_size=3),
        "dateUpdated": st.none() | st.integers(0, 2**53),
    },
)
JSON = (ROWS | ORDERS | VALUES).map(orjson.dumps)
RAW = st.none() | st.binary(max_size=60) | JSON
HEADERS = st.lists(
    st.tuples(st.sampled_from(["ce_type", "ce_subject", "traceparent"]), st.binary(max_size=8)), max_size=2
)
NO_CHECK = [HealthCheck.function_scoped_fixture]


def checked(intent: Intent) -> Intent:
    """An intent can be written and read back as the same one."""
    assert Intent.model_validate_json(intent.to_json()) == intent
    return intent


@settings(max_examples=5000, deadline=None, suppress_health_check=NO_CHECK)
@given(key=RAW, value=RAW, headers=HEADERS, form=FORMS)
def test_any_bytes_give_an_intent_or_a_dead_letter(
    world: Any, key: bytes | None, value: bytes | None, headers: Any, form: InputFormat
) -> None:
    found = decode_work_order(key, value, headers, form)
    if isinstance(found, Undecodable):
        assert found.message
        assert found.remedy
        assert len(found.reason.to_json()) < 3000
    elif isinstance(found, NotAChange):
        checked(plan_not_a_change(found, source=SOURCE, timestamp_ms=0))
    else:
        assert found.order_id
        checked(world.plan_change(found))


@settings(max_examples=5000, deadline=None)
@given(key=RAW, value=RAW, headers=HEADERS, form=FORMS)
def test_any_bytes_give_an_entity_or_a_dead_letter(
    key: bytes | None, value: bytes | None, headers: Any, form: InputFormat
) -> None:
    found = decode_entity(key, value, headers, form)
    if isinstance(found, EntityNode):
        assert found.id
        assert found.over(None).absent == frozenset()


@settings(max_examples=5000, deadline=None, suppress_health_check=NO_CHECK)
@given(row=ORDERS, seed=st.integers(0, 9))
def test_planning_is_a_pure_function(world: Any, row: dict[str, Any], seed: int) -> None:
    shuffled = list(row.items())
    random.Random(seed).shuffle(shuffled)
    first = decode_work_order(b"WO1", orjson.dumps(row), [], InputFormat.AUTO)
    second = decode_work_order(b"WO1", orjson.dumps(dict(shuffled)), [], InputFormat.AUTO)
    assert first == second
    if not isinstance(first, Change):
        return
    before = copy.deepcopy(first.record)
    intent = checked(world.plan_change(first))
    assert first.record == before
    assert world.plan_change(second) == intent


@settings(max_examples=5000, deadline=None, suppress_health_check=NO_CHECK)
@given(row=ORDERS)
def test_a_record_that_comes_back_gives_the_same_intent(world: Any, row: dict[str, Any]) -> None:
    change = decode_work_order(b"WO1", orjson.dumps(row), [], InputFormat.AUTO)
    if isinstance(change, Change):
        intent = world.plan_change(change)
        again = Change(change.order_id, False, orjson.loads(orjson.dumps(intent.record)), change.warnings)
        assert world.plan_change(again) == intent
        # What decode made is canonical: reading it once more changes nothing.
        assert decode_work_order(b"WO1", orjson.dumps(change.record), [], InputFormat.AUTO) == Change(
            change.order_id, False, change.record, change.warnings
        )
