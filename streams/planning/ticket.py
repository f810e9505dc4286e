"""From work order to ticket (contract §4): the fields that the record carried, and no others.

An absent source field is *unchanged* and gives no ticket field; null clears.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from streams.planning.external_ids import ExternalIds

#: Ticket field → source field, value as it is (instants are UTC text in the record).
_PLAIN = (
    ("description", "description"),
    ("cause", "problemDescription"),
    ("solution", "resolutionDescription"),
    ("dueDate", "dueDate"),
    ("externalCreatedDate", "dateCreated"),
    ("externalUpdatedDate", "dateUpdated"),
)

SOURCES: Mapping[str, str] = {
    **dict(_PLAIN),
    "externalId": "id, by external_id_template",
    "sourceName": "source_name",
    "summary": "summary, else the first line of description, else jobType and id",
    "reporter": "isReportedBy",
    "assigneeType": "hasAssignee, else hasAssignedGroup",
    "assignee": "hasAssignee",
    "workgroup": "hasAssignedGroup",
    "twinId": "relatesTo",
    "customProperties": "referenceUrl, mappingKey, isCreatedBy, relatesTo",
}
"""Ticket field → what it is made from, for people; enumerations apart (``enumerations.FIELDS``)."""

Record = Mapping[str, Any]


def ticket_fields(
    order_id: str, record: Record, *, external_id_template: str, source_name: str, send_people: bool
) -> dict[str, Any]:
    """Ticket field → value, enumerations and the twin apart."""
    fields: dict[str, Any] = {
        "externalId": ExternalIds(external_id_template).of(order_id),
        "sourceName": source_name,
    }
    for target, source in _PLAIN:
        if source in record:
            fields[target] = record[source]
    if (summary := _summary(order_id, record)) is not None:
        fields["summary"] = summary
    if send_people:
        if "isReportedBy" in record:
            fields["reporter"] = _contact(record["isReportedBy"], phone=True)
        fields |= _assignment(record)
    # One field of the ticket, sent whole: without relatesTo it would drop the relations it is there to keep.
    if "relatesTo" in record:
        fields["customProperties"] = _custom_properties(record, send_people=send_people)
    return fields


def fallbacks(order_id: str, record: Record, fields: Mapping[str, Any], *, send_people: bool) -> dict[str, Any]:
    """For a create: what a ticket needs and the record did not say."""
    needed: dict[str, Any] = {}
    if not fields.get("summary"):
        needed["summary"] = first_line(record.get("description")) or _title(order_id, record)
    if send_people and "assigneeType" not in fields:
        needed["assigneeType"] = "noAssignee"
    return needed


def _summary(order_id: str, record: Record) -> str | None:
    """None where the record can't tell: then the ticket keeps its summary."""
    if "summary" not in record:
        return None
    summary = record["summary"]
    if summary and not summary.isspace():
        return str(summary)
    if "description" not in record:
        # A large description that did not change is not sent: its first line stays the summary.
        return None
    return first_line(record["description"]) or _title(order_id, record)


def first_line(text: str | None) -> str | None:
    """The first line that is not blank."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), None)


def _title(order_id: str, record: Record) -> str:
    return f"{record.get('jobType') or ''} {order_id}".strip()


def _contact(person: Mapping[str, Any] | None, *, phone: bool = False) -> dict[str, str] | None:
    """Name, first e-mail and first phone, as far as they are there; None for nobody."""
    if person is None:
        return None
    emails, phones = person.get("emails") or (), person.get("phones") or ()
    contact = {
        "name": person.get("name"),
        "email": emails[0].get("address") if emails else None,
        "phone": phones[0] if phone and phones else None,
    }
    return {name: value for name, value in contact.items() if value} or None


def _assignment(record: Record) -> dict[str, Any]:
    """A person, else a group, else nobody if both are said to be: one statement of three fields, so that none of an
    earlier one is left."""
    assignee = _contact(record.get("hasAssignee"))
    group = (record.get("hasAssignedGroup") or {}).get("name")
    if assignee is not None:
        return {"assigneeType": "user", "assignee": assignee, "workgroup": None}
    if group:
        return {"assigneeType": "workgroup", "assignee": None, "workgroup": {"name": group}}
    if "hasAssignee" not in record or "hasAssignedGroup" not in record:
        # The one that was left out is unchanged, and may name somebody.
        return {}
    return {"assigneeType": "noAssignee", "assignee": None, "workgroup": None}


def _custom_properties(record: Record, *, send_people: bool) -> dict[str, str]:
    created_by = (record.get("isCreatedBy") or {}).get("name") if send_people else None
    properties = {
        "referenceUrl": record.get("referenceUrl"),
        "mappingKey": record.get("mappingKey"),
        "createdBy": created_by,
        "relatedEntities": _related_entities(record.get("relatesTo") or ()),
    }
    return {name: value for name, value in properties.items() if value}


def _related_entities(related: Sequence[Mapping[str, Any]]) -> str:
    """``AHU-3 (THG9), One Plaza (BLDG1)``; by id, so that another order of the same relations is no
    change."""
    names = {item["id"]: item.get("name") for item in related}
    return ", ".join(f"{names[id]} ({id})" if names[id] else id for id in sorted(names))
