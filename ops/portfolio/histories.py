"""The ordinary work orders: each a row that changes one to six times, as facility teams change them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ops.portfolio.debezium import UNAVAILABLE
from ops.portfolio.estate import Estate, Node
from ops.portfolio.mappings import PRIORITIES, willow_status
from ops.portfolio.records import Draft, ExpectedOrder, History, Phase, Row, TicketView
from ops.portfolio.words import FAULTS, NOTES, Fault, group, person

APPLIED = frozenset({"created", "updated", "unchanged", "superseded", "adopted"})
"""What may become of a good record: conflation and a restart choose."""
LAST = APPLIED - {"superseded"}
"""The newest good record of an order is never superseded."""

COURSES = (
    ("New", "Assigned", "WIP", "Waiting for parts", "WIP", "Completed"),
    ("Open", "Travelling", "In Progress", "Done", "Closed", "Closed"),
    ("New", "wip", "on  hold", "WIP", "COMPLETED", "Closed"),
    ("Open", "In Progress", "On Hold", "In Progress", "Done", "Closed"),
)
"""How the statuses of an order follow each other, one course a source system (spelling is theirs)."""


@dataclass(slots=True)
class Teller:
    """Makes rows and their changes; all chance comes from ``random``, all times lie before ``now``."""

    random: Random
    now: datetime
    estate: Estate
    serial: int = 0
    reserved: set[str] = field(default_factory=set)
    """Things that ordinary orders leave alone: their twins depend on when an order is planned."""
    inline: dict[str, str] = field(default_factory=dict)
    """Entity → twin id that only ``relatesTo`` knows of it."""

    def order_id(self, exact_type: str = "WorkOrder") -> str:
        self.serial += 1
        return f"{'WO' if exact_type == 'WorkOrder' else 'SR'}-{10_000 + self.serial * 7}"

    def row(self, related: Sequence[Node], *, thing: Node | None = None, **changed: Any) -> Row:
        """A believable new order on ``related``; ``changed`` overrides columns."""
        random, place = self.random, related[0]
        fault = self._fault(thing)
        exact_type = "ServiceRequest" if fault.job_type == "Request" else "WorkOrder"
        order_id = changed.pop("id", None) or self.order_id(exact_type)
        created = self.now - timedelta(hours=random.uniform(3, 480), seconds=random.uniform(0, 59))
        names = {"thing": thing.name if thing else "", "place": place.name}
        row: Row = {
            "id": order_id,
            "exactType": exact_type,
            "mappingKey": f"msrc://CON-cmms-{place.id[-4:]}@cmms/workorder/{order_id}",
            "summary": fault.summary.format(**names),
            "description": fault.description.format(**names),
            "jobStatus": "New",
            "jobPriority": random.choice([word for words in PRIORITIES.values() for word in words]),
            "jobType": fault.job_type,
            "sector": fault.sector,
            "referenceUrl": f"https://cmms.example/orders/{order_id}",
            "problemDescription": fault.problem,
            "resolutionDescription": None,
            "dateCreated": created,
            "dateUpdated": created,
            "dueDate": created + timedelta(days=random.randint(1, 10)) if random.random() < 0.7 else None,
            "isReportedBy": person(random),
            "isCreatedBy": {"name": "CMMS integration"},
            "relatesTo": [node.related() for node in related],
            "identities": [],
        }
        row["_resolution"] = fault.resolution
        return row | changed

    def _fault(self, thing: Node | None) -> Fault:
        fitting = [f for f in FAULTS if f.exact_type == (thing.exact_type if thing else None)]
        return self.random.choice(fitting or [f for f in FAULTS if f.exact_type is None])

    def later(self, row: Row, **changed: Any) -> Row:
        """The next version of a row: newer, never after ``now``."""
        left = (self.now - row["dateUpdated"]).total_seconds()
        step = timedelta(seconds=max(0.001, left * self.random.uniform(0.05, 0.5)))
        return row | {"dateUpdated": row["dateUpdated"] + step} | changed

    def evolve(self, row: Row, status: str) -> Row:
        """The next status, and what else people change with it."""
        random = self.random
        changed: dict[str, Any] = {"jobStatus": status}
        chance = random.random()
        if chance < 0.3:
            changed["hasAssignee"] = person(random)
        elif chance < 0.5:
            changed["hasAssignedGroup"] = group(random)
        elif chance < 0.7:
            changed["description"] = f"{row['description']}\n{random.choice(NOTES)}"
        elif chance < 0.8:
            changed["summary"] = f"{row['summary']} (again)"
        elif chance < 0.85:
            changed["jobPriority"] = "1 - Critical"
        if willow_status(status) in {"Resolved", "Closed"}:
            changed["resolutionDescription"] = row["_resolution"]
        return self.later(row, **changed)

    def view(self, row: Row) -> TicketView:
        """What the ticket must show for this row."""
        status = willow_status(row["jobStatus"])
        if status is None:
            raise ValueError(f"{row['id']}: {row['jobStatus']!r} has no Willow status, so it can have no ticket")
        related = [item["id"] for item in row["relatesTo"]]
        twin = self.estate.ticket_twin(related, self.inline)
        summary = row["summary"] or (row["description"] or "").strip().split("\n")[0]
        return TicketView(row["dateUpdated"], summary, row["description"], status, twin)

    def history(self, rows: Sequence[Row], phases: Sequence[Phase], case: str) -> History:
        """The rows as changes, all good, and the ticket they must lead to."""
        last = len(rows) - 1
        drafts = tuple(
            Draft(
                phase=phase,
                op="r" if phase is Phase.SNAPSHOT else ("c" if index == 0 else "u"),
                case=case,
                row=row,
                order_id=row["id"],
                allowed=LAST if index == last else APPLIED,
            )
            for index, (row, phase) in enumerate(zip(rows, phases, strict=True))
        )
        return History(drafts, ExpectedOrder(rows[0]["id"], case, tuple(self.view(row) for row in rows)))

    def course(self, first: Row, count: int) -> list[Row]:
        """A row and its next versions, ``count`` in all."""
        words = self.random.choice(COURSES)
        rows = [first | {"jobStatus": words[0]}]
        for status in words[1:count]:
            rows.append(self.evolve(rows[-1], status))
        return rows

    def phases(self, count: int, first: Phase = Phase.SNAPSHOT) -> list[Phase]:
        """When each version happens. The snapshot holds one row an order."""
        starts = [phase for phase in Phase if phase >= first]
        weights = {Phase.SNAPSHOT: 40, Phase.MORNING: 25, Phase.BUSY: 30, Phase.EVENING: 5}
        start = self.random.choices(starts, [weights[phase] for phase in starts])[0]
        rest = [phase for phase in Phase if phase >= max(start, Phase.MORNING)]
        return [start, *sorted(self.random.choices(rest, k=count - 1))]


def places_of(teller: Teller, building: str) -> tuple[list[Node], Node | None]:
    """What an order names: often a thing and the places around it, sometimes a place alone."""
    random, estate = teller.random, teller.estate
    thing = random.choice([n for n in estate.within(building, "Thing") if n.id not in teller.reserved])
    space = estate.nodes[thing.parent or ""]
    floor, house = estate.floor_of(space), estate.nodes[building]
    zone = estate.within(building, "Zone")[0]
    choice = random.random()
    if choice < 0.45:
        return [house, floor, space, thing], thing
    if choice < 0.6:
        return ([thing], thing) if thing.twin else ([space, floor, thing], thing)
    if choice < 0.75:
        return [space, floor, house], None
    if choice < 0.82:
        return [floor], None
    if choice < 0.9:
        return [zone, house], None
    return [house], None


def ordinary(teller: Teller, buildings: Sequence[str], count: int) -> Iterator[History]:
    """``count`` orders spread over the buildings, with one to six versions each."""
    for number in range(count):
        building = buildings[number % len(buildings)]
        related, thing = places_of(teller, building)
        if not any(node.twin for node in related):
            related = [*related, teller.estate.nodes[building]]
        versions = teller.random.choices((1, 2, 3, 4, 5, 6), (20, 25, 22, 16, 10, 7))[0]
        rows = teller.course(teller.row(related, thing=thing), versions)
        yield teller.history(rows, teller.phases(versions), "ordinary")


def toasted(history: History, column: str) -> History:
    """The same history from a table that keeps ``column`` apart: only updates that touch it carry it."""
    drafts = [history.drafts[0]]
    for before, draft in zip(history.drafts, history.drafts[1:], strict=False):
        same = before.row[column] == draft.row[column]
        drafts.append(replace(draft, row=draft.row | {column: UNAVAILABLE}) if same else draft)
    return replace(history, drafts=tuple(drafts))
