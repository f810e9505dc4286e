"""Every operation of Willow's public API v3 (seeds 001 and 002): one table, one row each (contract §7).

The client calls by it, the emulator answers and checks by it, ``docs/operations.md`` shows it. Paths are relative
to the base URL and spelled as in the seeds; ``seeds`` names the documents that list the operation; ``used_by``
what of ours needs it.
"""

from typing import Any

from streams.willow.models import events as ev
from streams.willow.models import insights as ins
from streams.willow.models import oauth2
from streams.willow.models import ontology as ont
from streams.willow.models import relationships as rel
from streams.willow.models import ticket_metadata as md
from streams.willow.models import tickets as tk
from streams.willow.models import time_series as ts
from streams.willow.models import twins as tw
from streams.willow.models.paging import ListRequest
from streams.willow.operation import Body, Group, Operation, Paging, RateGroup

__all__ = ["OPERATIONS", "Body", "Group", "Operation", "Paging", "RateGroup"]

_BOTH, _OLDER, _NEWER = ("001", "002"), ("001",), ("002",)

_SYNC = ("sync",)
_LISTS = ("sync", "check", "enumerations")
_CREATES = ("enumerations create-missing",)
_PULL = ("twins pull",)
_PULL_AND_CHECK = ("twins pull", "check")
_USERS = ("users of the client",)

_NOTHING = type(None)
_JSON, _PAGE, _TOKEN = Body.JSON, Paging.PAGE, Paging.TOKEN
_TWINS, _SERIES = RateGroup.TWINS, RateGroup.TIME_SERIES

# fmt: off
TOKEN = Operation("token", Group.OAUTH2, "token", "POST", "/oauth2/token", oauth2.TokenAnswer, _BOTH,
    ("sync", "check"), Body.FORM, oauth2.TokenRequest, repeatable=True)

# Not repeated by the client: the sink's breaker probes with get_ticket, and a probe is one call.
PUT_TICKET = Operation("put_ticket", Group.TICKETS, "put", "PUT", "/tickets", tk.Ticket, _NEWER, _SYNC,
    _JSON, tk.TicketWrite, status=201)
PATCH_TICKET = Operation("patch_ticket", Group.TICKETS, "patch", "PATCH", "/tickets/{ticketId}", tk.Ticket, _NEWER,
    ("sync", "check"), _JSON, list[tk.Replacement])
GET_TICKET = Operation("get_ticket", Group.TICKETS, "get", "GET", "/tickets/{ticketId}", tk.Ticket, _NEWER,
    ("sync", "audit", "adopt", "check"))
LIST_TICKETS = Operation("list_tickets", Group.TICKETS, "find", "POST", "/tickets", tk.Ticket, _BOTH,
    ("sync", "audit", "adopt", "check"), _JSON, ListRequest, paging=_PAGE, repeatable=True)
GET_ATTACHMENT = Operation("get_attachment", Group.TICKETS, "attachment", "GET",
    "/tickets/{ticketId}/attachments/{attachmentId}", bytes, _NEWER, _USERS, streamed=True)

LIST_CATEGORIES = Operation("list_categories", Group.TICKET_METADATA, "categories", "POST", "/tickets/categories",
    md.Category, _BOTH, _LISTS, _JSON, ListRequest, paging=_PAGE, repeatable=True)
PUT_CATEGORY = Operation("put_category", Group.TICKET_METADATA, "put_category", "PUT", "/tickets/categories",
    md.Category, _BOTH, _CREATES, _JSON, md.CategoryWrite, status=201, errors=(400,))
PATCH_CATEGORY = Operation("patch_category", Group.TICKET_METADATA, "patch_category", "PATCH",
    "/tickets/categories/{categoryId}", _NOTHING, _BOTH, _USERS, _JSON, md.CategoryPatch, status=204,
    errors=(400, 404))
LIST_JOB_TYPES = Operation("list_job_types", Group.TICKET_METADATA, "job_types", "POST", "/tickets/job-types",
    md.JobType, _BOTH, _LISTS, _JSON, ListRequest, paging=_PAGE, repeatable=True)
PUT_JOB_TYPE = Operation("put_job_type", Group.TICKET_METADATA, "put_job_type", "PUT", "/tickets/job-types",
    md.JobType, _BOTH, _CREATES, _JSON, md.JobTypeWrite, status=201, errors=(400,))
