"""The one typed settings class (contract §8). Reading it from files and the environment: ``settings_source``.

Each field's ``description`` is the documentation: ``docs/settings.md`` is made from it.
"""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from streams.config.kafka import KafkaSettings, TopicSettings
from streams.config.mapped import MappedSettings
from streams.config.mapping import (
    Enumeration,
    EnumerationMode,
    Enumerations,
    InputFormat,
    InputSettings,
    WillowBorn,
)
from streams.config.types import Duration, Name, Optional, Section, format_duration, parse_duration

__all__ = [
    "Conflate",
    "Duration",
    "Enumeration",
    "EnumerationMode",
    "Enumerations",
    "InDoubt",
    "InputFormat",
    "InputSettings",
    "KafkaSettings",
    "MappedSettings",
    "Section",
    "Settings",
    "TopicSettings",
    "Web",
    "WillowBorn",
    "WillowSettings",
    "format_duration",
    "parse_duration",
]


class WillowSettings(Section):
    """The Willow instance."""

    base_url: str = Field(description="Willow instance; with or without /api/v3 and a trailing slash.")
    client_id: Name = Field(description="OAuth2 client id (Willow: User Management, Applications, Public API v3).")
    client_secret: SecretStr = Field(min_length=1, description="OAuth2 client secret; also from a file.")
    request_timeout: Duration = Field(
        default=timedelta(seconds=30),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="Deadline over one whole call.",
    )
    max_in_flight: int = Field(default=64, ge=1, le=1024, description="Calls at once, per worker.")
    requests_per_second: Annotated[float | None, Optional] = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="Rate limit of the deployment, shared by assigned partitions; null: none. "
        "Calls for the token and for Willow's lists of statuses, categories and the like do not count.",
    )

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("an address like https://example.app.willowinc.com/api/v3")
        if "@" in parts.netloc or parts.query or parts.fragment:
            # The address is published with every identity: nothing secret may be part of it.
            raise ValueError(
                "expected an address without user, password, ? and #: they go into client_id, client_secret"
            )
        path = parts.path.rstrip("/")
        return f"{parts.scheme}://{parts.netloc.lower()}{path if path.endswith('/api/v3') else path + '/api/v3'}"


class InDoubt(Section):
    """Creates whose answer never came."""

    then: Literal["create", "hold"] = Field(
        default="create", description="After settle without a ticket: create again, or hold for `resolve`."
    )
    settle: Duration = Field(
        default=timedelta(minutes=5),
        gt=timedelta(0),
        description="Within this time Willow has committed or dropped a request and lists it.",
    )


class Conflate(StrEnum):
    LATEST = "latest"
    KEEP_STATUS_CHANGES = "keep_status_changes"
    OFF = "off"


class Web(Section):
    """The worker's own pages: health, readiness, metrics, console."""

    host: Name = Field(default="127.0.0.1", description="Address to bind.")
    port: Annotated[int | None, Optional] = Field(
        default=8087, ge=0, le=65535, description="0: any free port (logged); null: none."
    )


class Settings(Section):
    """Everything a worker or a command needs to know."""

    make_topics: ClassVar[str] = "`willow-sync topics`"
    """The command that makes the topics of these settings, for remedies."""

    kafka: KafkaSettings = KafkaSettings()
    willow: WillowSettings
    mapped: MappedSettings = MappedSettings()
    topics: TopicSettings = TopicSettings()
    selected_sites: list[Name] = Field(
        min_length=1, description='Mapped ids or Willow site twin ids to sync; ["*"] is all.'
    )
    entity_types: list[Name] = Field(
        default=["WorkOrder", "ServiceRequest"],
        min_length=1,
        description="exactType values that are synced.",
    )
    enumerations: Enumerations = Enumerations()
    in_doubt: InDoubt = InDoubt()
    conflate: Conflate = Field(
        default=Conflate.LATEST, description="Which waiting changes of one order are still sent."
    )
    on_delete: Literal["keep", "close"] = Field(
        default="keep", description="What a delete does to the ticket; close needs closed_status."
    )
    on_leave: Literal["keep", "close"] = Field(
        default="keep", description="What leaving the scope does to the ticket; close needs closed_status."
    )
    on_missing_ticket: Literal["reject", "create"] = Field(
        default="reject", description="What an update does when Willow no longer has the ticket."
    )
    closed_status: Annotated[str | None, Optional] = Field(
        default=None, description="Willow status id or name that `close` sends."
    )
    require_related_place: bool = Field(
        default=False,
        description="true: an order must relate to a place; an asset (Thing) alone does not suffice.",
    )
    external_id_template: Name = Field(
        default="{id}",
        description="The ticket's externalId; must contain {id}, the work order's. Change it only while no order is in "
        "doubt: a look-up asks for the present one.",
    )
    source_name: Name = Field(default="Mapped", description="The ticket's sourceName.")
    org_id: Annotated[str | None, Optional] = Field(default=None, description="scopeId of the identities we publish.")
    send_people: bool = Field(default=True, description="false leaves reporter and assignees out.")
    park_ttl: Annotated[Duration | None, Optional] = Field(
        default=None, description="Parked longer: skipped `park_expired`; null: parked without end."
    )
    replans_per_second: float = Field(
        default=200.0,
        gt=0,
        allow_inf_nan=False,
        description="Wake-ups and replays, behind live records; per worker.",
    )
    max_pending_records: int = Field(
        default=20_000, ge=100, description="Records read but not yet acknowledged, per worker."
    )
    max_pending_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="The same in bytes, as they lie in Kafka: in memory each takes about a kilobyte more.",
    )
    willow_born: WillowBorn = WillowBorn()
    input_format: InputSettings = InputSettings()
    web: Web = Web()
    data_dir: Name = Field(
        default=".willow-sync",
        description="Folder of the tables' local copies (each group's in one of its own); each worker needs its own.",
    )

    @field_validator("external_id_template")
    @classmethod
    def _template(cls, value: str) -> str:
        if "{id}" not in value or re.search(r"[{}]", value.replace("{id}", "")):
            raise ValueError(
                "expected text with {id} and no other braces; without it two orders could share an externalId"
            )
        return value

    @field_validator("selected_sites")
    @classmethod
    def _sites(cls, value: list[str]) -> list[str]:
        if "*" in value and len(value) > 1:
            raise ValueError('either ["*"], which is every site, or names; not both')
        return value

    @model_validator(mode="after")
    def _together(self) -> "Settings":
        closing = [name for name in ("on_delete", "on_leave") if getattr(self, name) == "close"]
        if closing and not self.closed_status:
            raise ValueError(f"{' and '.join(closing)}: close needs closed_status (a Willow status id or name)")
        return self
