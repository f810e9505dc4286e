"""``oauth2``, ``tickets``, ``ticket_metadata``."""

from collections.abc import Awaitable, Callable

from streams.willow import (
    CategoryPatch,
    CategoryWrite,
    JobTypePatch,
    JobTypeWrite,
    ServiceNeededPatch,
    ServiceNeededWrite,
)
from tests.willow.round_trips.rig import AHU, ATTACHMENT, LEVEL, NOON, World, a_ticket


async def _token(w: World) -> None:
    token = await w.client.oauth2.token()
    assert token.access_token.get_secret_value()
    assert token.expires_in == 3599
    assert token.access_token.get_secret_value() not in repr(token)


async def _put_ticket(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket(due_date=NOON, custom_properties={"a": "b"}))
    assert (ticket.external_id, ticket.twin_id, ticket.details.due_date) == ("WO1", AHU, NOON)
    assert ticket.details.reporter
    assert ticket.details.reporter.name == "Ada"
    assert ticket.details.custom_properties == {"a": "b"}


async def _patch_ticket(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket())
    assert (await w.client.tickets.patch(ticket.id, {"summary": "Belt worn"})).summary == "Belt worn"


async def _get_ticket(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket())
    assert (await w.client.tickets.get(ticket.id)).document == ticket.document


async def _list_tickets(w: World) -> None:
    ids = [(await w.client.tickets.put(a_ticket(external_id=f"WO{number}"))).id for number in range(5)]
    assert [ticket.id async for ticket in w.client.tickets.find(page_size=2)] == ids


async def _get_attachment(w: World) -> None:
    ticket = await w.client.tickets.put(a_ticket())
    async with w.client.tickets.attachment(ticket.id, ATTACHMENT) as attachment:
        content = b"".join([chunk async for chunk in attachment.chunks()])
    assert content == b"\xff\xd8\xff\xe0\x00\x10JFIF"
    assert (attachment.name, attachment.content_type, attachment.size) == ("Foto Lüfter.jpg", "image/jpeg", 10)


async def _list_categories(w: World) -> None:
    assert "HVAC" in {category.name for category in await w.client.ticket_metadata.categories()}


async def _put_category(w: World) -> None:
    made = await w.client.ticket_metadata.put_category(CategoryWrite(name="Roofs", locations=["BLDG-1"]))
    assert made in await w.client.ticket_metadata.categories()
    assert (made.is_active, made.locations) == (True, ("BLDG-1",))
    # A ticket may name it at once.
    assert (await w.client.tickets.put(a_ticket(category_id=made.id))).field("categoryId") == made.id


async def _patch_category(w: World) -> None:
    first = (await w.client.ticket_metadata.categories())[0]
    await w.client.ticket_metadata.patch_category(first.id, CategoryPatch(is_active=False))
    changed = (await w.client.ticket_metadata.categories())[0]
    assert changed == first.model_copy(update={"is_active": False})


async def _list_job_types(w: World) -> None:
    assert "Corrective" in {job_type.name for job_type in await w.client.ticket_metadata.job_types()}


async def _put_job_type(w: World) -> None:
    made = await w.client.ticket_metadata.put_job_type(JobTypeWrite(name="Warranty"))
    assert made == (await w.client.ticket_metadata.job_types())[-1]


async def _patch_job_type(w: World) -> None:
    first = (await w.client.ticket_metadata.job_types())[0]
    await w.client.ticket_metadata.patch_job_type(first.id, JobTypePatch(name="Repair"))
    assert (await w.client.ticket_metadata.job_types())[0] == first.model_copy(update={"name": "Repair"})


async def _list_services_needed(w: World) -> None:
    assert "Too Hot" in {service.name for service in await w.client.ticket_metadata.services_needed()}


async def _put_service_needed(w: World) -> None:
    category = (await w.client.ticket_metadata.categories())[0].id
    made = await w.client.ticket_metadata.put_service_needed(ServiceNeededWrite(name="Balance", category_id=category))
    assert made == (await w.client.ticket_metadata.services_needed())[-1]
    assert made.category_id == category


async def _patch_service_needed(w: World) -> None:
    first = (await w.client.ticket_metadata.services_needed())[0]
    await w.client.ticket_metadata.patch_service_needed(first.id, ServiceNeededPatch(locations=[LEVEL]))
    assert (await w.client.ticket_metadata.services_needed())[0].locations == (LEVEL,)


async def _list_statuses(w: World) -> None:
    assert (await w.client.ticket_metadata.statuses())[0].name == "Open"


async def _list_priorities(w: World) -> None:
    assert {priority.name for priority in await w.client.ticket_metadata.priorities()} >= {"High", "Low"}


ROUND_TRIPS: dict[str, Callable[[World], Awaitable[None]]] = {
    "token": _token,
    "put_ticket": _put_ticket,
    "patch_ticket": _patch_ticket,
    "get_ticket": _get_ticket,
    "list_tickets": _list_tickets,
    "get_attachment": _get_attachment,
    "list_categories": _list_categories,
    "put_category": _put_category,
    "patch_category": _patch_category,
    "list_job_types": _list_job_types,
    "put_job_type": _put_job_type,
    "patch_job_type": _patch_job_type,
    "list_services_needed": _list_services_needed,
    "put_service_needed": _put_service_needed,
    "patch_service_needed": _patch_service_needed,
    "list_statuses": _list_statuses,
    "list_priorities": _list_priorities,
}
