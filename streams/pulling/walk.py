"""The order in which Willow's twins are read: the models, all places, then the things page by page.

A record names the place above by its Mapped id, and a relationship only by its twin: so the places go first, and stay
in memory while things are read. A page is at most ``PAGE`` twins with their relationships in one call; the client
waits for Willow's limit of 20 calls in 10 s.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from schemas.entity import Entity
from streams.planning.places import PlaceKind
from streams.pulling.entities import LOCATED_IN, PART_OF, Places, place_entity, placed, targets, thing_entity
from streams.pulling.models import Kinds, kinds_of
from streams.willow import CountTwins, Include, ListTwins, ModelFilter, Twin, WillowClient

PAGE = 500
"""Twins of a page: with their relationships some 500 KiB, well within a call's deadline."""


@dataclass(slots=True)
class Pulled:
    """One page. ``read`` twins; of those that make no entity ``nameless`` have no externalID. ``doubled``: twins whose
    externalID another twin had before, with it. ``unplaced``: things of which no place is known. ``token`` goes on
    after it, None after the last one."""

    entities: list[tuple[PlaceKind, Entity]] = field(default_factory=list)
    read: int = 0
    nameless: list[str] = field(default_factory=list)
    doubled: list[tuple[str, str]] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)
    token: str | None = None


class Walk:
    """All methods raise WillowError; ``start`` raises NoModels too. Call it first, then ``places``, then ``things``."""

    def __init__(self, willow: WillowClient, org_id: str | None, *, page: int = PAGE) -> None:
        self._willow = willow
        self._page = page
        self._org_id = org_id
        self._places = Places()
        self._owners: dict[str, str] = {}

    async def start(self) -> int:
        """How many twins there are to read."""
        self._kinds: Kinds = kinds_of(await self._willow.models.all(include_definitions=True))
        roots = (self._kinds.place_roots, self._kinds.thing_roots)
        return sum([await self._willow.twins.count(CountTwins(model_filter=_of(ids))) for ids in roots if ids])

    async def places(self) -> AsyncIterator[Pulled]:
        """Read whole before the first record: a floor may be listed before its building."""
        # Records without their place, not twins: a large estate has a hundred thousand, of some kilobytes each.
        kept: list[tuple[str, PlaceKind, Entity]] = []
        pulled = Pulled()
        async for page in self._willow.twins.pages(self._which(self._kinds.place_roots, None)):
            twins = await self._related(page.items)
            for twin in twins:
                kind = self._kinds.of(twin.model_id)
                if kind is not None and kind is not PlaceKind.THING:
                    self._places.add(twin, kind)
                    if self._counts(twin, pulled):
                        kept.append((twin.id, kind, place_entity(twin, kind, self._org_id)))
            yield Pulled(read=len(twins))
        pulled.entities = [(kind, placed(entity, self._places.above(twin))) for twin, kind, entity in kept]
        yield pulled

    async def things(self, token: str | None) -> AsyncIterator[Pulled]:
        """From where a ``token`` goes on, None: the first. Raises Invalid for a token that Willow no longer knows."""
        if not self._kinds.thing_roots:
            return
        async for page in self._willow.twins.pages(self._which(self._kinds.thing_roots, token)):
            twins = await self._related(page.items)
            pulled = Pulled(read=len(twins), token=page.token)
            wholes = await self._wholes(twins)
            for twin in twins:
                if self._counts(twin, pulled):
                    pulled.entities.append((PlaceKind.THING, self._thing(twin, wholes, pulled)))
            yield pulled

    def _thing(self, twin: Twin, wholes: dict[str, str], pulled: Pulled) -> Entity:
        holders = targets(twin, LOCATED_IN)
        location = self._places.holding(holders) or self._places.holding(targets(twin, PART_OF))
        whole = next((wholes[one] for one in sorted(targets(twin, PART_OF)) if one in wholes), None)
        if location is None and whole is None:
            pulled.unplaced.append(twin.id)
        return thing_entity(twin, location, whole, self._org_id)

    def _counts(self, twin: Twin, pulled: Pulled) -> bool:
        """Whether the twin is an entity of Mapped's, and the first one of this id."""
        entity = twin.external_id
        if not entity:
            pulled.nameless.append(twin.id)
            return False
        owner = self._owners.setdefault(entity, twin.id)
        if owner != twin.id:
            pulled.doubled.append((twin.id, owner))
        return owner == twin.id

    async def _wholes(self, twins: Sequence[Twin]) -> dict[str, str]:
        """Twin id → Mapped id of the things that these are parts of."""
        known = {twin.id: twin.external_id for twin in twins}
        wanted = {one for twin in twins for one in targets(twin, PART_OF) if one not in self._places.by_twin}
        known |= {twin.id: twin.external_id for twin in await self._willow.twins.by_ids(sorted(wanted - known.keys()))}
        return {one: known[one] or "" for one in wanted if known.get(one)}

    def _which(self, roots: Sequence[str], token: str | None) -> ListTwins:
        include = Include(outgoing_relationships=True)
        first = ListTwins(model_filter=_of(roots), include=include, page_size=self._page)
        return first if token is None else first.model_copy(update={"continuation_token": token})

    async def _related(self, twins: Sequence[Twin]) -> Sequence[Twin]:
        """The twins with their relationships. Whether a list shows them when asked is seed 001's word alone: else
        they are asked for by id, a hundred at a time, and else one by one."""
        if not twins or _shows(twins):
            return twins
        asked = await self._willow.twins.by_ids([twin.id for twin in twins], include_relationships=True)
        if _shows(asked):
            return asked
        return [
            twin.model_copy(update={"outgoing_relationships": await self._willow.relationships.outgoing(twin.id)})
            for twin in twins
        ]


def _shows(twins: Sequence[Twin]) -> bool:
    """One will do: what has none may be shown without the list."""
    return any("outgoing_relationships" in twin.model_fields_set for twin in twins)


def _of(ids: Sequence[str]) -> ModelFilter:
    return ModelFilter(model_ids=list(ids), exact_model_match=False)
