"""Willow's lists and the operator's enumerations for the portfolio, as data."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

STATUSES = {
    "Open": ("New", "Open", "Assigned"),
    "In Progress": ("WIP", "In Progress", "Travelling"),
    "On Hold": ("Waiting for parts", "On Hold"),
    "Resolved": ("Completed", "Done"),
    "Closed": ("Closed", "Cancelled"),
}
"""Willow's status → the words of the source systems for it."""

PRIORITIES = {
    "Urgent": ("1 - Critical", "Urgent"),
    "High": ("2 - High", "High"),
    "Medium": ("3 - Normal", "Medium"),
    "Low": ("4 - Low", "Low"),
}
CATEGORIES = (
    "HVAC",
    "Plumbing",
    "Electrical",
    "Vertical Transport",
    "Fire & Life Safety",
    "Cleaning",
    "Security",
    "General",
)
JOB_TYPES = (
    "Corrective",
    "Preventive",
    "Emergency",
    "Request",
    "Inspection visit",
    "Calibration",
    "Calibration",
)
"""Somebody added Calibration twice: orders of that type are ambiguous."""

_TABS = {"Open": "Open", "In Progress": "Open", "On Hold": "Open", "Resolved": "Resolved", "Closed": "Closed"}
_COLORS = {"Open": "red", "In Progress": "yellow", "On Hold": "grey", "Resolved": "green", "Closed": "green"}


def _id(kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://willow.example/{kind}/{name}"))


def status_id(name: str) -> str:
    return _id("status", name)


STATUS_NAMES = {status_id(name): name for name in STATUSES}
"""Status id → name, for a reader of the journal."""


def willow_status(word: str) -> str | None:
    """Willow's name for a source system's word, without regard to case and spacing."""
    plain = "".join(word.split()).casefold()
    for name, words in STATUSES.items():
        if any("".join(known.split()).casefold() == plain for known in words):
            return name
    return None


def lists() -> dict[str, Any]:
    """Willow's lists as the emulator's ``--lists`` file has them."""
    return {
        "statuses": [
            {"id": status_id(name), "name": name, "tab": _TABS[name], "color": _COLORS[name]} for name in STATUSES
        ],
        "priorities": [
            {"id": _id("priority", name), "name": name, "priorityLevel": name.lower()} for name in PRIORITIES
        ],
        "categories": [{"id": _id("category", name), "name": name} for name in CATEGORIES],
        "jobTypes": [{"id": _id(f"job-type/{number}", name), "name": name} for number, name in enumerate(JOB_TYPES)],
        "servicesNeeded": [],
    }


def _words(table: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {word: name for name, words in table.items() for word in words}


def enumerations() -> dict[str, Any]:
    """The settings' ``enumerations``. Priority and sector are optional: an unmapped one is a warning."""
    return {
        "job_status": {"mode": "map", "values": _words(STATUSES), "required": "true"},
        "job_priority": {"mode": "map", "values": _words(PRIORITIES)},
        "job_type": {"mode": "match_name", "required": "true"},
        "sector": {"mode": "match_name"},
    }
