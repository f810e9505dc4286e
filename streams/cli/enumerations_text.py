"""Suggested enumerations as a settings block (YAML) that can be pasted as it stands."""

from collections.abc import Iterator

from streams.planning.enumerations import EnumField
from streams.planning.suggesting import Match, Suggested, Suggestion
from streams.reading.values import FieldValues, ValuesSeen
from streams.settings import EnumerationMode
from streams.words import counted

_SHOWN = 40
"""Unmatched values that are shown for each field; ``--json`` has all."""
_EXAMPLES = 5
"""The same of a field that is not sent."""

_HOW = {
    Match.CONFIGURED: "as in the settings",
    Match.EXACT: "exact",
    Match.FORM: "by form",
}


def quoted(text: str) -> str:
    """A double-quoted YAML scalar; what does not print is escaped, so that it steers no terminal."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def block_lines(suggestions: tuple[Suggestion, ...], seen: ValuesSeen) -> Iterator[str]:
    yield "enumerations:"
    for suggestion in suggestions:
        yield from _field_lines(suggestion, seen.fields[suggestion.field.setting])


def _field_lines(found: Suggestion, values: FieldValues) -> Iterator[str]:
    yield f"  {found.field.setting}:"
    yield f"    # {_summary(found, values)}"
    yield f"    mode: {found.mode.value}{_change(found)}"
    if found.mode is EnumerationMode.MAP:
        yield "    values:"
        for item in found.matched:
            yield f"      {quoted(item.value)}: {quoted(item.target or '')}  # {_count(item)}, {_how(item)}"
    elif found.mode is EnumerationMode.MATCH_NAME:
        for item in found.matched:
            yield f"    # {quoted(item.value)}  {_count(item)}, {_how(item)}"
    indent = "      " if found.mode is EnumerationMode.MAP else "    "
    shown = _EXAMPLES if found.mode is EnumerationMode.OMIT else _SHOWN
    for item in found.unmatched[:shown]:
        yield f'{indent}# {quoted(item.value)}: ""  # {_count(item)}, {_why(item)}'
    if len(found.unmatched) > shown:
        yield f"{indent}# and {len(found.unmatched) - shown} more without a match: --json lists all"
    if found.mode is not EnumerationMode.OMIT:
        if found.present.default is not None:
            yield f"    default: {quoted(found.present.default)}"
        yield f"    required: {str(found.present.required).lower()}"


def _summary(found: Suggestion, values: FieldValues) -> str:
    total = sum(values.counts.values())
    matched = sum(item.records for item in found.matched)
    parts = [f"{found.field.source}: {_values(found)}"]
    if total:
        parts.append(f"{matched} of {total} records with a value match")
    if values.empty:
        parts.append(f"{values.empty} without one")
    if values.prose:
        parts.append(f"{values.prose} with prose, which no list has")
    parts.append(_list(found.field, found.entries))
    return ", ".join(parts)


def _values(found: Suggestion) -> str:
    met = sum(item.records > 0 for item in found.values)
    return "no value met" if met == 0 else counted(met, "value")


def _list(item: EnumField, entries: int | None) -> str:
    return "Willow publishes no list" if entries is None else f"Willow lists {entries}"


def _change(found: Suggestion) -> str:
    return "" if found.mode is found.present.mode else f"  # now: {found.present.mode.value}"


def _count(item: Suggested) -> str:
    return "not met" if item.records == 0 else counted(item.records, "record")


def _why(item: Suggested) -> str:
    # Most have no entry of their name, which needs no sentence.
    return "no match" if item.absent else f"no match: {item.why}"


def _how(item: Suggested) -> str:
    return _HOW[item.match] if item.match is not None else ""