PATCH_JOB_TYPE = Operation("patch_job_type", Group.TICKET_METADATA, "patch_job_type", "PATCH",
    "/tickets/job-types/{jobTypeId}", _NOTHING, _BOTH, _USERS, _JSON, md.JobTypePatch, status=204, errors=(400, 404))
LIST_SERVICES_NEEDED = Operation("list_services_needed", Group.TICKET_METADATA, "services_needed", "POST",
    "/tickets/service-needed", md.ServiceNeeded, _BOTH, _LISTS, _JSON, ListRequest, paging=_PAGE, repeatable=True)
PUT_SERVICE_NEEDED = Operation("put_service_needed", Group.TICKET_METADATA, "put_service_needed", "PUT",
    "/tickets/service-needed", md.ServiceNeeded, _BOTH, _CREATES, _JSON, md.ServiceNeededWrite, status=201,
    errors=(400,))
PATCH_SERVICE_NEEDED = Operation("patch_service_needed", Group.TICKET_METADATA, "patch_service_needed", "PATCH",
    "/tickets/service-needed/{serviceNeededId}", _NOTHING, _BOTH, _USERS, _JSON, md.ServiceNeededPatch, status=204,
    errors=(400, 404))
LIST_STATUSES = Operation("list_statuses", Group.TICKET_METADATA, "statuses", "GET", "/tickets/status",
    list[md.Status], _BOTH, _LISTS, repeatable=True)
LIST_PRIORITIES = Operation("list_priorities", Group.TICKET_METADATA, "priorities", "GET", "/tickets/priorities",
    list[md.Priority], _BOTH, _LISTS, repeatable=True)

LIST_TWINS = Operation("list_twins", Group.TWINS, "find", "POST", "/twins", tw.Twin, _BOTH, _PULL, _JSON, tw.ListTwins,
    paging=_TOKEN, errors=(400,), rate_group=_TWINS, repeatable=True)
PUT_TWIN = Operation("put_twin", Group.TWINS, "put", "PUT", "/twins", tw.Twin, _BOTH, _USERS, _JSON, tw.TwinWrite,
    errors=(400,), rate_group=_TWINS)
GET_TWIN = Operation("get_twin", Group.TWINS, "get", "GET", "/twins/{id}", tw.Twin, _BOTH, _USERS,
    query=tw.RelationshipsQuery, errors=(403, 404), rate_group=_TWINS, repeatable=True)
# What a patch answers is not documented: nothing is read from it.
PATCH_TWIN = Operation("patch_twin", Group.TWINS, "patch", "PATCH", "/twins/{id}", _NOTHING, _BOTH, _USERS, _JSON,
    list[tw.TwinPatch], status=204, errors=(400, 403, 404), rate_group=_TWINS)
TWINS_BY_IDS = Operation("twins_by_ids", Group.TWINS, "by_ids", "POST", "/twins/ids", list[tw.Twin], _BOTH,
    ("check", "audit", "twins pull"), _JSON, tw.TwinIds, tw.RelationshipsQuery, errors=(400, 403, 404),
    rate_group=_TWINS, repeatable=True)
TWIN_GRAPH = Operation("twin_graph", Group.TWINS, "graph", "POST", "/twins/graph", tw.TwinGraph, _BOTH, _USERS, _JSON,
    tw.TwinGraphRequest, errors=(403, 404, 504), rate_group=_TWINS, repeatable=True)
COUNT_TWINS = Operation("count_twins", Group.TWINS, "count", "POST", "/twins/count", int, _BOTH, _PULL_AND_CHECK, _JSON,
    tw.CountTwins, errors=(400,), rate_group=_TWINS, repeatable=True)

PUT_RELATIONSHIP = Operation("put_relationship", Group.RELATIONSHIPS, "put", "PUT", "/twins/relationships",
    rel.Relationship, _BOTH, _USERS, _JSON, rel.RelationshipWrite, errors=(400, 404, 409), rate_group=_TWINS)
GET_RELATIONSHIP = Operation("get_relationship", Group.RELATIONSHIPS, "get", "GET",
    "/twins/{twinId}/relationships/{relationshipId}", rel.Relationship, _BOTH, _USERS, errors=(404,),
    rate_group=_TWINS, repeatable=True)
LIST_OUTGOING = Operation("list_outgoing_relationships", Group.RELATIONSHIPS, "outgoing", "GET",
    "/twins/{twinId}/relationships/outgoing", list[rel.Relationship], _BOTH, _PULL, query=rel.OutgoingQuery,
    errors=(404,), rate_group=_TWINS, repeatable=True)
