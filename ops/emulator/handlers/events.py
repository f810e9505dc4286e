"""``events``: both forms of PUT, the older batch, files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from ops.emulator.asked import Asked, Handler
from ops.emulator.checking import checked_json
from ops.emulator.listing import Collection, page_of, parse_query
from ops.emulator.problems import Answer, Refusal, invalid, json_answer, no_content, shown
from ops.emulator.world import World
from streams.willow.models.base import plain
from streams.willow.models.events import EventWrite
from streams.willow.wire import FILES_FIELD

Event = dict[str, Any]

_EVENTS = Collection(
    ("id", "name", "twinId", "externalId", "eventTypeId", "eventSourceId"),
    ("startTime", "endTime", "createdDate", "lastModifiedDate", "name", "id"),
    numbers=("eventTypeId",),
)


def _key(field: str) -> Callable[[Event], Any]:
    return lambda event: (event[field] is not None, event[field])


_SORTS: Mapping[str, Callable[[Event], Any]] = {field: _key(field) for field in _EVENTS.sort_fields}


def _list(world: World, asked: Asked) -> Answer:
    query = parse_query(plain(asked.body), _EVENTS, page_base=world.page_base, filter_support=world.filter_support)
    found = [event for event in world.stores.events.documents.values() if query.holds(event.get)]
    return json_answer(200, page_of(found, query, _SORTS, lambda event: event))


def _put(world: World, asked: Asked) -> Answer:
    if isinstance(asked.body, list):
        return json_answer(201, _stored(world, asked.body))
    return json_answer(201, _stored(world, [asked.body], alone=True)[0])


def _put_batch(world: World, asked: Asked) -> Answer:
    _stored(world, asked.body)
    return Answer(201, b"", {})


def _upload(world: World, asked: Asked) -> Answer:
    given: list[EventWrite] = []
    for name, content in _files(asked):
        try:
            events = checked_json(list[EventWrite] if content.lstrip()[:1] == b"[" else EventWrite, content)
        except Refusal as refusal:
            raise invalid({name: [refusal.detail]}) from refusal
        given += events if isinstance(events, list) else [events]
    _stored(world, given)
    return Answer(200, b"", {})


def _files(asked: Asked) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file. Raises Refusal (400) for a form that holds something else, or nothing."""
    header = f"Content-Type: {asked.call.content_type}\r\n\r\n".encode()
    form = message_from_bytes(header + asked.call.body, policy=HTTP)
    parts = list(form.iter_parts()) if form.is_multipart() else []
    if not parts:
        raise invalid({FILES_FIELD: ["The form holds no file."]})
    for part in parts:
        field, name = part.get_param("name", header="content-disposition"), part.get_filename()
        if field != FILES_FIELD or name is None:
            raise invalid({str(field): [f"Expected files in the field {FILES_FIELD}."]})
        content = part.get_payload(decode=True)
        yield name, content if isinstance(content, bytes) else b""


def _stored(world: World, events: Sequence[EventWrite], *, alone: bool = False) -> list[Event]:
    """All of them or none. Raises Refusal (400) for a type or a twin that is not there."""
    errors: dict[str, list[str]] = {}
    for number, event in enumerate(events):
        at = "" if alone else f"[{number}]."
        if event.event_type_id not in world.stores.events.types:
            known = ", ".join(map(str, world.stores.events.types))
            errors[f"{at}eventTypeId"] = [f"Expected one of {known}; got {event.event_type_id}."]
        if event.twin_id is not None and event.twin_id not in world.twins:
            errors[f"{at}twinId"] = [f"There is no twin with the id {shown(event.twin_id)}."]
    if errors:
        raise invalid(errors)
    return [world.stores.events.put(event) for event in events]


def _get(world: World, asked: Asked) -> Answer:
    event = world.stores.events.documents.get(asked.id("eventId"))
    if event is None:
        raise Refusal(404, f"there is no event with the id '{asked.id('eventId')}'")
    return json_answer(200, event)


def _delete(world: World, asked: Asked) -> Answer:
    # Nothing is documented for an id that is not there: what was to be gone is gone.
    for event_id in asked.body:
        world.stores.events.documents.pop(event_id, None)
    return no_content()


def _types(world: World, asked: Asked) -> Answer:
    return json_answer(200, [{"id": number, "name": name} for number, name in world.stores.events.types.items()])


HANDLERS: dict[str, Handler] = {
    "list_events": _list,
    "put_events": _put,
    "put_event_batch": _put_batch,
    "post_event_files": _upload,
    "get_event": _get,
    "delete_events": _delete,
    "list_event_types": _types,
}
