"""The public records of willow-sync, and nothing else.

Every record that crosses a topic is one pydantic model here; JSON Schema and AsyncAPI are generated from
them (``python -m schemas.generate``) and checked in under ``schemas/generated``.
"""

from schemas.claim import Claim, ClaimState
from schemas.control import PauseControl, PauseState
from schemas.entity import Entity
from schemas.identity import ExternalIdentity, TicketIdentity
from schemas.intent import Intent, IntentKind, Signal, TwinChoice
from schemas.outcome import Outcome, OutcomeKind, Reason
from schemas.replan import Cause, Replan
from schemas.source import EntityType, Source
from schemas.work_order import Group, Person, RelatedEntity, WorkOrder

__all__ = [
    "Cause",
    "Claim",
    "ClaimState",
    "Entity",
    "EntityType",
    "ExternalIdentity",
    "Group",
    "Intent",
    "IntentKind",
    "Outcome",
    "OutcomeKind",
    "PauseControl",
    "PauseState",
    "Person",
    "Reason",
    "RelatedEntity",
    "Replan",
    "Signal",
    "Source",
    "TicketIdentity",
    "TwinChoice",
    "WorkOrder",
]