LIST_INCOMING = Operation("list_incoming_relationships", Group.RELATIONSHIPS, "incoming", "GET",
    "/twins/{twinId}/relationships/incoming", list[rel.Relationship], _BOTH, _USERS, errors=(404,),
    rate_group=_TWINS, repeatable=True)

LIST_MODELS = Operation("list_models", Group.MODELS, "all", "GET", "/models", list[ont.TwinModel], _BOTH, _PULL,
    query=ont.ModelsQuery, errors=(400,), repeatable=True)
GET_MODEL = Operation("get_model", Group.MODELS, "get", "GET", "/models/{id}", ont.TwinModel, _BOTH, _USERS,
    errors=(400, 404), repeatable=True)

POST_TIME_SERIES = Operation("post_time_series", Group.TIME_SERIES, "insert", "POST", "/time-series", _NOTHING, _BOTH,
    _USERS, _JSON, list[ts.PointWrite], status=202, errors=(400,), rate_group=_SERIES)
GET_TIME_SERIES = Operation("get_time_series", Group.TIME_SERIES, "points", "GET", "/time-series/{twinId}", ts.Point,
    _BOTH, _USERS, query=ts.SeriesQuery, paging=_TOKEN, errors=(404,), rate_group=_SERIES, repeatable=True)
LATEST_TIME_SERIES = Operation("latest_time_series", Group.TIME_SERIES, "latest", "GET", "/time-series/{twinId}/latest",
    list[ts.Point], _BOTH, _USERS, query=ts.LatestQuery, rate_group=_SERIES, repeatable=True)
TIME_SERIES_BY_IDS = Operation("time_series_by_ids", Group.TIME_SERIES, "points_by_ids", "POST", "/time-series/ids",
    ts.Point, _BOTH, _USERS, _JSON, list[str], ts.SeriesByIdsQuery, _TOKEN, errors=(404,), rate_group=_SERIES,
    repeatable=True)
LATEST_BY_IDS = Operation("latest_time_series_by_ids", Group.TIME_SERIES, "latest_by_ids", "POST",
    "/time-series/ids/latest", list[ts.Point], _BOTH, _USERS, _JSON, list[str], ts.LatestQuery, rate_group=_SERIES,
    repeatable=True)

LIST_INSIGHTS = Operation("list_insights", Group.INSIGHTS, "find", "POST", "/insights", ins.Insight, _BOTH, _USERS,
    _JSON, ListRequest, ins.InsightsQuery, _PAGE, repeatable=True)
GET_INSIGHT = Operation("get_insight", Group.INSIGHTS, "get", "GET", "/insights/{insightId}", ins.Insight, _BOTH,
    _USERS, query=ins.InsightQuery, repeatable=True)

LIST_EVENTS = Operation("list_events", Group.EVENTS, "find", "POST", "/events", ev.Event, _BOTH, _USERS, _JSON,
    ListRequest, paging=_PAGE, repeatable=True)
# One event in seed 001, many in seed 002: one path takes both.
PUT_EVENTS = Operation("put_events", Group.EVENTS, "put", "PUT", "/events", list[ev.Event], _BOTH, _USERS, _JSON,
    ev.EventWrite | list[ev.EventWrite], status=201)
PUT_EVENT_BATCH = Operation("put_event_batch", Group.EVENTS, "put_batch", "PUT", "/events/batch", _NOTHING, _OLDER,
    _USERS, _JSON, list[ev.EventWrite], status=201)
POST_EVENT_FILES = Operation("post_event_files", Group.EVENTS, "upload", "POST", "/events/files", _NOTHING, _NEWER,
    _USERS, Body.FILES)
DELETE_EVENTS = Operation("delete_events", Group.EVENTS, "delete", "DELETE", "/events", _NOTHING, _BOTH, _USERS, _JSON,
    ev.EventIds, status=204)
GET_EVENT = Operation("get_event", Group.EVENTS, "get", "GET", "/events/{eventId}", ev.Event, _BOTH, _USERS,
    errors=(404,), repeatable=True)
LIST_EVENT_TYPES = Operation("list_event_types", Group.EVENTS, "types", "GET", "/events/types", list[ev.EventType],
    _BOTH, _USERS, repeatable=True)
# fmt: on

OPERATIONS: dict[str, Operation[Any]] = {row.name: row for row in vars().copy().values() if isinstance(row, Operation)}
"""By name, in the table's order."""
