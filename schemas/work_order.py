"""``mapped.work-orders``: a WorkOrder or ServiceRequest in the shape of seed 000's GraphQL query.

A field that was not set (``model_fields_set``) means *unchanged*; a field that is null clears (contract §2).
"""

from datetime import datetime
from typing import Any

from pydantic import field_validator

from schemas.base import Record, Text
from schemas.identity import ExternalIdentity


class Email(Record):
    address: Text | None = None


class Person(Record):
    name: Text | None = None
    emails: list[Email] | None = None
    phones: list[Text] | None = None

    @field_validator("emails", mode="before")
    @classmethod
    def _plain_addresses(cls, value: Any) -> Any:
        # Some exporters flatten emails{address} to a list of strings.
        if isinstance(value, list):
            return [{"address": item} if isinstance(item, str) else item for item in value]
        return value


class Group(Record):
    name: Text | None = None
    has_member: list[Person] | None = None


class RelatedEntity(Record):
    """One end of ``relatesTo``: a Building, SubBuilding, Floor, Space, Zone, Site or Thing."""

    id: Text
    name: Text | None = None
    exact_type: Text | None = None
    identities: list[ExternalIdentity] | None = None


class WorkOrder(Record):
    """One state of an order. Only ``id`` is required; instants are UTC."""

    id: Text
    exact_type: Text | None = None
    mapping_key: Text | None = None
    summary: Text | None = None
    description: Text | None = None
    job_status: Text | None = None
    job_sub_status: Text | None = None
    job_priority: Text | None = None
    job_type: Text | None = None
    sector: Text | None = None
    reference_url: Text | None = None
    problem_description: Text | None = None
    resolution_description: Text | None = None
    date_created: datetime | None = None
    date_updated: datetime | None = None
    due_date: datetime | None = None
    is_reported_by: Person | None = None
    is_created_by: Person | None = None
    has_assignee: Person | None = None
    has_assigned_group: Group | None = None
    relates_to: list[RelatedEntity] | None = None
    identities: list[ExternalIdentity] | None = None
