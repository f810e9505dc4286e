"""Every reason code (contract §3, delivery.md §3): what it means, what it says, what the operator can do.

One table: the code takes messages from it, and ``docs/reasons.md`` is printed from it
(``python -m streams.planning.reasons > docs/reasons.md``).
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Any, Literal

from schemas.outcome import Reason
from streams.planning.parsing import shown

Decision = Literal["dead-lettered", "skipped", "parked", "rejected", "superseded"]
Decider = Literal["planner", "sink"]

_MAX_VALUE = 300
"""Characters of a value in a message: an outcome, or a dead letter's headers, must not grow with the
record."""


NAMED_REMEDY = "Correct the ticket identity on the order in Mapped; until then it is rejected."
"""Of an order whose own record names a ticket that Willow does not have: no word of ours makes that right."""


@dataclass(frozen=True, slots=True)
class Entry:
    """``message`` and ``remedy`` name the values they need in braces."""

    code: str
    decision: Decision
    by: Decider
    when: str
    message: str
    remedy: str

    @property
    def values(self) -> list[str]:
        """Names of the values that message and remedy need, in order."""
        found = [name for text in (self.message, self.remedy) for _, name, _, _ in Formatter().parse(text) if name]
        return list(dict.fromkeys(found))


#: Setting (contract §8) → the source field it translates and what Willow calls its values.
ENUMERATION_NAMES: dict[str, tuple[str, str]] = {
    "job_status": ("jobStatus", "status"),
    "job_sub_status": ("jobSubStatus", "sub status"),
    "job_priority": ("jobPriority", "priority"),
    "job_type": ("jobType", "job type"),
    "sector": ("sector", "category"),
    "services_needed": ("problemDescription", "service needed"),
}


def _enumeration_entries() -> Iterator[Entry]:
    for setting, (source, noun) in ENUMERATION_NAMES.items():
        yield Entry(
            f"unmapped_{setting}",
            "skipped",
            "planner",
            f"`enumerations.{setting}.required` and `{source}` has no Willow {noun}.",
            f"{source} {{value}} has no Willow {noun}: {{why}}.",
            f"{{remedy}} Or set enumerations.{setting}.default, or required: false to leave the field out."
            " Then replay the order.",
        )
        yield Entry(
            f"ambiguous_{setting}",
            "skipped",
            "planner",
            f"`enumerations.{setting}.required` and more than one Willow {noun} fits `{source}`.",
            f"{source} {{value}} has no single Willow {noun}: {{why}}.",
            f"Write the Willow id of the right one into enumerations.{setting}.values (mode: map), then"
            " replay the order.",
        )


#: In the order in which they are tried (contract §3); then what Willow's answers lead to (delivery.md §3).
_ENTRIES: tuple[Entry, ...] = (
    Entry(
        "undecodable",
        "dead-lettered",
        "planner",
        "Not JSON, of a wrong shape, without an id, or too large to be planned. `skipped` by the sink where it is too"
        " large only together with what its order waits with.",
        "The record can't be read: {problem}",
        "{remedy}",
    ),
    Entry(
        "internal_error",
        "dead-lettered",
        "planner",
        "An exception of our own while planning; five in a row stop the worker. `skipped` by the sink where"
        " its order waited with the record.",
        "Planning failed with {error}",
        "This is a fault of willow-sync: report it with the worker's log; the dead letter holds the original record.",
    ),
    Entry(
        "not_a_change",
        "skipped",
        "planner",
        "A control record: heartbeat, schema change, transaction marker, truncate or message.",
        "The record is {what}, not a change of an order.",
        "Nothing to do. To keep such records out of the topic, switch them off at the connector.",
    ),
    Entry(
        "stale",
        "skipped",
        "sink",
        "Its `dateUpdated` is older than that of the newest accepted record of the order.",
        "dateUpdated {mine} is older than {newest}, which was accepted already.",
        "Nothing to do if the source sends changes out of order. If its clock was wrong, let it send the"
        " order again with a current dateUpdated.",
    ),
    Entry(
        "willow_born",
        "skipped",
        "planner",
        "Mapping key or an identity matches `willow_born.patterns`.",
        "{field} {value} matches {pattern}: the order came from Willow, and a ticket for it would be its echo.",
        "Nothing to do for tickets that began in Willow. If this one did not, narrow willow_born.patterns.",
    ),
    Entry(
        "other_entity_type",
        "skipped",
        "planner",
        "`exactType` is not in `entity_types`.",
        "exactType {value} is not among {allowed}.",
        "Add it to entity_types if such entities should become tickets, then replay the order.",
    ),
    Entry(
        "ticket_owned_by_other",
        "skipped",
        "sink",
        "Its identity names a ticket that another order owns.",
        "Ticket {ticket} belongs to work order {owner}.",
        "Correct the ticket identity on one of the two orders in Mapped, then replay this one.",
    ),
    Entry(
        "deleted_untracked",
        "skipped",
        "sink",
        "A delete of an order that has no ticket, nor a create in doubt.",
        "The order was deleted and has no ticket.",
        "Nothing to do.",
    ),
    Entry(
        "deleted_kept",
        "skipped",
        "sink",
        "A delete, and `on_delete: keep`.",
        "The order was deleted; its ticket {ticket} is kept as it is.",
        "Close the ticket in Willow if it should go, or set on_delete: close with closed_status.",
    ),
    Entry(
        "missing_job_status",
        "skipped",
        "planner",
        "`jobStatus` is null or blank.",
        "jobStatus is {value}; a ticket needs a status.",
        "Give the order a status at its source.",
    ),
    Entry(
        "incomplete_record",
        "skipped",
        "sink",
        "The record leaves out `jobStatus` or `relatesTo`, and nothing is known of the order yet.",
        "The record leaves out {missing}, and no earlier record of the order said it.",
        "Set REPLICA IDENTITY FULL on the table, or use the outbox, so that each event is the whole order;"
        " then let the source send it again.",
    ),
    Entry(
        "no_related_entity",
        "skipped",
        "planner",
        "`relatesTo` names no place or Thing; with `require_related_place` no place.",
        "relatesTo names no {wanted}, so the ticket has no twin to be about.",
        "Relate the order to a building, floor, space, zone or asset in Mapped.",
    ),
    Entry(
        "unknown_site",
        "parked",
        "planner",
        "No related entity lies in a known selected site, and a selected site is not in the twin table.",
        "Not in the entity topic: {sites} (selected_sites); and no related entity lies in a selected site that is.",
        "Correct selected_sites (`willow-sync check` names them), or produce the sites to the entity topic;"
        " the order goes on by itself then.",
    ),
    Entry(
        "unknown_entity",
        "parked",
        "planner",
        "No related entity lies in a selected site, and one, or a link of its chain to the top, is not"
        " known yet; a chain that loops (`location_loop`) counts as unknown.",
        "Not known in full: {entities}; and no related entity is known to lie in a selected site.",
        "Produce the entities to the entity topic, or mend the loop of isPartOf or hasLocation; the order"
        " goes on by itself then.",
    ),
    Entry(
        "outside_selected_sites",
        "skipped",
        "planner",
        "Every related entity's chain is known, and none is or lies within a selected site.",
        "In none of the selected sites: {entities}.",
        "Add its site to selected_sites if it should be synced, then replay the order.",
    ),
    Entry(
        "no_willow_twin",
        "parked",
        "planner",
        "No related entity in scope has a Willow twin yet.",
        "No Willow twin id yet: {entities}.",
        "Attach the twin ids in Mapped (Willow Import or CSV Identities: urn:willowinc:twin:id:…); the"
        " order goes on by itself then.",
    ),
    *_enumeration_entries(),
    Entry(
        "create_in_doubt",
        "parked",
        "sink",
        "Whether a create was executed is not known yet ([how it is found out](architecture.md#creating-one-ticket)).",
        "A create for this order had no certain answer ({why}); Willow is asked whether the ticket exists.",
        "Wait, or look in Willow and say what is there: `willow-sync resolve {order} --ticket ID` or `--no-ticket`.",
    ),
    Entry(
        "park_expired",
        "skipped",
        "sink",
        "Parked longer than `park_ttl`.",
        "Parked for {waited} as {code}; what it waited for did not come.",
        "Supply what was missing, then replay the order; or raise park_ttl.",
    ),
    Entry(
        "ticket_not_found",
        "rejected",
        "sink",
        "Willow no longer has the ticket; it is never re-created by itself. Where only the order's own record names it,"
        " what to do is: " + NAMED_REMEDY,
        "Willow has no ticket {ticket} any more ({detail}).",
        "Say which ticket it is, or that a new one may be made: `willow-sync resolve {order} --ticket ID |"
        " --no-ticket`. on_missing_ticket: create does the latter by itself.",
    ),
    Entry(
        "forbidden",
        "rejected",
        "sink",
        "403 on one site only.",
        "Willow forbids this site ({detail}).",
        "Give the client access to the site in Willow (User Management, Applications, Assignments), then"
        " `willow-sync replay --outcome rejected`.",
    ),
    Entry(
        "conflict",
        "rejected",
        "sink",
        "409 on a PATCH, again after reading the ticket back.",
        "Willow reports a conflict with the ticket's state ({detail}).",
        "Look at the ticket in Willow: its status may not allow the change. Then replay the order.",
    ),
    Entry(
        "invalid",
        "rejected",
        "sink",
        "400, 413 or 422, also without the optional fields that the error names.",
        "Willow refuses the ticket with {status} ({detail}).",
        "Correct the named values at the source, or their mapping under enumerations; then `willow-sync"
        " replay --outcome rejected`.",
    ),
    Entry(
        "superseded_by_rejected",
        "superseded",
        "sink",
        "A newer change replaced it and was then rejected; the older one is not tried.",
        "The change that replaced this one was rejected: {detail}",
        "See the outcome of the newer change (supersededBy); what mends that one mends the order.",
    ),
)

REASONS: dict[str, Entry] = {entry.code: entry for entry in _ENTRIES}

LEFT = "left_"


def reason(code: str, /, **values: Any) -> Reason:
    """The reason of a code with the values at hand.

    Raises KeyError for an unknown code or a missing value: both are faults of the caller."""
    entry = REASONS[code]
    short = {name: shown(value, _MAX_VALUE) for name, value in values.items()}
    return Reason(code=code, message=entry.message.format_map(short), remedy=entry.remedy.format_map(short))


def named_not_found(ticket: str | None, detail: str) -> Reason:
    """``ticket_not_found`` of a ticket that only the order's own record names."""
    message = f"The order names ticket {shown(ticket, _MAX_VALUE)}, and Willow has none ({shown(detail, _MAX_VALUE)})."
    return Reason(code="ticket_not_found", message=message, remedy=NAMED_REMEDY)


