"""The topics as AsyncAPI 3.0: channels, keys, headers, clean-up (contract §2, §5, §6), from one table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from schemas import dead_letter
from schemas.base import Record
from schemas.claim import Claim
from schemas.control import PAUSE_KEY, PauseControl
from schemas.entity import Entity
from schemas.identity import TicketIdentity
from schemas.intent import Intent
from schemas.outcome import Outcome
from schemas.replan import Replan
from schemas.work_order import WorkOrder

BINDING = "0.5.0"
"""Version of AsyncAPI's Kafka bindings."""

Action = Literal["send", "receive"]

_ANY_TEXT: dict[str, Any] = {"type": "string"}
_BYTES: dict[str, Any] = {"type": "string", "description": "The original bytes, untouched."}
_ORDER_KEY: dict[str, Any] = {"type": "string", "description": "Work order id."}
_INPUT_KEY: dict[str, Any] = {
    "description": "The id as plain text, as a JSON string, or as a JSON object with `id` (wrapped or not).",
    "oneOf": [{"type": "string"}, {"type": "object", "properties": {"id": {}}, "required": ["id"]}],
}
_TRACE: dict[str, Any] = {"traceparent": {**_ANY_TEXT, "description": "Copied from the input record, if it had one."}}


def _headers(required: dict[str, dict[str, Any]], optional: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _cloud_event(event_type: str, identifier: str) -> dict[str, Any]:
    """CloudEvents 1.0, Kafka binding, binary mode."""
    return _headers(
        {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {**_ANY_TEXT, "description": identifier},
            "ce_type": {"const": event_type},
            "ce_source": {"const": "willow-sync"},
            "content-type": {"const": "application/json"},
        },
        _TRACE,
    )


_DEAD_LETTER_HEADERS = _headers(
    {
        dead_letter.CODE: {**_ANY_TEXT, "description": "Reason code: docs/reasons.md."},
        dead_letter.MESSAGE: {**_ANY_TEXT, "description": "What was found."},
        dead_letter.REMEDY: {**_ANY_TEXT, "description": "What the operator can do."},
        dead_letter.TOPIC: _ANY_TEXT,
        dead_letter.PARTITION: {**_ANY_TEXT, "pattern": "^[0-9]+$"},
        dead_letter.OFFSET: {**_ANY_TEXT, "pattern": "^[0-9]+$"},
        dead_letter.TIME: {**_ANY_TEXT, "format": "date-time"},
    },
    {},
)


@dataclass(frozen=True, slots=True)
class Beside:
    """Another record on a topic, under keys of its own."""

    record: type[Record]
    key: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One topic and what is on it. ``record`` None: the value is not ours to describe."""

    channel: str
    topic: str
    record: type[Record] | None
    cleanup: Literal["delete", "compact"]
    actions: tuple[Action, ...]
    key: dict[str, Any]
    description: str
    headers: dict[str, Any] | None = None
    beside: Beside | None = None


MESSAGES: tuple[Message, ...] = (
    Message(
        "workOrders",
        "mapped.work-orders",
        WorkOrder,
        "delete",
        ("receive",),
        _INPUT_KEY,
        "Input: a change of a WorkOrder or ServiceRequest, in this flat form, as a Debezium envelope (bare "
        "or in the Connect JSON converter's wrapper) or as a CloudEvent; null deletes. Compaction works too.",
    ),
    Message(
        "entities",
        "mapped.entities",
        Entity,
        "compact",
        ("receive",),
        _INPUT_KEY,
        "Input: a Site, Building, SubBuilding, Floor, Space, Zone or Thing, in the same forms; null deletes.",
    ),
    Message(
        "outcomes",
        "willow-sync.outcomes",
        Outcome,
        "delete",
        ("send", "receive"),
        _ORDER_KEY,
        "What became of each input record. Exactly one final outcome per record; keep the first of an id. What a "
        "`worker --shadow` would do stands in `willow-sync.shadow-outcomes`, in the same form.",
        _cloud_event("willow-sync.outcome.v1", "The outcome id."),
    ),
    Message(
        "ticketIdentities",
        "willow-sync.ticket-identities",
        TicketIdentity,
        "compact",
        ("send", "receive"),
        _ORDER_KEY,
        "The identity that ties an order and its ticket; consumers write it onto the order in Mapped.",
        _cloud_event("willow-sync.ticket-identity.v1", "Unique per identity and its source."),
    ),
    Message(
        "deadLetters",
        "willow-sync.dead-letters",
        None,
        "delete",
        ("send",),
        _BYTES,
        "A record that cannot be read: its key, value and headers as they came, the error in added headers "
        f"(together at most {dead_letter.MAX_HEADER_BYTES} bytes).",
        _DEAD_LETTER_HEADERS,
    ),
    Message(
        "ticketIntents",
        "willow-sync.ticket-intents",
        Intent,
        "delete",
        ("send", "receive"),
        _ORDER_KEY,
        "Internal: the planner's decision on one record. Kept at least as long as the input.",
    ),
    Message(
        "replans",
        "willow-sync.replans",
        Replan,
        "delete",
        ("send", "receive"),
        _ORDER_KEY,
        "Internal: records to plan again, and the timers' signals.",
    ),
    Message(
        "createClaims",
        "willow-sync.create-claims",
        Claim,
        "compact",
        ("send", "receive"),
        {"type": "string", "description": "`{workOrderId}|{claimId}`; the partition is the work order's."},
        "Internal: claims on creating an order's one ticket, read back in log order; and whether operators have paused "
        "the workers.",
        beside=Beside(PauseControl, {"const": PAUSE_KEY.decode(), "description": "On partition 0."}),
    ),
)


def document(schema_file: Callable[[type[Record]], str]) -> dict[str, Any]:
    """The AsyncAPI document; ``schema_file`` names the file that holds a record's JSON Schema."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "willow-sync",
            "version": "1",
            "description": "The topics of willow-sync under their default names, which are settings. Values "
            "are UTF-8 JSON in camelCase. Each producer of ours partitions by murmur2, as Java's does.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {message.channel: _channel(message, schema_file) for message in MESSAGES},
        "operations": dict(_operations(MESSAGES)),
    }


