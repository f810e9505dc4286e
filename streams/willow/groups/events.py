"""``willow.events``."""

from collections.abc import AsyncGenerator, Sequence

from streams.willow import operations, reading, wire
from streams.willow.groups.base import PAGE_SIZE, GroupOfCalls
from streams.willow.models.events import Event, EventType, EventWrite
from streams.willow.uploads import Upload, encode


class Events(GroupOfCalls):
    def find(
        self,
        filters: Sequence[wire.Filter] = (),
        sort: Sequence[wire.Sort] = (),
        page_size: int = PAGE_SIZE,
    ) -> AsyncGenerator[Event, None]:
        """List events, every one once."""
        return self._calls.pages(operations.LIST_EVENTS, _id, filters, sort, page_size)

    async def get(self, event_id: str) -> Event:
        return await self._calls.one(operations.GET_EVENT, event_id=event_id)

    async def types(self) -> list[EventType]:
        """The kinds of events that Willow defines; ``EventWrite.event_type_id`` is one of them."""
        return await self._calls.one(operations.LIST_EVENT_TYPES)

    async def put(self, event: EventWrite) -> Event:
        """Create or update one event, in the form of seed 001: an object. Raises NoAnswer where the answer does not
        show it."""
        return await self._calls.read(operations.PUT_EVENTS, reading.the_event, event)

    async def put_many(self, events: Sequence[EventWrite]) -> list[Event]:
        """Create or update several in one call, in the form of seed 002: a list. What its answer holds is not
        published: the events where it shows them, else none."""
        return await self._calls.read(operations.PUT_EVENTS, reading.events_shown, list(events))

    async def put_batch(self, events: Sequence[EventWrite]) -> None:
        """Create several, by the older path ``/events/batch`` (seed 001 only)."""
        await self._calls.done(operations.PUT_EVENT_BATCH, list(events))

    async def upload(self, files: Sequence[Upload]) -> None:
        """Events from files (seed 002 only); what the files hold is not published."""
        # Not by ``done``: the body is encoded already.
        await self._calls.caller.call(operations.POST_EVENT_FILES, reading.nothing, encode(files))

    async def delete(self, event_ids: Sequence[str]) -> None:
        await self._calls.done(operations.DELETE_EVENTS, list(event_ids))


def _id(event: Event) -> str:
    return event.id
