"""Files to send, as ``multipart/form-data``."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from streams.willow import wire
from streams.willow.content import Content


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it is sent; Willow sees ``name`` and ``content_type``."""

    name: str
    data: bytes
    content_type: str = "application/json"


def encode(files: Sequence[Upload]) -> Content:
    """All files in one body, each under ``wire.FILES_FIELD``. Raises ValueError when there is none."""
    if not files:
        raise ValueError("found no file, expected at least one")
    # httpx's own encoder: it quotes file names as HTML5 has it.
    parts = [(wire.FILES_FIELD, (file.name, file.data, file.content_type)) for file in files]
    request = httpx.Request("POST", "http://willow.invalid/", files=parts)
    return Content(request.headers["content-type"], request.read())
