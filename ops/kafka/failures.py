"""Why a broker process ended, read from what it wrote."""

from collections.abc import Mapping
from pathlib import Path

from ops.kafka.errors import BrokerFailed, KafkaSetupError, PortTaken
from ops.kafka.ports import HOST

_PORT_CAUSES = ("Address already in use", "BindException")

_CAUSES: Mapping[str, str] = {
    "No space left on device": "make room on the disk of the data folder",
    "OutOfMemoryError": "free memory on this machine: a broker needs about 300 MiB",
    "Invalid cluster.id": "the data folder belongs to another cluster: name another folder, or empty it",
}
"""Words in the log → remedy."""


def port_taken(port: int) -> PortTaken:
    return PortTaken(
        f"port {port} on {HOST} is taken by another process",
        f"end that process (`ss -ltnp 'sport = :{port}'` names it) or choose another port; 0 is any free one",
    )


def diagnose(said: str, *, exit_code: int | None, port: int, data_dir: Path, log: Path) -> KafkaSetupError:
    """The error for a node that ended by itself; ``said`` is all that it wrote since its start."""
    if any(cause in said for cause in _PORT_CAUSES):
        return port_taken(port)
    for cause, remedy in _CAUSES.items():
        if cause in said:
            return BrokerFailed(f"the broker on {data_dir} ended: {cause}", remedy)
    return BrokerFailed(
        f"the broker on {data_dir} ended with exit code {exit_code}; its last words: {last_words(said)}",
        f"read {log} and {log.with_suffix('.out')}",
    )


def last_words(said: str) -> str:
    """The last line that tells of an error, else the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["none"]
    telling = [line for line in lines if any(word in line for word in ("Exception", "ERROR", "FATAL"))]
    return (telling or lines)[-1][:500]
