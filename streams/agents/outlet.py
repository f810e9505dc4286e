"""All that leaves a worker, in one place: a shadow (``agents/shadow.py``) has another one, and is the same worker in
all else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.agents.calls import Calls
from streams.agents.writer import Writer
from streams.tables.claims import ClaimTable
from streams.tables.controls import Controls
from streams.tables.identities import IdentityTable


@dataclass(frozen=True, slots=True)
class Outlet:
    """What writes to Kafka and to Willow, and what the sink sees of it again: identities, claims, and the markers of
    the take-over in the controls. ``told`` is called with each outcome that was written, for metrics."""

    writer: Writer
    calls: type[Calls]
    identities: IdentityTable
    claims: ClaimTable
    controls: Controls
    told: Callable[[Mapping[str, Any]], None]
