"""The twin table: every place and Thing of the building graph, filled by a View of ``mapped.entities``."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from streams.planning.decode import EntityGone, decode_entity
from streams.planning.forms import Header
from streams.planning.places import EntityNode
from streams.settings import InputFormat

#: Changes that are remembered to see what came between the planner's look and the sink's (contract §3, parking). A
#: planner further behind than this wakes its order once more than needed.
RECENT = 10_000


class TwinTable:
    """Entity id → node. Implements streams.planning.places.Entities. Applied in the reader's thread; every read is of
    one dictionary entry, which is safe from another."""

    def __init__(self, form: InputFormat) -> None:
        self._form = form
        self._nodes: dict[str, EntityNode] = {}
        self._by_twin: dict[str, str] = {}
        #: Name → partition and offset of its newest change, oldest first.
        self._recent: OrderedDict[str, tuple[int, int]] = OrderedDict()
        #: Partition → offset of the newest change that is no longer among the recent ones.
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
            before = self._nodes.get(change.id)
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
        for name in names:
            self._recent[name] = (partition, offset)
            self._recent.move_to_end(name)
            self._fresh[name] = None
        while len(self._recent) > RECENT:
            _, (old_partition, old_offset) = self._recent.popitem(last=False)
            self._forgotten[old_partition] = old_offset

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
        # A copy: the reader's thread may add a partition while it is walked through.
        if any(offset >= positions.get(partition, 0) for partition, offset in list(self._forgotten.items())):
            return True
        newest = (self._recent.get(name) for name in watch)
        return any(spot is not None and spot[1] >= positions.get(spot[0], 0) for spot in newest)
