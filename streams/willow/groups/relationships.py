"""``willow.relationships``. The calls count as twin calls: see ``willow.twins``."""

from streams.willow import operations
from streams.willow.groups.base import GroupOfCalls
from streams.willow.models.relationships import OutgoingQuery, Relationship, RelationshipWrite


class Relationships(GroupOfCalls):
    async def put(self, relationship: RelationshipWrite) -> Relationship:
        """Create or replace; Willow derives the id. The same source, target, name and properties are one
        relationship, however often they are put."""
        return await self._calls.one(operations.PUT_RELATIONSHIP, relationship)

    async def get(self, twin_id: str, relationship_id: str) -> Relationship:
        """``twin_id`` is the source's."""
        return await self._calls.one(operations.GET_RELATIONSHIP, twin_id=twin_id, relationship_id=relationship_id)

    async def outgoing(self, twin_id: str, name: str | None = None) -> list[Relationship]:
        """Those that start at the twin, of one ``name`` or of all."""
        query = OutgoingQuery(relationship_name=name) if name is not None else None
        return await self._calls.one(operations.LIST_OUTGOING, query=query, twin_id=twin_id)

    async def incoming(self, twin_id: str) -> list[Relationship]:
        """Those that end at the twin."""
        return await self._calls.one(operations.LIST_INCOMING, twin_id=twin_id)
