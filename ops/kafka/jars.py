"""The pinned jars of Apache Kafka: which, how large, and their SHA-256 (``jars.lock``)."""

import re
from dataclasses import dataclass
from pathlib import Path

KAFKA_VERSION = "4.3.0"

_LOCK = Path(__file__).with_name("jars.lock")
_LINE = re.compile(
    r"(?P<group>[\w.-]+):(?P<artifact>[\w.-]+):(?P<version>[\w.-]+) (?P<size>\d+) (?P<sha256>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned file of a Maven repository."""

    group: str
    artifact: str
    version: str
    size: int
    """In bytes."""
    sha256: str
    """Lower-case hexadecimal."""

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """Relative to the repository's root, by Maven's layout."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


def parse_lock(text: str) -> tuple[Jar, ...]:
    """The jars of a lock file: one a line, ``#`` starts a comment line.

    Raises ValueError with the line that has another form."""
    return tuple(_parse(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _parse(line: str) -> Jar:
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f"jars.lock: expected 'group:artifact:version size sha256', found {line!r}")
    return Jar(found["group"], found["artifact"], found["version"], int(found["size"]), found["sha256"])


def pinned_jars() -> tuple[Jar, ...]:
    """All that the broker's class path needs."""
    return parse_lock(_LOCK.read_text(encoding="utf-8"))
