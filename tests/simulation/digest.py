"""Records in a line of the trace: what matters of each, short enough to read a run from top to bottom."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

_LONGEST = 160


def digest(topic: str, value: bytes | None) -> str:
    """A record's value in few words; raw where it is none of ours."""
    reader = next((reader for name, reader in _READERS.items() if topic.endswith(name)), None)
    if value is None:
        return "null"
    if reader is None:
        return _cut(value.decode(errors="replace"))
    try:
        return _cut(reader(orjson.loads(value)))
    except (KeyError, TypeError):
        # Another kind of record than the topic's usual one.
        return _cut(value.decode(errors="replace"))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _at(record: Mapping[str, Any]) -> str:
    source = record["source"]
    return f"{source['partition']}@{source['offset']}"


def _order(record: Mapping[str, Any]) -> str:
    known = ("dateUpdated", "problemDescription", "jobStatus", "jobPriority", "summary")
    places = ",".join(place["id"] for place in record.get("relatesTo") or ())
    return " ".join([*(str(record[name]) for name in known if name in record), places])


def _intent(record: Mapping[str, Any]) -> str:
    reason = (record["reason"] or {}).get("code", "")
    result = (record["signal"] or {}).get("result", "")
    return f"{record['kind']} of {_at(record)} {reason or ''} {record['cause'] or ''} {result or ''}"


def _outcome(record: Mapping[str, Any]) -> str:
    code = (record["reason"] or {}).get("code", "")
    by = f" by {_at({'source': record['supersededBy']})}" if record["supersededBy"] else ""
    return f"{record['outcome']} {code} of {_at(record)}{by} {record['ticketId'] or ''} {','.join(record['changed'])}"


def _state(record: Mapping[str, Any]) -> str:
    last = f"last {record['last']['outcome']} of {_at(record['last'])}" if "last" in record else "nothing said"
    text = f"decided {list(record.get('decided', {}).values())}, {last}"
    if waiting := record.get("waiting"):
        owed, behind = ([_at(item) for item in waiting[name]] for name in ("owed", "behind"))
        text += f", waits {waiting['kind']} for {_at(waiting['intent'])} owing {owed} behind {behind}"
    if queue := record.get("queue"):
        text += f", queue {[_at(item) for item in queue]}"
    return text


def _replan(record: Mapping[str, Any]) -> str:
    return f"{record['cause']} of {_at(record)} {(record['signal'] or {}).get('result', '')}"


def _claim(record: Mapping[str, Any]) -> str:
    return f"{record['state']} {record['why'] or ''} for {_at(record)} {record['ticketId'] or ''}"


def _identity(record: Mapping[str, Any]) -> str:
    return str(record["identity"]["value"].rpartition(":")[2])


_READERS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "ticket-intents": _intent,
    "outcomes": _outcome,
    "replans": _replan,
    "create-claims": _claim,
    "ticket-identities": _identity,
    "changelog": _state,
}
