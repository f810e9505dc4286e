"""What reads look like: the older shape (seed 001) and the newer one (facts §4 and §5), for tickets and
lists."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ops.emulator.graph import Graph
from ops.emulator.lists import Kind, Listed, Lists
from ops.emulator.tickets import Ticket


class ReadShape(StrEnum):
    OLD = "old"
    """``status`` and ``priority`` are names; the lists show ``statusCode``/``status`` and the priority's
    name."""
    NEW = "new"
    """``ticketStatus{id,name,tab,color}`` and ``ticketPriority{id,name,priorityLevel}``; the lists show the
    same."""


class Shapes:
    """Writes answers in one shape. Field names and order are those of the seeds' samples."""

    def __init__(self, shape: ReadShape, lists: Lists, graph: Graph) -> None:
        self._graph = graph
        self._old = shape is ReadShape.OLD
        self._by_id = {kind: lists.by_id(kind) for kind in Kind}
        self._default_status = lists[Kind.STATUSES][0]

    def listed(self, kind: Kind, item: Listed) -> dict[str, Any]:
        if self._old and kind is Kind.STATUSES:
            return {"statusCode": item.code, "status": item.name, **item.details}
        if self._old and kind is Kind.PRIORITIES:
            return {"name": item.name}
        return {"id": item.id, "name": item.name, **item.details}

    def status_of(self, ticket: Ticket) -> Listed:
        """The ticket's status; a ticket that was created without one has the first of the list."""
        status_id = ticket.fields.get("statusId")
        return self._default_status if status_id is None else self._by_id[Kind.STATUSES][status_id]

    def ticket(self, ticket: Ticket) -> dict[str, Any]:
        get = ticket.fields.get
        twin_name, locations = self._place(ticket.fields["twinId"])
        return {
            "id": ticket.id,
            **self._priority_and_status(ticket),
            "issueType": "noIssue",
            "twinId": get("twinId"),
            "twinName": twin_name,
            "insightId": get("insightId"),
            "summary": get("summary"),
            "description": get("description"),
            "cause": get("cause"),
            "solution": get("solution"),
            "notes": get("notes"),
            "reporter": _person(get("reporter")),
            "assigneeType": get("assigneeType", "noAssignee"),
            "userAssignee": _person(get("assignee")),
            "workgroupAssignee": get("workgroup"),
            "creator": None,
            "dueDate": get("dueDate"),
            "createdDate": ticket.created,
            "updatedDate": ticket.updated,
            "startedDate": None,
            "resolvedDate": None,
            "closedDate": None,
            "sourceType": None,
            "sourceName": get("sourceName"),
            "externalId": get("externalId"),
            "externalCreatedDate": get("externalCreatedDate"),
            "externalUpdatedDate": get("externalUpdatedDate"),
            "latitude": get("latitude"),
            "longitude": get("longitude"),
            "customProperties": get("customProperties"),
            "extendableSearchablePropertyKeys": get("extendableSearchablePropertyKeys"),
            "scheduledDate": None,
            "occurrence": 0,
            "locations": locations,
            "categoryId": get("categoryId"),
            "jobTypeId": get("jobTypeId"),
            "serviceNeededId": get("serviceNeededId"),
            "subStatusId": get("subStatusId"),
        }

    def _place(self, twin_id: str) -> tuple[str, list[dict[str, Any]]]:
        """The twin's name and the places that hold it, the nearest first, as far as the twin is described."""
        twin = self._graph.described(twin_id)
        if twin is None:
            return twin_id, []
        places = [
            {"id": place.id, "name": place.name, "modelId": place.model_id} for place in self._graph.holders(twin_id)
        ]
        return twin.name, places

    def _priority_and_status(self, ticket: Ticket) -> dict[str, Any]:
        priority_id = ticket.fields.get("priorityId")
        priority = None if priority_id is None else self._by_id[Kind.PRIORITIES][priority_id]
        status = self.status_of(ticket)
        if self._old:
            return {"priority": priority and priority.name, "status": status.name}
        return {
            "ticketPriority": priority and self.listed(Kind.PRIORITIES, priority),
            "ticketStatus": self.listed(Kind.STATUSES, status),
        }


def handles(shape: ReadShape, lists: Lists) -> dict[Kind, dict[str, str]]:
    """Accepted spelling (lower case) of an entry → its id. In the older shape statuses and priorities are
    listed without ids, so a write may also name them as the list does; otherwise no such tenant could be
    written to."""
    accepted = {kind: {item.id: item.id for item in lists[kind]} for kind in Kind}
    if shape is ReadShape.OLD:
        for item in lists[Kind.STATUSES]:
            accepted[Kind.STATUSES] |= {item.name.lower(): item.id, str(item.code): item.id}
        for item in lists[Kind.PRIORITIES]:
            accepted[Kind.PRIORITIES] |= {item.name.lower(): item.id}
    return accepted


def _person(given: Mapping[str, str | None] | None) -> dict[str, str | None] | None:
    if given is None:
        return None
    return {
        "id": None,
        "name": given.get("name"),
        "email": given.get("email"),
        "phone": given.get("phone"),
        "company": None,
    }
