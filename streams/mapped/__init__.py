"""Mapped's GraphQL API, read for `backfill`: what is asked (``kinds``, ``query``), how (``client``, ``errors``),
what becomes of the rows (``records``), in which order all is read (``walk``) and how far that came (``checkpoint``).

It knows nothing of Kafka. Of `streams.willow` it shares how long is waited before a call is repeated.
"""

from streams.mapped.checkpoint import Checkpoint, CheckpointError, Progress
from streams.mapped.client import MappedClient
from streams.mapped.errors import MappedError
from streams.mapped.kinds import ENTITIES, KINDS, ORDERS, Feed, Kind
from streams.mapped.pace import Pace
from streams.mapped.walk import Batch, Listing, Position, Selection, Walk

__all__ = [
    "ENTITIES",
    "KINDS",
    "ORDERS",
    "Batch",
    "Checkpoint",
    "CheckpointError",
    "Feed",
    "Kind",
    "Listing",
    "MappedClient",
    "MappedError",
    "Pace",
    "Position",
    "Progress",
    "Selection",
    "Walk",
]
