"""The console's two pages: a worker's snapshot, and what it knows of one order."""

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from streams.console.markup import Cell, Html, document, figures, html_of, items, join, link, section, table, tag
from streams.console.order import OrderView, Told, Waits
from streams.console.recent import Said
from streams.console.snapshot import Snapshot, TopicLag
from streams.words import counted

REFRESH_SECONDS = 10

_LEFT_REMEDY = (
    "They have a ticket and no longer qualify; their tickets stay as they are, or are closed with on_leave: close."
)
_OTHER_PAGES = ("status.json", "readyz", "metrics")


def status_page(seen: Snapshot) -> str:
    """Loads itself again every ``REFRESH_SECONDS``."""
    state = tag("span", "ready", "good") if seen.ready else tag("span", "not ready", "bad")
    header = join(
        [
            tag("h1", join(["Worker of ", seen.group_id, ": ", state])),
            tag("p", join([seen.willow, f"started {_when(seen.started)}", f"seen {_when(seen.time)}"], " · ")),
            _ask(""),
        ]
    )
    footer = join(
        [
            join((f"{name} {number}" for name, number in seen.versions.items()), " · "),
            Html("<br>"),
            join((link(name, name) for name in _OTHER_PAGES), " · "),
        ]
    )
    return document(f"willow-sync {seen.group_id}", header, _status(seen), footer, refresh_seconds=REFRESH_SECONDS)


def _status(seen: Snapshot) -> Iterator[Html]:
    if seen.missing:
        yield section("Not ready", items(tag("span", text, "bad") for text in seen.missing))
    yield _pauses(seen)
    yield _figures(seen)
    if seen.in_doubt:
        yield section("Creates in doubt", tag("p", f"{counted(seen.in_doubt, 'order')}. {seen.in_doubt_remedy}"))
    if seen.left:
        yield section("Left the scope", tag("p", f"{counted(seen.left, 'order')}. {_LEFT_REMEDY}"))
    yield _parked(seen)
    lag = table(("topic", "records", "by partition"), map(_lag, seen.lag))
    yield section("Lag", lag if seen.lag else tag("p", "No partition is this worker's."))
    yield _outcomes(seen)
    yield _sites(seen)
    yield section(f"Newest outcomes ({len(seen.recent)})", _recent(seen.recent))


def _pauses(seen: Snapshot) -> Html:
    if not seen.pauses:
        return section("Pauses", tag("p", "Nothing holds calls to Willow back."))
    rows = [(tag("span", hold.cause, "bad"), _when(hold.since), hold.detail, hold.lifted_by) for hold in seen.pauses]
    return section("Pauses", table(("cause", "since", "found", "ends by"), rows))


def _figures(seen: Snapshot) -> Html:
    token = seen.token_expires_seconds
    return figures(
        {
            "lag (records)": seen.lag_records,
            "oldest unsynced": _seconds(seen.oldest_unsynced_seconds),
            "records in work": seen.pending_records,
            "calls under way": f"{seen.in_flight} of {seen.max_in_flight}",
            "parked": sum(item.orders for item in seen.parked),
            "in doubt": seen.in_doubt,
            "left tickets": seen.left,
            "token good for": "no token yet" if token is None else _seconds(token),
        }
    )


def _parked(seen: Snapshot) -> Html:
    if not seen.parked:
        return section("Parked", tag("p", "No order is parked."))
    rows = [(tag("code", item.reason), item.orders, item.remedy) for item in seen.parked]
    more = tag("p", join([tag("code", "willow-sync parked"), " names the orders and what each waits for."]))
    return section("Parked", table(("reason", "orders", "what to do"), rows), more)


def _lag(item: TopicLag) -> tuple[Cell, ...]:
    behind = [f"{found.partition}: {found.records}" for found in item.partitions if found.records]
    even = item.count - len(behind)
    # Of more partitions than are listed, those that are not may be behind too.
    rest = "more" if item.count > len(item.partitions) else "up to date"
    return item.topic, item.records, ", ".join([*behind, *([f"{even} {rest}"] if even else [])])


def _outcomes(seen: Snapshot) -> Html:
    if not seen.outcomes:
        return section("Outcomes since the start", tag("p", "None yet."))
    rows = [(item.outcome, _code(item.reason), item.records) for item in seen.outcomes]
    return section("Outcomes since the start", table(("outcome", "reason", "records"), rows))


