"""The typed async client of Willow's public API v3, usable alone: ``from streams.willow import
WillowClient``.

``operations`` is the table of calls, ``wire`` the one place of a ticket's wire form, ``errors`` the tree of
what can go wrong. It knows nothing of Kafka, planning or delivery.
"""

from streams.willow.caller import Observer
from streams.willow.client import MAX_EXTERNAL_IDS, WillowClient, normalise_base_url
from streams.willow.errors import (
    NoAnswer,
    NotSent,
    NotSentReason,
    Problem,
    Refused,
    TokenRefused,
    WillowError,
)
from streams.willow.models import (
    Category,
    Found,
    JobType,
    Page,
    Priority,
    ServiceNeeded,
    Status,
    Ticket,
    Twin,
    name_lookup,
)
from streams.willow.operations import OPERATIONS, Operation
from streams.willow.wire import Comparison, Filter, Sort, UnknownField, refused_fields

__all__ = [
    "MAX_EXTERNAL_IDS",
    "OPERATIONS",
    "Category",
    "Comparison",
    "Filter",
    "Found",
    "JobType",
    "NoAnswer",
    "NotSent",
    "NotSentReason",
    "Observer",
    "Operation",
    "Page",
    "Priority",
    "Problem",
    "Refused",
    "ServiceNeeded",
    "Sort",
    "Status",
    "Ticket",
    "TokenRefused",
    "Twin",
    "UnknownField",
    "WillowClient",
    "WillowError",
    "name_lookup",
    "normalise_base_url",
    "refused_fields",
]
