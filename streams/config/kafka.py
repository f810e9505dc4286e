"""Settings of the Kafka cluster and of the topics (contract §2, §8)."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from streams.config.types import Duration, Name, Optional, Section, TopicName, format_duration

NO_TOPICS = frozenset({"prefix", "partitions", "replication", "retention"})
"""Of the topic settings, those that name none."""


class KafkaSettings(Section):
    """The Kafka cluster, and how workers share the work."""

    bootstrap_servers: Name = Field(
        default="localhost:9092", description="Brokers to ask first, comma-separated host:port."
    )
    group_id: Name = Field(
        default="willow-sync",
        description="Consumer group of the workers. A new group starts over; it makes no second ticket.",
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="How to talk to the brokers."
    )
    sasl_mechanism: Annotated[Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, Optional] = Field(
        default=None, description="SASL mechanism; needs sasl_username and sasl_password."
    )
    sasl_username: Annotated[str | None, Optional] = Field(default=None, description="SASL user name.")
    sasl_password: Annotated[SecretStr | None, Optional] = Field(default=None, description="SASL password.")
    ssl_cafile: Annotated[str | None, Optional] = Field(
        default=None, description="CA certificates (PEM) to trust; null: the system's."
    )
    ssl_certfile: Annotated[str | None, Optional] = Field(
        default=None, description="Client certificate (PEM); needs ssl_keyfile."
    )
    ssl_keyfile: Annotated[str | None, Optional] = Field(default=None, description="Client key (PEM).")
    instance_id: Annotated[str | None, Optional] = Field(
        default=None,
        description="Static membership: a name that is this worker's own and stays (the pod's name).",
    )
    session_timeout: Duration = Field(
        default=timedelta(seconds=10),
        ge=timedelta(seconds=1),
        le=timedelta(minutes=30),
        description="A worker silent for this long loses its partitions.",
    )
    heartbeat_interval: Duration = Field(
        default=timedelta(seconds=1),
        gt=timedelta(0),
        description="How often a worker says it is alive; less than a third of session_timeout.",
    )

    @model_validator(mode="after")
    def _together(self) -> "KafkaSettings":
        if self.security_protocol.startswith("SASL") != (self.sasl_mechanism is not None):
            raise ValueError(
                f"security_protocol is {self.security_protocol} and sasl_mechanism is "
                f"{self.sasl_mechanism or 'null'}; "
                "a SASL protocol and a mechanism go together"
            )
        if self.sasl_mechanism and not (self.sasl_username and self.sasl_password):
            raise ValueError("sasl_mechanism needs sasl_username and sasl_password")
        if bool(self.ssl_certfile) != bool(self.ssl_keyfile):
            raise ValueError("ssl_certfile and ssl_keyfile go together; only one is set")
        if "SSL" not in self.security_protocol and (self.ssl_cafile or self.ssl_certfile):
            raise ValueError(
                f"ssl_… files are set and security_protocol is {self.security_protocol}, which uses no TLS; "
                "take SSL or SASL_SSL"
            )
        if 3 * self.heartbeat_interval >= self.session_timeout:
            # The lease ends a third of the session after a heartbeat: a slower one is never fresh.
            raise ValueError(
                f"heartbeat_interval {format_duration(self.heartbeat_interval)} must be less than a third of "
                f"session_timeout {format_duration(self.session_timeout)}"
            )
        return self


class TopicSettings(Section):
    """Topics: the two inputs, and those that this software owns."""

    prefix: str = Field(
        default="willow-sync.",
        pattern=r"^[a-zA-Z0-9._-]{0,200}$",
        description="Prefix of the topics this software owns.",
    )
    partitions: int = Field(
        default=8,
        ge=1,
        le=10_000,
        description="Partition count of our own topics; it cannot be changed later.",
    )
    replication: int = Field(
        default=1, ge=1, le=100, description="Replication factor of topics we create; 3 in production."
    )
    retention: Duration = Field(
        default=timedelta(days=14),
        ge=timedelta(minutes=1),
        description="How long outcomes, dead letters, intents and replans are kept; at least the input's.",
    )
    work_orders: TopicName = Field(default="mapped.work-orders", description="Input: changes of work orders.")
    entities: TopicName = Field(default="mapped.entities", description="Input: places and things.")
    outcomes: Annotated[TopicName | None, Optional] = Field(
        default=None, description="What became of each record. Default: {prefix}outcomes."
    )
    ticket_identities: Annotated[TopicName | None, Optional] = Field(
        default=None, description="Which ticket is whose. Default: {prefix}ticket-identities."
    )
    dead_letters: Annotated[TopicName | None, Optional] = Field(
        default=None, description="Records that cannot be read. Default: {prefix}dead-letters."
    )
    ticket_intents: Annotated[TopicName | None, Optional] = Field(
        default=None, description="Internal. Default: {prefix}ticket-intents."
    )
    replans: Annotated[TopicName | None, Optional] = Field(
        default=None, description="Internal. Default: {prefix}replans."
    )
    create_claims: Annotated[TopicName | None, Optional] = Field(
        default=None, description="Internal. Default: {prefix}create-claims."
    )

    def name(self, kind: str) -> str:
        """Topic name of ``outcomes``, ``ticket_identities``, … with the prefix's default applied."""
        return getattr(self, kind) or self.prefix + kind.replace("_", "-")

    @model_validator(mode="after")
    def _distinct(self) -> "TopicSettings":
        seen: dict[str, str] = {}
        for kind in (kind for kind in type(self).model_fields if kind not in NO_TOPICS):
            name = self.name(kind)
            if name in seen:
                # An output that is also an input would be read back as work orders.
                raise ValueError(f"{seen[name]} and {kind} are both {name!r}; each topic needs its own name")
            seen[name] = kind
        return self
