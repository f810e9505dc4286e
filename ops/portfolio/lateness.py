"""What comes late: twins that the import has not made yet, a thing that the graph does not know yet, a site.

Orders on them are parked and planned again by themselves; until then their newer changes replace the older.
"""

from collections.abc import Iterator
from dataclasses import replace

from ops.portfolio.estate import SITE_LATE, Node, twinned
from ops.portfolio.histories import Teller
from ops.portfolio.records import Draft, ExpectedOrder, History, Phase

LATE_TWINS = 8
NEVER_KNOWN = "THG99999"
"""A thing that orders name and that never arrives: they stay parked."""


def late_nodes(teller: Teller) -> tuple[list[Node], Node]:
    """The things whose twins come late (as they are without), and the thing that comes late whole."""
    estate = teller.estate
    candidates = [n for b in ("BLDG01", "BLDG02") for n in estate.within(b, "Thing") if n.exact_type == "VAV"]
    bare = [replace(node, identities=()) for node in teller.random.sample(candidates, LATE_TWINS)]
    for node in bare:
        estate.put(twinned(node))
    room = estate.within("BLDG01", "Space")[2].id
    newcomer = twinned(Node("THG01990", "Thing", "Chiller", "CH-OPZ-2", room))
    estate.put(newcomer)
    teller.reserved |= {newcomer.id, *(node.id for node in bare)}
    return bare, newcomer


def waiting_orders(teller: Teller, bare: list[Node], newcomer: Node) -> Iterator[History]:
    """Orders that are parked at first: ``no_willow_twin``, ``unknown_entity`` and ``unknown_site``."""
    for number, node in enumerate(bare):
        thing = teller.estate.nodes[node.id]
        rows = teller.course(teller.row([thing], thing=thing), 1 + number % 3)
        phases = [Phase.MORNING, *[Phase.BUSY] * (len(rows) - 1)]
        yield teller.history(rows, phases, "twin comes late")
    # Six changes while it waits: only the newest may reach Willow, the five others are superseded by it.
    thing = teller.estate.nodes[bare[0].id]
    burst = teller.history(teller.course(teller.row([thing], thing=thing), 6), [Phase.BUSY] * 6, "changes while parked")
    older = [replace(draft, allowed=frozenset({"superseded"})) for draft in burst.drafts[:-1]]
    yield replace(burst, drafts=(*older, burst.drafts[-1]))
    for count in (1, 2):
        rows = teller.course(teller.row([newcomer], thing=newcomer), count)
        yield teller.history(rows, [Phase.BUSY] * count, "thing comes late")
    house = teller.estate.nodes[SITE_LATE]
    rows = teller.course(teller.row([house]), 2)
    yield teller.history(rows, [Phase.SNAPSHOT, Phase.MORNING], "site comes late")


def forever_waiting(teller: Teller) -> History:
    """An order on a thing that never arrives: nothing final may be said of it."""
    stranger = Node(NEVER_KNOWN, "Thing", "Pump", "P-OPZ-7", None)
    row = teller.row([stranger], thing=stranger) | {"jobStatus": "Open"}
    case = "thing never comes"
    draft = Draft(Phase.MORNING, "c", case, row, row["id"])
    return History((draft,), ExpectedOrder(row["id"], case, ()))


def inline_twin(teller: Teller) -> History:
    """An order whose related thing carries its twin itself: the entity has none."""
    random, estate = teller.random, teller.estate
    bare = [n for n in estate.within("BLDG02", "Thing") if not n.twin]
    thing = random.choice(bare)
    carried = twinned(thing)
    teller.inline[thing.id] = carried.twin or ""
    related = thing.related() | {"identities": list(carried.identities)}
    first = teller.row([thing], thing=thing, relatesTo=[related])
    rows = teller.course(first, 2)
    history = teller.history(rows, [Phase.SNAPSHOT, Phase.BUSY], "twin in relatesTo")
    del teller.inline[thing.id]
    return history