def _channel(message: Message, schema_file: Callable[[type[Record]], str]) -> dict[str, Any]:
    name = _message_name(message)
    content: dict[str, Any] = {
        "name": name,
        "bindings": {"kafka": {"key": message.key, "bindingVersion": BINDING}},
    }
    if message.headers is not None:
        content["headers"] = message.headers
    content["payload"] = _BYTES if message.record is None else {"$ref": f"./{schema_file(message.record)}"}
    messages = {name: content}
    if (other := message.beside) is not None:
        messages[other.record.__name__] = {
            "name": other.record.__name__,
            "bindings": {"kafka": {"key": other.key, "bindingVersion": BINDING}},
            "payload": {"$ref": f"./{schema_file(other.record)}"},
        }
    return {
        "address": message.topic,
        "description": message.description,
        "messages": messages,
        "bindings": {
            "kafka": {
                "topic": message.topic,
                "topicConfiguration": {"cleanup.policy": [message.cleanup]},
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(messages: Iterable[Message]) -> Iterable[tuple[str, dict[str, Any]]]:
    for message in messages:
        for action in message.actions:
            name = action + message.channel[0].upper() + message.channel[1:]
            reference = f"#/channels/{message.channel}"
            yield (
                name,
                {
                    "action": action,
                    "channel": {"$ref": reference},
                    "messages": [{"$ref": f"{reference}/messages/{name}"} for name in _message_names(message)],
                },
            )


def _message_names(message: Message) -> list[str]:
    return [_message_name(message), *([message.beside.record.__name__] if message.beside else [])]


def _message_name(message: Message) -> str:
    return "DeadLetter" if message.record is None else message.record.__name__
