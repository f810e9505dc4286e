"""Every operation of the table: a client method, an emulator's answer, a round trip, and the answer's shape."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from ops.emulator import ReadShape
from ops.emulator.operations import HANDLERS
from ops.emulator.operations import OPERATIONS as ANSWERED
from streams.willow import OPERATIONS
from tests.willow.round_trips import ROUND_TRIPS
from tests.willow.round_trips.rig import world
from tests.willow.seeds import documented


def test_each_operation_is_answered_by_the_emulator_and_has_a_round_trip() -> None:
    assert HANDLERS.keys() == OPERATIONS.keys()
    assert [operation.row for operation in ANSWERED] == list(OPERATIONS.values())
    assert ROUND_TRIPS.keys() == OPERATIONS.keys()


@pytest.mark.parametrize("shape", list(ReadShape))
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_round_trip(name: str, shape: ReadShape) -> None:
    async with world(read_shape=shape, page_base=int(shape is ReadShape.OLD)) as w:
        await ROUND_TRIPS[name](w)

        assert (name, OPERATIONS[name].status) in w.measured
        assert all(status is not None and status < 300 for _, status in w.measured)


SAMPLES = documented("001")

SHOWN = [
    name
    for name, row in OPERATIONS.items()
    if row.response is not type(None)
    and (row.method, row.path) in SAMPLES
    and SAMPLES[row.method, row.path].response is not None
]


@pytest.mark.parametrize("name", SHOWN)
async def test_the_answer_has_the_shape_of_the_documents_example(name: str) -> None:
    row = OPERATIONS[name]
    async with world(read_shape=ReadShape.OLD) as w:
        await ROUND_TRIPS[name](w)

        first, *others = [orjson.loads(answer.body) for answer in w.recorder.answers[name]]

    sample = SAMPLES[row.method, row.path].response
    assert_same_shape(first, sample, name)
    for shown in others:
        # The other form of PUT /events.
        several = isinstance(shown, list) and not isinstance(sample, list)
        assert_same_shape(shown, [sample] if several else sample, name, AS_NEEDED | AS_ASKED)


FREE = frozenset({"contents", "properties", "customProperties", "displayName", "description"})
"""Objects whose names are the data."""

NEWER = frozenset({"cause", "solution", "notes"})
"""Fields of a ticket that only newer pages show (facts §3)."""

AS_NEEDED = frozenset({"properties", "errorData"})
"""Shown by the example, and left out or null where there is nothing to show."""


AS_ASKED = frozenset({"incomingRelationships", "outgoingRelationships"})
"""Shown where they are asked for, as each first round trip does."""


def assert_same_shape(shown: Any, sample: Any, at: str, optional: frozenset[str] = AS_NEEDED) -> None:
    """The example's names, no others, and values of the same kinds; null stands for anything."""
    if shown is None or sample is None:
        return
    if isinstance(sample, dict):
        assert isinstance(shown, dict), at
        if "property1" in sample:
            sample = dict.fromkeys(shown, sample["property1"])
        missing, more = sample.keys() - shown.keys(), shown.keys() - sample.keys()
        assert not missing - optional, f"{at} lacks {missing}"
        assert not more - NEWER - optional, f"{at} has {more} more"
        for field, value in shown.items():
            if field in sample and not (field in FREE and isinstance(value, Mapping)):
                assert_same_shape(value, sample[field], f"{at}.{field}", optional)
    elif isinstance(sample, list):
        assert isinstance(shown, list), at
        for number, value in enumerate(shown):
            assert_same_shape(value, sample[0], f"{at}[{number}]", optional)
    else:
        kinds = (int, float) if isinstance(sample, int | float) and not isinstance(sample, bool) else type(sample)
        assert isinstance(shown, kinds), f"{at} is {shown!r}, the example has {sample!r}"
