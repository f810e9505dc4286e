"""What speaks against an operator's word of which ticket an order has."""

from dataclasses import dataclass

import click

from streams.cli.common import CliError
from streams.delivery.state import OrderState
from streams.planning.external_ids import ExternalIds
from streams.planning.reasons import NAMED_REMEDY
from streams.reading.states import Bindings
from streams.settings import Settings
from streams.willow import Refused, Ticket, WillowClient, WillowError


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here of the order."""

    order_id: str
    state: OrderState
    bindings: Bindings

    @property
    def ticket(self) -> str | None:
        return self.bindings.seen(self.order_id, self.state).ticket


async def check_word(settings: Settings, known: Known, ticket_id: str | None, *, force: bool) -> None:
    """``ticket_id`` None: it has none. Raises CliError if Willow, or what is known here, says otherwise.

    ``force``: the operator knows better of the order's present ticket, or Willow can't be asked."""
    if ticket_id is not None:
        _not_anothers(known, ticket_id)
    elif force:
        return
    else:
        _not_named(known)
    external_id = ExternalIds(settings.external_id_template).of(known.order_id)
    willow = settings.willow
    try:
        async with WillowClient(
            willow.base_url,
            willow.client_id,
            willow.client_secret.get_secret_value(),
            request_timeout=willow.request_timeout.total_seconds(),
        ) as client:
            if ticket_id is None:
                await _has_none(client, known, external_id)
            else:
                await _can_be(client, known, ticket_id, external_id, force=force)
    except WillowError as error:
        if force:
            return
        raise CliError(
            f"Willow can't be asked which ticket {known.order_id} has: {error}",
            f"{error.remedy} If you have looked in Willow yourself: --force.",
        ) from error


def _not_anothers(known: Known, ticket_id: str) -> None:
    owner = known.bindings.identities.owner_of(ticket_id)
    if owner not in (None, known.order_id):
        raise CliError(
            f"ticket {ticket_id} belongs to work order {owner}", f"See `willow-sync explain {owner}`: one of them errs."
        )


def _not_named(known: Known) -> None:
    """Its own record names a ticket that Willow does not have: it is bound to none, and each record says so again."""
    why = (known.state.last or {}).get("reason") or {}
    if known.ticket is None and known.state.waiting is None and why.get("remedy") == NAMED_REMEDY:
        raise CliError(f"{known.order_id} is bound to no ticket: {why['message']}", NAMED_REMEDY)


async def _can_be(client: WillowClient, known: Known, ticket_id: str, external_id: str, *, force: bool) -> None:
    ticket = await _get(client, ticket_id)
    if ticket is None:
        raise CliError(f"Willow has no ticket {ticket_id}", "Give the id of a ticket that is there.")
    its = ticket.external_id
    if its and its != external_id:
        raise CliError(
            f"ticket {ticket_id} has the externalId {its!r}, expected {external_id!r} or none",
            "Find the order's own ticket in Willow by its externalId.",
        )
    order, bound = known.order_id, known.ticket
    if not force and bound not in (None, ticket_id) and await _get(client, bound) is not None:
        raise CliError(
            f"{order} has ticket {bound} in Willow",
            f"Nothing is to be resolved: see `willow-sync explain {order}`. To have {ticket_id} instead, --force: "
            f"{bound} then stays in Willow and gets no more changes.",
        )


async def _has_none(client: WillowClient, known: Known, external_id: str) -> None:
    order, bound = known.order_id, known.ticket
    if bound is not None and await _get(client, bound) is not None:
        raise CliError(
            f"{order} has ticket {bound} in Willow",
            f"Nothing is to be resolved: see `willow-sync explain {order}`. Without its ticket the next change "
            "would make a second one.",
        )
    found = await client.find_by_external_ids([external_id])
    for ticket in found.tickets:
        # A list may still show what is deleted.
        if ticket.id != bound and await _get(client, ticket.id) is not None:
            raise CliError(
                f"{order} has ticket {ticket.id} in Willow, by the externalId {external_id!r}",
                f"If it is the order's: `willow-sync resolve {order} --ticket {ticket.id}`.",
            )
    if not found.honoured:
        click.echo("note: Willow does not filter by externalId, so another ticket may name the order", err=True)


async def _get(client: WillowClient, ticket_id: str) -> Ticket | None:
    """None if Willow has no such ticket."""
    try:
        return await client.get_ticket(ticket_id)
    except Refused as error:
        if error.status == 404:
            return None
        raise
