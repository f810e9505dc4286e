"""GraphQL text → what it asks for: the part of the language that queries of literals need.

Fields with aliases and arguments, inline fragments, ``__typename``, all literals, comments. Variables, named
fragments and directives are refused by name. Positions are 1-based lines and columns.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

MAX_DEPTH = 32
"""Deeper nesting is refused, for the parser calls itself; seed 000's query is 4 deep."""


class GraphQLFault(Exception):
    """One GraphQL error: its message, the place in the query, and Apollo's word for its kind."""

    def __init__(self, message: str, code: str, *, at: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.at = at

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = {"message": str(self), "extensions": {"code": self.code}}
        if self.at is not None:
            found["locations"] = [{"line": self.at[0], "column": self.at[1]}]
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """A field: ``key`` is its name in the answer (the alias)."""

    name: str
    key: str
    arguments: dict[str, Any]
    selection: "tuple[Asked | On, ...]"
    at: tuple[int, int]


@dataclass(frozen=True, slots=True)
class On:
    """``... on Type { … }``."""

    type_name: str
    selection: "tuple[Asked | On, ...]"
    at: tuple[int, int]


class Enum(str):
    """A bare word as a value: no text."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: tuple[int, int]


_TOKENS = re.compile(
    r"""(?P<skip>[\s,\ufeff]+|\#[^\n\r]*)
      | (?P<spread>\.\.\.)
      | (?P<name>[_A-Za-z][_0-9A-Za-z]*)
      | (?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<block>\"\"\")
      | (?P<string>"(?:[^"\\\n\r]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*")
      | (?P<punctuator>[!$&()\[\]{}:=@|])""",
    re.VERBOSE,
)
_LITERALS = {"true": True, "false": False, "null": None}
_UNSUPPORTED = {"$": "variables", "@": "directives"}


def _tokens(text: str) -> Iterator[_Token]:
    position, line, begin = 0, 1, 0
    while position < len(text):
        at = (line, position - begin + 1)
        match = _TOKENS.match(text, position)
        if match is None:
            raise _syntax(f"Unexpected character {text[position]!r}.", at)
        if match.lastgroup == "block":
            raise _syntax("This emulator reads no block strings.", at)
        if match.lastgroup != "skip":
            yield _Token(match.lastgroup or "", match[0], at)
        if newlines := match[0].count("\n"):
            line, begin = line + newlines, position + match[0].rindex("\n") + 1
        position = match.end()
    yield _Token("end", "<EOF>", (line, position - begin + 1))


def parse(text: str) -> tuple[Asked | On, ...]:
    """The selection of the one query in ``text``. Raises GraphQLFault."""
    return _Parser(list(_tokens(text))).document()


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def document(self) -> tuple[Asked | On, ...]:
        if self._peek.kind == "name":
            operation = self._take()
            if operation.text != "query":
                raise _syntax(f"This emulator answers queries only, not {operation.text!r}.", operation.at)
            if self._peek.kind == "name":
                self._take()
            if self._peek.text == "(":
                raise _syntax("This emulator reads no variables; write literals.", self._peek.at)
        selection = self._selection(0)
        if self._peek.kind != "end":
            raise _syntax(f"Expected the end, found {self._peek.text!r}: one query a request.", self._peek.at)
        return selection

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, expected: str | None = None) -> _Token:
        token = self._peek
        if expected is not None and token.text != expected and token.kind != expected:
            raise _syntax(f"Expected {expected!r}, found {token.text!r}.", token.at)
        if token.kind != "end":
            self._next += 1
        return token

    def _selection(self, depth: int) -> tuple[Asked | On, ...]:
        start = self._take("{")
        if depth > MAX_DEPTH:
            raise _syntax(f"Nested more than {MAX_DEPTH} levels deep.", start.at)
        found: list[Asked | On] = []
        while self._peek.text != "}" or self._peek.kind == "string":
            found.append(self._fragment(depth) if self._peek.kind == "spread" else self._field(depth))
        self._take("}")
        if not found:
            raise _syntax("A selection can't be empty.", start.at)
        return tuple(found)

    def _fragment(self, depth: int) -> On:
        at = self._take().at
        if self._peek.text != "on":
            raise _syntax("This emulator reads inline fragments only: ... on Type { }.", self._peek.at)
        self._take()
        type_name = self._take("name").text
        return On(type_name, self._selection(depth + 1), at)

    def _field(self, depth: int) -> Asked:
        first = self._take("name")
        name = first.text
        if self._peek.text == ":":
            self._take()
            name = self._take("name").text
        arguments = self._arguments(depth) if self._peek.text == "(" else {}
        self._refuse_unsupported()
        selection = self._selection(depth + 1) if self._peek.text == "{" else ()
        return Asked(name, first.text, arguments, selection, first.at)

    def _arguments(self, depth: int) -> dict[str, Any]:
        self._take("(")
        return self._pairs(")", depth)

    def _pairs(self, end: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._peek.text != end:
            name = self._take("name")
            self._take(":")
            if name.text in found:
                raise _syntax(f"There can be only one {name.text!r}.", name.at)
            found[name.text] = self._value(depth + 1)
        self._take(end)
        return found

    def _value(self, depth: int) -> Any:
        self._refuse_unsupported()
        token = self._take()
        if depth > MAX_DEPTH:
            raise _syntax(f"Nested more than {MAX_DEPTH} levels deep.", token.at)
        if token.kind in ("string", "number"):
            return json.loads(token.text)
        if token.kind == "name":
            return _LITERALS[token.text] if token.text in _LITERALS else Enum(token.text)
        if token.text == "{":
            return self._pairs("}", depth)
        if token.text == "[":
            items = []
            while self._peek.text != "]":
                items.append(self._value(depth + 1))
            self._take("]")
            return items
        raise _syntax(f"Expected a value, found {token.text!r}.", token.at)

    def _refuse_unsupported(self) -> None:
        if self._peek.text in _UNSUPPORTED and self._peek.kind == "punctuator":
            raise _syntax(f"This emulator reads no {_UNSUPPORTED[self._peek.text]}.", self._peek.at)


def _syntax(message: str, at: tuple[int, int]) -> GraphQLFault:
    return GraphQLFault(f"Syntax Error: {message}", "GRAPHQL_PARSE_FAILED", at=at)
