from typing import Any

import pytest

from streams.planning.instants import instant_text, to_datetime

DAY = "2026-11-05T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (" ", None),
        ("2026-11-05", DAY),
        ("20261105", DAY),
        ("2026-11-05T00:00:00.000000Z", DAY),
        ("2026-11-05 02:00:00+02", DAY),
        ("2026-11-05T00:00:00", DAY),
        ("2026-11-05T00:00:00.123456789Z", "2026-11-05T00:00:00.123456Z"),
        (20762, DAY),
        ("20762", DAY),
        (1793836800, DAY),
        (1793836800.5, "2026-11-05T00:00:00.500000Z"),
        (1793836800000, DAY),
        ("1793836800000", DAY),
        (1793836800000000, DAY),
        (1793836800123456789, "2026-11-05T00:00:00.123456Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T00:00:00Z"),
    ],
)
def test_an_instant_in_every_form(value: Any, text: str | None) -> None:
    assert instant_text(value) == text
    if text is not None:
        assert instant_text(text) == text
        assert to_datetime(text).utcoffset() is not None


@pytest.mark.parametrize("value", ["soon", "2026", True, [], {}, 10**30, "9" * 19 + "9", "0001-01-01T00:00:00+10:00"])
def test_what_is_no_instant_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        instant_text(value)
