"""Puts the portfolio together: entities first, then one log in which each order's changes stay in order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from ops.portfolio import lateness, mappings, refusals, willow
from ops.portfolio.debezium import Connector
from ops.portfolio.estate import SELECTED_SITES, SITE_LATE, Estate, Node, identity
from ops.portfolio.histories import Teller, ordinary, places_of, toasted
from ops.portfolio.records import Draft, Feed, History, Phase, Portfolio
from ops.portfolio.words import inspection_log

ORDINARY = 262
"""With the special ones some 300 orders in all."""
_SELECTED_NOW = ("BLDG01", "BLDG02", "BLDG04")
_RENAMED_THING = "THG01002"


def build_portfolio(seed: int = 7, now: datetime | None = None) -> Portfolio:
    """The same ``seed`` and ``now`` (default: a fixed day) give the same bytes.

    ``now`` should be the time of the run where records are really produced: the stale guard of contract §2
    compares their dates with the time of the record."""
    now = now or datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
    random = Random(seed)
    teller = Teller(random, now, Estate(random))
    _two_twins(teller.estate, now)
    refusals.ghost(teller)
    bare, newcomer = lateness.late_nodes(teller)
    histories = list(_histories(teller, bare, newcomer))
    feed = Connector(Feed.WORK_ORDERS, now - timedelta(minutes=10), seed)
    entities = Connector(Feed.ENTITIES, now - timedelta(minutes=20), seed)
    now_entities, late_entities = _entities(teller.estate, bare, newcomer)
    twins = _known_twins(teller.estate, histories)
    return Portfolio(
        seed=seed,
        entities_now=entities.messages(now_entities),
        entities_late=entities.messages(late_entities),
        changes=feed.messages(_log(histories, random)),
        twins=twins,
        lists=mappings.lists(),
        world=willow.world(teller.estate, frozenset(twins)),
        settings={"selected_sites": list(SELECTED_SITES), "enumerations": mappings.enumerations()},
        expected={h.expected.order_id: h.expected for h in histories if h.expected},
    )


def _two_twins(estate: Estate, now: datetime) -> None:
    # Several identities on one entity: the newest by date counts, wherever it stands in the list.
    node = estate.nodes[_RENAMED_THING]
    new, old = (identity(f"urn:willowinc:twin:id:TW-{node.name}{suffix}") for suffix in ("-NEW", "-OLD"))
    new["dateCreated"], old["dateCreated"] = (
        (now - timedelta(days=2)).isoformat(),
        (now - timedelta(days=400)).isoformat(),
    )
    estate.put(replace(node, identities=(new, old)))


def _histories(teller: Teller, bare: list[Node], newcomer: Node) -> Iterator[History]:
    yield from lateness.waiting_orders(teller, bare, newcomer)
    yield lateness.forever_waiting(teller)
    yield lateness.inline_twin(teller)
    yield from refusals.refused(teller)
    yield refusals.stale(teller)
    yield refusals.deleted(teller)
    yield refusals.deleted_unseen(teller)
    yield from refusals.renamed(teller)
    yield from refusals.borrowed_ticket(teller)
    yield refusals.far_future(teller)
    yield refusals.read_again(teller)
    yield from refusals.poison(teller)
    yield from _traps(teller)
    yield from ordinary(teller, _SELECTED_NOW, ORDINARY - 30)
    yield from ordinary(teller, (SITE_LATE,), 30)


def _traps(teller: Teller) -> Iterator[History]:
    """Good orders in the forms that a real connector gives them."""
    related, thing = places_of(teller, "BLDG01")
    long = teller.row([*related, teller.estate.nodes["BLDG01"]], thing=thing, description=inspection_log(teller.random))
    for column in ("description", "relatesTo"):
        first = long | {"id": teller.order_id()}
        rows = [first, *_only_status(teller, first, ("WIP", "Completed"))]
        history = teller.history(rows, [Phase.SNAPSHOT, Phase.MORNING, Phase.EVENING], f"{column} unavailable")
        yield toasted(history, column)
    house = teller.estate.nodes["BLDG02"]
    untitled = teller.row([house], summary=None)
    yield teller.history([untitled], [Phase.MORNING], "no summary")
    renamed = teller.estate.nodes[_RENAMED_THING]
    yield teller.history([teller.row([renamed], thing=renamed)], [Phase.SNAPSHOT], "two twins")
    touched = teller.row([house])
    rows = [touched, teller.later(touched)]
    yield teller.history(rows, [Phase.SNAPSHOT, Phase.EVENING], "only the date changed")


def _only_status(teller: Teller, row: dict[str, object], words: Sequence[str]) -> Iterator[dict[str, object]]:
    for word in words:
        row = teller.later(row, jobStatus=word)
        yield row


def _entities(estate: Estate, bare: list[Node], newcomer: Node) -> tuple[list[Draft], list[Draft]]:
    """What the graph knows at first, and what it learns later, each in the order of the log."""
    late = {node.id for node in bare}
    absent = {SITE_LATE, newcomer.id}
    at_first = [node for node in estate.nodes.values() if node.id not in late | absent] + bare
    first = [Draft(Phase.SNAPSHOT, "r", "entity", node.row()) for node in at_first]
    for key, value in refusals.ENTITY_POISON:
        dead = frozenset({"dead_lettered/undecodable"})
        draft = Draft(Phase.SNAPSHOT, "raw", "poison", allowed=dead, raw_key=key, raw_value=value)
        first.insert(len(first) // 2, draft)
    later = [Draft(Phase.MORNING, "c", "late site", estate.nodes[SITE_LATE].row())]
    later += [Draft(Phase.EVENING, "u", "late twin", estate.nodes[node.id].row()) for node in bare]
    later += [Draft(Phase.EVENING, "c", "late thing", newcomer.row())]
    return first, later


def _known_twins(estate: Estate, histories: Sequence[History]) -> tuple[str, ...]:
    """All twins but the ghost's: those of entities, and those that only an order names."""
    ghost = estate.nodes[refusals.GHOST].twin
    known = {node.twin for node in estate.nodes.values() if node.twin}
    known |= {view.twin for h in histories if h.expected for view in h.expected.versions}
    return tuple(sorted(known - {ghost or ""}))


def _log(histories: Sequence[History], random: Random) -> list[Draft]:
    """One log: phase by phase, orders mixed by chance, each order's own changes in their order."""
    log: list[Draft] = []
    for phase in Phase:
        queues = [[d for d in history.drafts if d.phase is phase] for history in histories]
        turns = [number for number, queue in enumerate(queues) for _ in queue]
        random.shuffle(turns)
        heads = [iter(queue) for queue in queues]
        log += [next(heads[number]) for number in turns]
    return log
