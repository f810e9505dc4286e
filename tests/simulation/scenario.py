"""What happens in a run: records, faults and what befalls the workers, drawn from a seed or written down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.settings import Settings
from tests.simulation.world import STEADY, Network

REQUEST_SECONDS, SETTLE_SECONDS, SESSION_SECONDS = 5, 20, 6

INPUT_PARTITIONS, OWN_PARTITIONS = 2, 3


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the work order topic. ``expected`` are the reason codes, or outcomes where there is none, that its
    final outcome may have; ``fields`` what it says of the order, None where nothing of it may reach Willow."""

    order_id: str
    value: bytes | None
    expected: frozenset[str]
    fields: dict[str, Any] | None = None
    may_wait: bool = False
    """It may stay parked: what it waits for never comes."""
    key: bytes | None = None
    buried: bool = True
    """Where it is undecodable it has a dead letter: not so what is too large only together with other records."""


#: Something that happens at a moment: a name of ``tests.simulation.run.Run``'s methods, and its arguments.
Happening = tuple[float, str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``groups``: consumer group → names of its workers. ``fates`` gives a call's fate, by chance (a Random) and
    request, while faults last (``faults_end``, virtual seconds)."""

    seed: int
    happenings: Sequence[Happening]
    groups: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"one": ("a",)})
    network: Network = STEADY
    changes: dict[str, Any] = field(default_factory=dict)
    fates: Callable[[Any, Any], Any] | None = None
    faults_end: float = 0.0
    listed_after: float = 0.0
    filters: bool = True
    sorts: bool = True
    had: int = 0
    """Tickets that Willow had before, of no order."""
    restart_after: tuple[float, float] = (0.5, 0.5)
    crash_at: frozenset[int] = frozenset()
    """Points at which a worker is killed, counted over all of them (``World.point``)."""

    def settings(self, group: str) -> Settings:
        """``changes`` are settings, section by section."""
        plain: dict[str, Any] = {
            "willow": {
                "base_url": "https://sim.willowinc.com",
                "client_id": "sim",
                "client_secret": "sim",
                "request_timeout": f"{REQUEST_SECONDS}s",
                "max_in_flight": 4,
            },
            "kafka": {"group_id": group, "session_timeout": f"{SESSION_SECONDS}s", "heartbeat_interval": "1s"},
            "topics": {"partitions": OWN_PARTITIONS},
            "selected_sites": ["SITE1"],
            "in_doubt": {"settle": f"{SETTLE_SECONDS}s"},
        }
        for name, section in self.changes.items():
            plain[name] = {**plain.get(name, {}), **section} if isinstance(section, dict) else section
        return Settings.model_validate(plain)
