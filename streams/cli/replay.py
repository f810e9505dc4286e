"""``willow-sync replay``: have records planned and carried out again, under their own coordinates."""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from schemas.outcome import OutcomeKind
from streams.cli.common import CliError, json_option, progress, progress_if_long, with_settings
from streams.cli.places import PLACE
from streams.cli.sending import Outgoing, send_all
from streams.config.types import parse_duration
from streams.delivery.foresee import Fate
from streams.kafka.topics import topic_ids
from streams.planning.reasons import LEFT, REASONS
from streams.reading.log import Log
from streams.reading.plain import plain
from streams.reading.replay_plan import Row, current_lists, replay_plan
from streams.reading.replays import Picked, Wanted, as_replan, pick, picked_records
from streams.settings import Settings

_NO_STANDING = (
    OutcomeKind.SUPERSEDED,
    OutcomeKind.DEAD_LETTERED,
    OutcomeKind.WOULD_CREATE,
    OutcomeKind.WOULD_UPDATE,
)
_OUTCOMES = [kind.value for kind in OutcomeKind if kind not in _NO_STANDING]

_WOULD = {
    Fate.CREATE: "create",
    Fate.ADOPT: "adopt",
    Fate.UPDATE: "update",
    Fate.COMPARE: "compare with Willow and update where it differs",
    Fate.UNCHANGED: "leave unchanged",
    Fate.SKIP: "skip",
    Fate.REJECT: "reject",
    Fate.PARK: "park",
    Fate.WAIT: "keep waiting for a create in doubt",
    Fate.SUPERSEDED: "say superseded",
}


class Since(click.ParamType):
    """An instant (ISO 8601), or a duration back from now."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            try:
                back: timedelta = parse_duration(value)
            except ValueError:
                self.fail(f"found {value!r}, expected 2026-11-02T09:14:00Z, or how long ago as in 2h or 3d", param, ctx)
            return datetime.now(UTC) - back
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


@click.command("replay", epilog="Example: willow-sync replay --outcome rejected --dry-run --config willow-sync.yml")
@with_settings
@click.option("--from", "places", type=PLACE, multiple=True, help="Input records from here on; one for each partition.")
@click.option("--since", type=Since(), help="Input records since then: 2026-11-02T09:14:00Z (UTC), or 2h or 3d ago.")
@click.option("--key", "orders", metavar="ORDER", multiple=True, help="This work order; may be given more than once.")
@click.option("--outcome", type=click.Choice(_OUTCOMES), help="Orders whose newest outcome is this.")
@click.option("--reason", metavar="CODE", help="Orders whose newest outcome has this reason (docs/reasons.md).")
@click.option("--force", is_flag=True, help="Send every field we own, also over changes made in Willow.")
@click.option("--dry-run", is_flag=True, help="Plan all of it with the settings, twins and lists of now; send nothing.")
@json_option
def command(
    settings: Settings,
    places: tuple[tuple[int, int], ...],
    since: datetime | None,
    orders: tuple[str, ...],
    outcome: str | None,
    reason: str | None,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Have orders planned and carried out again, from the records that they were decided by.

    What is selected must satisfy all options. Of each order only its newest decided record is sent round: an older one
    is superseded by it. Replays run behind live records and never make a second ticket. Records that could not be read
    are for `dead-letters retry`.
    """
    _check(places, since, orders, outcome, reason)
    topic = settings.topics.work_orders
    topic_id = topic_ids(settings, [topic])[topic]
    lists = asyncio.run(current_lists(settings)) if dry_run else None
    with Log(settings, watch=progress_if_long) as log:
        wanted = Wanted(_start(log, topic, places, since), orders or None, outcome, reason)
        picked = pick(log, settings, wanted, topic_id)
        _complain(picked, orders)
        if lists is not None:
            rows = replay_plan(log, settings, picked, topic_id, lists, force=force)
            _show_plan(rows, picked.left_out, as_json=as_json)
            return
        replay_id = f"replay-{uuid.uuid4().hex[:12]}"
        with progress(len(picked), f"to {settings.topics.name('replans')}") as advance:
            records = _outgoing(log, settings, picked, topic_id, replay_id, force=force)
            sent = send_all(settings, records, advance, again="run the command again")
    _show_sent(sent, replay_id, picked.left_out, as_json=as_json)


def _check(
    places: Sequence[tuple[int, int]],
    since: datetime | None,
    orders: Sequence[str],
    outcome: str | None,
    reason: str | None,
) -> None:
    if not (places or since or orders or outcome or reason):
        raise CliError(
            "nothing says what to replay",
            "Give one or more of --from, --since, --key, --outcome and --reason; everything is --from 0:0 --from 1:0 …",
        )
    if places and since:
        raise CliError("--from and --since both say where to begin", "Give one of them.")
    if len({partition for partition, _ in places}) < len(places):
        raise CliError("--from names a partition twice", "Give one offset for each partition.")
    if reason is not None and reason.removeprefix(LEFT) not in REASONS:
        raise CliError(f"{reason!r} is no reason code", "docs/reasons.md lists them; `explain ORDER` shows an order's.")


def _start(log: Log, topic: str, places: Sequence[tuple[int, int]], since: datetime | None) -> dict[int, int] | None:
    if since is not None:
        return log.offsets_since(topic, int(since.timestamp() * 1000))
    for partition, offset in places:
        _, end = log.spans(topic, [partition])[partition]
        if offset > end:
            # A replay of nothing would look like one that worked.
            raise CliError(
                f"--from {partition}:{offset} is past the end: the next record of {topic}[{partition}] gets {end}",
                f"Name an offset of at most {end}.",
            )
    return dict(places) or None


def _complain(picked: Picked, orders: Sequence[str]) -> None:
    # A wrong id would look like a replay that worked.
    unknown = sorted(set(orders) - picked.order_ids)
    if unknown and not picked.left_out:
        raise CliError(
            f"no decided record of {', '.join(unknown)} fits",
            "`willow-sync explain ORDER` says how it stands; take the id as its records have it.",
        )


def _outgoing(
    log: Log, settings: Settings, picked: Picked, topic_id: str, replay_id: str, *, force: bool
) -> Iterator[Outgoing]:
    topic = settings.topics.name("replans")
    for record, change in picked_records(log, settings, picked):
        replan = as_replan(record, change, topic_id, replay_id=replay_id, force=force)
        yield Outgoing(topic, change.order_id.encode(), replan.to_json())


def _show_plan(rows: Sequence[Row], left_out: Counter[str], *, as_json: bool) -> None:
    if as_json:
        document = {"dryRun": True, "plan": plain(rows), "leftOut": dict(+left_out)}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    totals: Counter[Fate] = Counter()
    for row in rows:
        totals[row.fate] += row.count
    click.echo("would " + (", ".join(f"{_WOULD[fate]} {count}" for fate, count in totals.items()) or "do nothing"))
    for row in rows:
        code = f" {row.code}" if row.code else ""
        click.echo(f"    {_WOULD[row.fate]}{code}: {row.count}, for example {row.example}")
    _show_left_out(left_out)


def _show_sent(sent: int, replay_id: str, left_out: Counter[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(
            json.dumps({"dryRun": False, "sent": sent, "replayId": replay_id, "leftOut": dict(+left_out)}, indent=2)
        )
        return
    click.echo(f"{sent} sent round; the outcomes carry the replayId {replay_id}")
    _show_left_out(left_out)


def _show_left_out(left_out: Counter[str]) -> None:
    for why, count in (+left_out).items():
        click.echo(f"left out: {count} ({why})")
