"""What the emulator says: answers, and refusals as problem details (facts §1: ``type, title, status, detail,
instance`` and arbitrary extra keys; a validation error has ``errors``, field → list of sentences)."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Any

import orjson

JSON = "application/json; charset=utf-8"
PROBLEM_JSON = "application/problem+json; charset=utf-8"

_RFC = "https://tools.ietf.org/html/rfc9110#section-"
_KINDS: Mapping[int, tuple[str, str]] = {
    400: (_RFC + "15.5.1", "One or more validation errors occurred."),
    401: (_RFC + "15.5.2", "Unauthorized"),
    404: (_RFC + "15.5.5", "Not Found"),
    405: (_RFC + "15.5.6", "Method Not Allowed"),
    409: (_RFC + "15.5.10", "Conflict"),
    410: (_RFC + "15.5.11", "Gone"),
    413: (_RFC + "15.5.14", "Content Too Large"),
    415: (_RFC + "15.5.16", "Unsupported Media Type"),
    500: (_RFC + "15.6.1", "Internal Server Error"),
}


class EmulatorError(Exception):
    """The emulator can't start: what was found, and the ``remedy``."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Whole:
    """The answer goes out at once, as HTTP has it."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Nothing goes out; the connection is reset (TCP RST)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The first ``size`` bytes of the body go out, then the connection ends, though more was announced."""

    size: int


@dataclass(frozen=True, slots=True)
class Drip:
    """The head goes out at once, the body in small pieces over ``seconds``."""

    seconds: float


Delivery = Whole | Reset | Cut | Drip


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]
    delivery: Delivery = Whole()


class Refusal(Exception):
    """Ends an operation with problem details. ``errors`` maps a field's name to what is wrong with it."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Mapping[str, list[str]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.extra = extra or {}

    def answer(self, instance: str, trace: str) -> Answer:
        kind, title = _KINDS.get(self.status) or ("about:blank", HTTPStatus(self.status).phrase)
        problem: dict[str, Any] = {
            "type": kind,
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "traceId": trace,
            **self.extra,
        }
        if self.errors is not None:
            problem["errors"] = self.errors
        return Answer(self.status, orjson.dumps(problem), {"Content-Type": PROBLEM_JSON, **self.headers})


def invalid(errors: Mapping[str, list[str]]) -> Refusal:
    """A 400 whose ``errors`` name each field (``$`` stands for the body as a whole)."""
    return Refusal(400, "; ".join(f"{name}: {' '.join(said)}" for name, said in errors.items()), errors)


def no_content() -> Answer:
    return Answer(204, b"", {})


def json_answer(status: int, value: Any) -> Answer:
    return Answer(status, orjson.dumps(value), {"Content-Type": JSON})


_TYPES: tuple[tuple[type | UnionType, str], ...] = (
    (NoneType, "null"),
    # A boolean is an int in Python, so it must be asked first.
    (bool, "a boolean"),
    (int | float, "a number"),
    (str, "text"),
    (list, "a list"),
    (dict, "an object"),
)


def kind_of(value: Any) -> str:
    """The JSON name of a value's type, for sentences like "expected text, got a number"."""
    return next(name for kind, name in _TYPES if isinstance(value, kind))


def shown(value: Any) -> str:
    """A value in a sentence, cut: a refusal must not send a megabyte back."""
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"
