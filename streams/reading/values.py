"""The values that the six enumerations meet in the work order topic, counted within bounded memory."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.planning.admission import refused
from streams.planning.decode import Change, Undecodable
from streams.planning.enumerations import FIELDS
from streams.planning.rules import Rules
from streams.reading.log import Log
from streams.reading.newest import newest_records
from streams.reading.records import InputRecord, opened
from streams.settings import Settings

MAX_VALUES = 10_000
"""Distinct values that are told apart in a field: terms are some hundreds, a field of free text has no end."""
MAX_LENGTH = 200
"""Characters of a term; what is longer is prose, and no list has it."""


@dataclass(slots=True)
class FieldValues:
    """``counts``: value as it is spelled → records. ``prose`` are records whose value is too long to be a term, or
    came when ``MAX_VALUES`` others were known."""

    counts: Counter[str] = field(default_factory=Counter)
    empty: int = 0
    prose: int = 0

    def add(self, value: str | None) -> None:
        if value is None or not value.strip():
            self.empty += 1
        elif len(value) > MAX_LENGTH or (value not in self.counts and len(self.counts) >= MAX_VALUES):
            self.prose += 1
        else:
            self.counts[value] += 1


@dataclass(slots=True)
class ValuesSeen:
    """``fields``: setting (``job_status``) → its values. ``counted`` of the ``records`` are of orders that may become
    tickets; ``left_out``: the others by reason code, deletes and control records among them."""

    fields: Mapping[str, FieldValues] = field(default_factory=lambda: {item.setting: FieldValues() for item in FIELDS})
    records: int = 0
    counted: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def count_values(records: Iterable[InputRecord], rules: Rules) -> ValuesSeen:
    seen = ValuesSeen()
    for record in records:
        seen.records += 1
        code = _code(record, rules)
        if code is not None:
            seen.left_out[code] += 1
            continue
        assert isinstance(record.said, Change)
        seen.counted += 1
        for item in FIELDS:
            # A field that the record left out is unchanged: an earlier record was counted for it.
            if item.source in record.said.record:
                seen.fields[item.setting].add(record.said.record[item.source])
    return seen


def _code(record: InputRecord, rules: Rules) -> str | None:
    said = record.said
    if isinstance(said, Undecodable):
        return "undecodable"
    if not isinstance(said, Change):
        return "not_a_change"
    if said.deleted:
        return "deleted"
    why = refused(said.record, rules)
    # Its other values count: the status may come with the next record.
    return None if why is None or why.code == "missing_job_status" else why.code


def values_seen(log: Log, settings: Settings, last: int | None) -> ValuesSeen:
    """Of the newest ``last`` records (None: all). Raises ReadFailed."""
    records = newest_records(log, settings.topics.work_orders, last)
    return count_values((opened(record, settings) for record in records), Rules.of(settings))
