"""The dead letters: original records untouched, with their error and coordinates in headers (contract §5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas import dead_letter
from streams.planning.forms import key_id
from streams.reading.log import Headers, Log
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """``at`` is its own partition and offset in the dead-letter topic; ``topic``, ``partition`` and ``offset`` are the
    original record's, and ``headers`` are those it came with."""

    at: tuple[int, int]
    code: str
    message: str
    remedy: str
    topic: str
    partition: int
    offset: int
    time: str
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def order_id(self) -> str | None:
        """What its key names: a work order's or an entity's id."""
        return key_id(self.key)


def dead_letters(log: Log, settings: Settings, *, at: tuple[int, int] | None = None) -> Iterator[DeadLetter]:
    """All, in log order per partition; with ``at`` the one there. What is not ours is passed over.

    Raises ReadFailed."""
    topic = settings.topics.name("dead_letters")
    records = log.read(topic) if at is None else log.read_at(topic, {at[0]: [at[1]]})
    for record in records:
        error = {name: value.decode(errors="replace") for name, value in record.headers if _is_ours(name)}
        if found := _read(record.partition, record.offset, error, record.key, record.value, record.headers):
            yield found


def _is_ours(header: str) -> bool:
    return header.startswith(dead_letter.PREFIX)


def _read(
    partition: int, offset: int, error: Mapping[str, str], key: bytes | None, value: bytes | None, headers: Headers
) -> DeadLetter | None:
    try:
        return DeadLetter(
            (partition, offset),
            error[dead_letter.CODE],
            error[dead_letter.MESSAGE],
            error[dead_letter.REMEDY],
            error[dead_letter.TOPIC],
            int(error[dead_letter.PARTITION]),
            int(error[dead_letter.OFFSET]),
            error[dead_letter.TIME],
            key,
            value,
            tuple((name, text) for name, text in headers if not _is_ours(name)),
        )
    except (KeyError, ValueError):
        return None
