"""Insights: what Willow's skills found out about a twin."""

from pydantic import Field

from schemas.base import Text
from streams.willow.models.base import Query, Read, ReadInstant
from streams.willow.models.tickets import Place


class ImpactScore(Read):
    name: Text | None = None
    field_id: Text | None = None
    value: float | None = None
    unit: Text | None = None
    external_id: Text | None = None
    rule_id: Text | None = None


class SecondaryTwin(Place):
    e_tag: Text | None = Field(default=None, alias="eTag")


class Insight(Read):
    id: Text
    customer_id: Text | None = None
    site_id: Text | None = None
    sequence_number: Text | None = None
    equipment_id: Text | None = None
    twin_id: Text | None = None
    twin_name: Text | None = None
    type: Text | None = None
    name: Text | None = None
    description: Text | None = None
    recommendation: Text | None = None
    impact_scores: tuple[ImpactScore, ...] = ()
    priority: int | None = None
    last_status: Text | None = None
    state: Text | None = None
    created_date: ReadInstant = None
    updated_date: ReadInstant = None
    occurred_date: ReadInstant = None
    detected_date: ReadInstant = None
    source_type: Text | None = None
    source_id: Text | None = None
    source_name: Text | None = None
    primary_model_id: Text | None = None
    external_id: Text | None = None
    external_status: Text | None = None
    external_metadata: Text | None = None
    occurrence_count: int | None = None
    created_user_id: Text | None = None
    rule_id: Text | None = None
    rule_name: Text | None = None
    new_occurrence: bool | None = None
    previously_ignored: int | None = None
    previously_resolved: int | None = None
    floor_id: Text | None = None
    reported: bool | None = None
    comment_count: int | None = None
    last_resolved_date: ReadInstant = None
    last_ignored_date: ReadInstant = None
    locations: tuple[Text, ...] = ()
    location_details: tuple[Place, ...] = ()
    tags: tuple[Text, ...] = ()
    is_diagnostics_data: bool | None = None
    ignore_until: ReadInstant = None
    open_ticket_count: int | None = None
    completed_ticket_count: int | None = None
    closed_ticket_count: int | None = None
    ticket_closed_date: ReadInstant = None
    secondary_twins: tuple[SecondaryTwin, ...] = ()


class InsightsQuery(Query):
    add_floor: bool | None = None


class InsightQuery(Query):
    ignore_query_filters: bool | None = None
