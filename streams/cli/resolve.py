"""``willow-sync resolve``: say which ticket an order has, where nobody but a person can tell."""

import asyncio
import json
import time
from collections.abc import Callable

import click

from schemas.replan import signal
from streams.cli.common import CliError, json_option, with_settings
from streams.cli.resolve_check import Known, check_word
from streams.cli.sending import Outgoing, send_all
from streams.delivery.resolution import word
from streams.delivery.state import OrderState
from streams.reading.log import Log
from streams.reading.states import order_states, read_bindings
from streams.settings import Settings

CARRIED_OUT_SECONDS = 20.0
"""How long it is watched whether a worker has done it; the word itself is durable by then."""
_POLL_SECONDS = 0.5


@click.command("resolve", epilog="Example: willow-sync resolve WO1 --ticket 497f6eca-6276-4993-bfeb-53cbbbba6f08")
@click.argument("order")
@click.option("--ticket", "ticket_id", metavar="ID", help="This is its ticket.")
@click.option("--no-ticket", is_flag=True, help="It has none in Willow: the next change makes one.")
@click.option(
    "--force",
    is_flag=True,
    help="Also against the order's ticket that is in Willow, or where Willow can't be asked. The ticket that it had "
    "stays in Willow and gets no more changes; with --no-ticket the next change makes a second one.",
)
@with_settings
@json_option
def command(settings: Settings, order: str, ticket_id: str | None, no_ticket: bool, force: bool, as_json: bool) -> None:
    """Say which ticket a work order has, or that it has none: for an order whose create is in doubt
    (`create_in_doubt`), or whose ticket Willow no longer knows (`ticket_not_found`).

    A wrong word can make a second ticket, so Willow is asked first, and an order whose ticket is there is left as it
    is. `willow-sync explain ORDER` shows what it has."""
    if (ticket_id is None) != no_ticket:
        raise CliError(
            "both --ticket and --no-ticket were given" if no_ticket else "neither --ticket nor --no-ticket was given",
            "Give one of them.",
        )
    known = _known(settings, order)
    asyncio.run(check_word(settings, known, ticket_id, force=force))
    topic = settings.topics.name("replans")
    record = signal(topic, order, "resolve", word(ticket_id, known.state, known.ticket))
    outgoing = Outgoing(topic, order.encode(), record.to_json())
    send_all(settings, [outgoing], lambda _=1: None, again="say it again")
    waiting = known.state.waiting
    in_doubt = waiting is not None and waiting.kind == "in_doubt"
    done = _wait(settings, order, lambda now: _is_done(now, ticket_id, in_doubt=in_doubt))
    _tell(order, ticket_id, in_doubt=in_doubt, done=done, as_json=as_json)


def _known(settings: Settings, order: str) -> Known:
    with Log(settings) as log:
        states = order_states(log, settings, lambda found: found, only=[order])
        bindings = read_bindings(log, settings)
    seen = bindings.seen(order, states.get(order, OrderState()))
    if order not in states and seen.ticket is None and not seen.open:
        raise CliError(
            f"no worker of group {settings.kafka.group_id} knows the work order {order}",
            "Give the order's id as its records have it (letters count).",
        )
    return Known(order, states.get(order, OrderState()), bindings)


def _is_done(state: OrderState, ticket_id: str | None, *, in_doubt: bool) -> bool:
    if in_doubt and state.waiting is not None and state.waiting.kind == "in_doubt":
        return False
    return in_doubt or (state.ticket_id == ticket_id and not state.gone)


def _wait(settings: Settings, order: str, done: Callable[[OrderState], bool]) -> bool:
    deadline = time.monotonic() + CARRIED_OUT_SECONDS
    with Log(settings) as log:
        while time.monotonic() < deadline:
            found = order_states(log, settings, lambda state: state, only=[order])
            if done(found.get(order, OrderState())):
                return True
            time.sleep(_POLL_SECONDS)
    return False


def _tell(order: str, ticket_id: str | None, *, in_doubt: bool, done: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"workOrderId": order, "ticketId": ticket_id, "carriedOut": done}, indent=2))
        return
    what = f"has ticket {ticket_id}" if ticket_id else "has no ticket"
    if not done:
        click.echo(f"{order} {what}: written down, and not carried out yet")
        click.echo("a worker does it as soon as it can: see whether one runs and is not paused (`willow-sync status`)")
    elif in_doubt:
        click.echo(f"{order} {what}; what waited for that goes on")
    else:
        click.echo(f"{order} {what}; send what it missed with `willow-sync replay --key {order}`")
