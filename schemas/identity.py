"""``willow-sync.ticket-identities``: what ties an order to its ticket (contract §6, seed 000 "Identity Management")."""

from datetime import datetime
from typing import Literal

from schemas.base import Record, Text
from schemas.source import EntityType

TICKET_URN = "urn:willowinc:ticket:id:"
TWIN_URN = "urn:willowinc:twin:id:"
SPACE_TWIN_URN = "urn:willowinc:spacetwin:id:"


class ExternalIdentity(Record):
    """One identity of an entity or an order in Mapped. ``exact_type`` may be missing: not every query asks for it."""

    value: Text
    exact_type: Text | None = None
    scope: Text | None = None
    scope_id: Text | None = None
    date_created: datetime | None = None


class TicketIdentityValue(Record):
    exact_type: Literal["ExternalIdentity"] = "ExternalIdentity"
    scope: Literal["ORG"] = "ORG"
    scope_id: str | None = None
    value: str


class TicketIdentity(Record):
    """The identity that consumers write onto the work order in Mapped. ``instance`` is the Willow base URL."""

    entity_type: EntityType
    entity_id: str
    identity: TicketIdentityValue
    instance: str

    @property
    def ticket_id(self) -> str:
        return self.identity.value.removeprefix(TICKET_URN)
