"""A request's body, as it is sent."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from streams.willow.operation import Body


@dataclass(frozen=True, slots=True)
class Content:
    """``kind`` is the content type, "" where there is no body."""

    kind: str = ""
    data: bytes = b""


NO_CONTENT = Content()


def encode(kind: Body, body: Any) -> Content:
    """JSON values, or a form's fields. Files are encoded already (``uploads``)."""
    if kind is Body.JSON:
        return Content("application/json", orjson.dumps(body))
    if kind is Body.FORM:
        return Content("application/x-www-form-urlencoded", urlencode(body).encode())
    return body if kind is Body.FILES else NO_CONTENT