def _sites(seen: Snapshot) -> Html:
    known = f"The twin table holds {seen.entities} entities, {seen.entities_with_twin} with a Willow twin."
    if seen.entities_to_read:
        known += f" It is still being read: {seen.entities_to_read} records to go."
    if not seen.sites:
        return section("Sites", tag("p", f"Every site is selected. {known}"))
    unknown = tag("span", "unknown: correct selected_sites, or send the site to the entity topic", "bad")
    rows = [(site.selected, site.name, site.entity_id or unknown) for site in seen.sites]
    hidden = seen.sites_selected - len(seen.sites)
    more = [tag("p", f"and {hidden} more")] if hidden else []
    return section("Sites", tag("p", known), table(("selected", "name", "entity"), rows), *more)


def _recent(said: Iterable[Said]) -> Html:
    rows = [
        (
            _when(item.time),
            link(f"orders?id={quote(item.order_id, safe='')}", item.order_id) if item.order_id else None,
            item.outcome,
            _code(item.reason),
            item.ticket_id,
        )
        for item in said
    ]
    names = ("time", "order", "outcome", "reason", "ticket")
    return table(names, rows) if rows else tag("p", "None since the start.")


_BACK = tag("p", link("./", "back to the worker"))


def order_page(view: OrderView) -> str:
    header = join([tag("h1", f"Order {view.order_id}"), _BACK, _ask(view.order_id)])
    command = join(["The whole story, with a fresh plan and Willow's word: ", tag("code", view.explain)])
    return document(f"order {view.order_id}", header, _order(view), tag("p", command), refresh_seconds=None)


def ask_page(problem: str | None) -> str:
    """The form alone; ``problem`` says what was wrong with what was asked."""
    said = [tag("p", problem, "bad")] if problem else []
    header = join([tag("h1", "One order"), _BACK, _ask("")])
    return document("one order", header, said, Html(""), refresh_seconds=None)


def _order(view: OrderView) -> Iterator[Html]:
    if view.elsewhere is not None:
        yield section("Not known here", tag("p", f"This worker can't tell: {view.elsewhere}."))
    elif not view.known:
        yield section("Not known here", tag("p", "The order is in this worker's partition, and no record of it came."))
    else:
        yield tag("p", join(["Ticket ", _code(view.ticket_id)]) if view.ticket_id else "No ticket.")
        if view.gone:
            yield section("Ticket gone", tag("p", "Willow no longer has the ticket.", "bad"))
        if view.left:
            yield section("Left the scope", tag("p", join(["Under ", _code(view.left), ". ", _LEFT_REMEDY])))
        if view.waiting is not None:
            yield _waiting(view.waiting)
        if view.read_back is not None:
            due = _when(view.read_back)
            yield section("Read-back", tag("p", f"An update had no answer; the ticket is read at {due}."))
        yield section("Outcome of its last applied record", _last(view.last))
    yield section("Among this worker's newest outcomes", _recent(view.recent))


def _waiting(waits: Waits) -> Html:
    since = f"{waits.kind} since {_when(waits.since)}"
    behind = f"; {waits.behind} later records wait with it" if waits.behind else ""
    rows = _why(waits.reason, waits.message, waits.remedy)
    awaited = [("waits for", ", ".join(waits.waiting_for))] if waits.waiting_for else []
    return section("Waiting", tag("p", since + behind), _pairs([*rows, *awaited]))


def _last(told: Told | None) -> Html:
    if told is None:
        return tag("p", "No record of it has been carried out yet.")
    why = _why(told.reason, told.message, told.remedy)
    return _pairs([("outcome", told.outcome), ("time", _when(told.time)), *why])


def _why(reason: str | None, message: str | None, remedy: str | None) -> list[tuple[str, Cell]]:
    pairs: list[tuple[str, Cell]] = [("reason", _code(reason)), ("found", message), ("what to do", remedy)]
    return [(name, value) for name, value in pairs if value is not None]


def _pairs(pairs: Iterable[tuple[str, Cell]]) -> Html:
    rows = (f"<tr><th>{html_of(name)}</th><td>{html_of(value)}</td></tr>" for name, value in pairs)
    return Html(f"<table><tbody>{''.join(rows)}</tbody></table>")


def _ask(order_id: str) -> Html:
    return Html(
        '<form action="orders" method="get"><label for="id">Order</label>'
        f'<input id="id" name="id" required autocomplete="off" value="{html_of(order_id) if order_id else ""}">'
        "<button>Show</button></form>"
    )


def _code(reason: str | None) -> Html | None:
    return None if reason is None else tag("code", reason)


def _when(instant: str) -> str:
    """ISO 8601 in UTC, to the second."""
    return instant[:19].replace("T", " ") + " UTC"


def _seconds(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
