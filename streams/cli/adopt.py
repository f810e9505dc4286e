"""``willow-sync adopt``: tickets that Willow has already become their orders'."""

import asyncio
import json
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import click
import orjson

from schemas.outcome import OutcomeKind
from schemas.replan import signal
from streams.cli.common import Advance, CliError, json_option, printable, progress, progress_if_long, with_settings
from streams.cli.known_orders import must_be_known
from streams.cli.sending import Outgoing, send_all
from streams.reading.adoption import MEANINGS, Adoption, Against, Pair, look_for_adoptions
from streams.reading.ledger import Ledger
from streams.reading.log import Log, Logged
from streams.reading.plain import plain
from streams.reading.replays import Picked, Wanted, as_replan, pick, picked_records
from streams.reading.survey import Survey, client_of, take_survey
from streams.settings import Settings
from streams.words import counted

_SHOWN = 200
"""Tickets that are listed for people; ``--json`` has all."""

STALL_SECONDS = 20.0
"""So long no identity may come before the watch ends; what was sent is durable by then."""
_POLL_SECONDS = 0.5


@click.command("adopt", epilog="Example: willow-sync adopt --config willow-sync.yml")
@with_settings
@click.option("--order", "orders", metavar="ORDER", multiple=True, help="Only this order; as often as you like.")
@click.option("--yes", is_flag=True, help="Have what the report names adopted; without it nothing is written.")
@json_option
def command(settings: Settings, orders: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Report the tickets that Willow has already, that name an order (by their externalId, or the order names them),
    and that are no order's yet; with --yes have them adopted.

    The workers do it: each such order's newest record is planned again, its ticket compared with it and put right, and
    the identity published. An order whose first record is still to come adopts with that one. Tickets that are in
    conflict are told, and left alone.
    """
    with Ledger() as ledger:
        with Log(settings, watch=progress_if_long) as log:
            survey = take_survey(log, settings, ledger, only=set(orders) or None)
        must_be_known(survey, orders)
        found = asyncio.run(_look(survey, orders))
        if not as_json:
            for line in _report(found):
                click.echo(printable(line))
        sent = _send(settings, survey, found.pairs) if yes and found.pairs else None
    if as_json:
        click.echo(json.dumps(_document(found, sent), ensure_ascii=False, indent=2))
    elif sent is not None:
        click.echo(f"{sent['adopted']} of {len(found.pairs)} adopted; the outcomes' replayId is {sent['replayId']}")
        for kept in sent["kept"]:
            click.echo(printable(f"    {kept['orderId']}  {kept['outcome']}: {kept['message']}"))
        if sent["adopted"] + len(sent["kept"]) < len(found.pairs):
            click.echo(
                "the rest is written down: the workers do it as soon as they can; what keeps one, "
                "`willow-sync explain ORDER` says"
            )
    elif found.pairs:
        click.echo("nothing was written; `willow-sync adopt --yes` has them adopted")
    if sent is not None and sent["kept"]:
        raise CliError(
            f"{counted(len(sent['kept']), 'order')} did not adopt what was found",
            "See the reasons above; `willow-sync explain ORDER` tells the whole story. Then run the command again.",
        )


async def _look(survey: Survey, orders: Sequence[str]) -> Adoption:
    with progress(None, "Willow's tickets", unit="ticket") as advance:
        async with client_of(survey.settings) as client:
            return await look_for_adoptions(survey, client, advance, orders=orders or None)


# -- the report ------------------------------------------------------------------------------------------------------


def _report(found: Adoption) -> Iterator[str]:
    are = "is" if found.bound == 1 else "are"
    unknown, nameless = (f"{count} {'names' if count == 1 else 'name'}" for count in (found.unknown, found.nameless))
    yield (
        f"{counted(found.tickets, 'ticket')} in Willow: {found.bound} {are} an order's, {unknown} an order "
        f"that is not known here, {nameless} none"
    )
    yield f"would adopt {len(found.pairs)}"
    for pair in found.pairs[:_SHOWN]:
        how = "the order names it" if pair.named else "by its externalId"
        when = "" if pair.decided else ", with its next record"
        yield f"    {pair.order_id}  {pair.ticket_id}  {how}{when}"
    yield from _more(len(found.pairs))
    counts = found.conflict_counts
    for why in Against:
        if not counts[why]:
            continue
        meaning, remedy = MEANINGS[why]
        yield f"not adopted, {why.value}: {counts[why]} ({meaning})"
        yield f"    remedy: {remedy}"
        listed = [item for item in found.conflicts if item.why is why]
        yield from (f"    {item.order_id}  {item.ticket_id}  {item.detail}" for item in listed[:_SHOWN])
        yield from _more(len(listed))


def _more(count: int) -> Iterator[str]:
    if count > _SHOWN:
        yield f"    and {count - _SHOWN} more: --json lists all"


def _document(found: Adoption, sent: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "tickets": {"all": found.tickets, "bound": found.bound, "unknown": found.unknown, "nameless": found.nameless},
        "adopts": plain(found.pairs),
        "conflicts": plain(found.conflicts),
        "sent": sent,
    }


# -- the writing -----------------------------------------------------------------------------------------------------


def _send(settings: Settings, survey: Survey, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Tickets that no order names become candidates; behind each, in the same partition, comes the order's newest
    record. Raises CliError."""
    replay_id = f"adopt-{uuid.uuid4().hex[:12]}"
    with Log(settings) as log:
        watch = _Watch(log, settings, replay_id)
        decided = {pair.order_id for pair in pairs if pair.decided}
        picked = pick(log, settings, Wanted(order_ids=decided), survey.topic_id) if decided else Picked({})
        nominated = [pair for pair in pairs if not pair.named]
        with progress(len(nominated) + len(picked), f"to {settings.topics.name('replans')}") as advance:
            records = _outgoing(log, settings, survey, nominated, picked, replay_id)
            send_all(settings, records, advance, again="run the command again")
        with progress(len(decided), "adopting", unit="order") as advance:
            watch.until_told(decided, advance)
    return {
        "replayId": replay_id,
        "candidates": len(nominated),
        "replayed": len(picked),
        "adopted": len(watch.adopted),
        "kept": [{"orderId": order_id, **said} for order_id, said in sorted(watch.kept.items())],
    }


def _outgoing(
    log: Log, settings: Settings, survey: Survey, pairs: Sequence[Pair], picked: Picked, replay_id: str
) -> Iterator[Outgoing]:
    topic = settings.topics.name("replans")
    for pair in pairs:
        word = signal(topic, pair.order_id, "adopt", {"ticketId": pair.ticket_id})
        yield Outgoing(topic, pair.order_id.encode(), word.to_json())
    for record, change in picked_records(log, settings, picked):
        replan = as_replan(record, change, survey.topic_id, replay_id=replay_id, force=False)
        yield Outgoing(topic, change.order_id.encode(), replan.to_json())


class _Watch:
    """What becomes of orders that were sent to adopt a ticket. Begin it before they are sent."""

    def __init__(self, log: Log, settings: Settings, replay_id: str) -> None:
        self._log, self._replay_id = log, replay_id
        self._identities, self._outcomes = (settings.topics.name(name) for name in ("ticket_identities", "outcomes"))
        self._read = {
            topic: {partition: end for partition, (_, end) in log.spans(topic).items()}
            for topic in (self._identities, self._outcomes)
        }
        self.adopted: set[str] = set()
        self.kept: dict[str, dict[str, Any]] = {}
        """Order → the outcome that says why it has no ticket."""

    def until_told(self, wanted: Collection[str], advance: Advance) -> None:
        """Returns when each of these orders got an identity or was told why not, or when no more comes."""
        heard = time.monotonic()
        while len(self.adopted) + len(self.kept) < len(wanted) and time.monotonic() - heard < STALL_SECONDS:
            for order_id in self._news(wanted):
                self.adopted.add(order_id)
                self.kept.pop(order_id, None)
                heard = time.monotonic()
                advance()
            time.sleep(_POLL_SECONDS)

    def _news(self, wanted: Collection[str]) -> Iterator[str]:
        """Orders that got an identity since the last look; those that were told why not are noted."""
        for record in self._since(self._outcomes):
            said = orjson.loads(record.value or b"{}")
            reason, order_id = said.get("reason"), said.get("workOrderId")
            # A record that replaced the one that was sent adopts the ticket in its place.
            told = said.get("replayId") == self._replay_id and said["outcome"] != OutcomeKind.SUPERSEDED
            if told and reason and order_id not in self.adopted:
                self.kept[order_id] = {"outcome": said["outcome"], **reason}
        for record in self._since(self._identities):
            order_id = (record.key or b"").decode(errors="replace")
            if record.value is not None and order_id in wanted and order_id not in self.adopted:
                yield order_id

    def _since(self, topic: str) -> Iterator[Logged]:
        start = self._read[topic]
        for record in self._log.read(topic, start=start):
            start[record.partition] = record.offset + 1
            yield record