def not_planned_again(error: Exception) -> Reason:
    """``internal_error`` of a record that waited: there is no dead letter of it, for it is not lost in its topic."""
    found = reason("internal_error", error=repr(error))
    remedy = "This is a fault of willow-sync: report it with the worker's log; once it is mended, replay the order."
    return found.model_copy(update={"remedy": remedy})


def general_remedy(code: str) -> str:
    """The remedy of a code where no order is at hand: the names of the values stand for them.

    Raises KeyError for an unknown code."""
    entry = REASONS[code.removeprefix(LEFT)]
    return entry.remedy.format_map({name: name.upper() for name in entry.values})


def left(why: Reason) -> Reason:
    """For an order that has a ticket and stopped qualifying (contract §3, ``left_<reason>``)."""
    message = f"The order has a ticket and no longer qualifies: {why.message}"
    return Reason(code=LEFT + why.code, message=message, remedy=why.remedy)


def markdown() -> str:
    """``docs/reasons.md``."""
    lines = [
        "# Reason codes",
        "",
        "Made from `streams/planning/reasons.py` by `python -m streams.planning.reasons > docs/reasons.md`.",
        "Tried in this order; the first that applies decides. *Parked* orders are planned again by themselves as soon",
        "as what they wait for arrives. An order that has a ticket and stops qualifying is skipped under",
        "`left_` and the code. Outcomes that are not listed need no reason.",
        "",
        "| decision | reason code | by | when | message | what to do |",
        "|---|---|---|---|---|---|",
    ]
    for entry in REASONS.values():
        cells = (entry.decision, f"`{entry.code}`", entry.by, entry.when, entry.message, entry.remedy)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
