"""The twin table: every place and Thing of the building graph, filled by a View of ``mapped.entities``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from streams.planning.decode import EntityGone, decode_entity
from streams.planning.forms import Header
from streams.planning.places import EntityNode
from streams.settings import InputFormat

#: At least so many changes are remembered, to see what came between the planner's look and the sink's (contract §3,
#: parking), and at most twice as many. A planner further behind wakes its order once more than needed.
RECENT = 5_000


@dataclass(slots=True)
class _Changes:
    spots: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Name → partition and offset of its newest change."""
    newest: dict[int, int] = field(default_factory=dict)
    """Partition → offset of the newest change of all."""


class TwinTable:
    """Entity id → node. Implements streams.planning.places.Entities. Applied in the reader's thread; every read is of
    one dictionary entry, which is safe from another."""

    def __init__(self, form: InputFormat) -> None:
        self._form = form
        self._nodes: dict[str, EntityNode] = {}
        self._by_twin: dict[str, str] = {}
        #: Two generations, the newer one first: one that is full takes the place of the other, which is forgotten.
        self._recent = (_Changes(), _Changes())
        #: Partition → offset: changes up to there may be forgotten.
        self._forgotten: dict[int, int] = {}
        #: A dictionary, since it can't hold more than the table's own names: a queue with a bound would drop the name
        #: that a parked order waits for, when the event loop is slower than a first read.
        self._fresh: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    @property
    def with_twin(self) -> int:
        """Entities that have a Willow twin."""
        return len(self._by_twin)

    def nodes(self) -> Iterator[EntityNode]:
        """Every entity. Only while nothing is applied."""
        return iter(self._nodes.values())

    def get(self, entity_id: str, /) -> EntityNode | None:
        return self._nodes.get(entity_id)

    def by_twin(self, twin_id: str, /) -> str | None:
        return self._by_twin.get(twin_id)

    def apply(
        self,
        partition: int,
        offset: int,
        timestamp_ms: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[Header] = (),
    ) -> None:
        change = decode_entity(key, value, headers, self._form)
        if isinstance(change, EntityNode):
            before, node = self._nodes.get(change.id), change
            if before is not None or change.absent:
                node = change.over(before)
                self._forget_twin(before)
            self._nodes[node.id] = node
            if node.twin_id is not None:
                self._by_twin[node.twin_id] = node.id
            names = [node.id] if node.twin_id is None else [node.id, f"twin:{node.twin_id}"]
        elif isinstance(change, EntityGone):
            self._forget_twin(self._nodes.pop(change.id, None))
            names = [change.id]
        else:
            return
        recent, spot = self._recent[0], (partition, offset)
        for name in names:
            recent.spots[name] = spot
            self._fresh[name] = None
        recent.newest[partition] = offset
        if len(recent.spots) >= RECENT:
            # First what is forgotten, then the forgetting: who asks meanwhile must find one of them.
            self._forgotten = {**self._forgotten, **self._recent[1].newest}
            self._recent = (_Changes(), recent)

    def _forget_twin(self, node: EntityNode | None) -> None:
        if node is not None and node.twin_id is not None and self._by_twin.get(node.twin_id) == node.id:
            del self._by_twin[node.twin_id]

    def take_fresh(self) -> set[str]:
        """Names (entity ids, and ``twin:<id>``) that changed since the last call."""
        fresh: set[str] = set()
        while self._fresh:
            fresh.add(self._fresh.popitem()[0])
        return fresh

    def changed_since(self, watch: Iterable[str], positions: Mapping[int, int]) -> bool:
        """Whether any of these may have changed at or after the positions (partition → next offset)."""
        # Before ``_forgotten``: what leaves these meanwhile is found there.
        newer, older = self._recent
        if any(offset >= positions.get(partition, 0) for partition, offset in self._forgotten.items()):
            return True
        newest = (newer.spots.get(name) or older.spots.get(name) for name in watch)
        return any(spot is not None and spot[1] >= positions.get(spot[0], 0) for spot in newest)
