"""What the two documents of Willow's API list and show, as data (``tests/fixtures/willow``)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_FOLDER = Path(__file__).parents[1] / "fixtures" / "willow"


@dataclass(frozen=True, slots=True)
class Documented:
    """One operation as a document has it; ``statuses`` and the samples are seed 001's only."""

    method: str
    path: str
    statuses: tuple[str, ...] = ()
    request: Any = None
    response: Any = None


def documented(seed: str) -> dict[tuple[str, str], Documented]:
    """(method, path) → what the document says."""
    rows = orjson.loads((_FOLDER / f"seed_{seed}.json").read_bytes())["operations"]
    return {(row["method"], row["path"]): _documented(row) for row in rows}


def _documented(row: Mapping[str, Any]) -> Documented:
    return Documented(
        row["method"], row["path"], tuple(row.get("statuses", ())), row.get("request"), row.get("response")
    )


def request_sample(row: Documented) -> Any:
    """The request's sample. Where it has each property twice, in camelCase generated and in PascalCase filled in,
    the filled-in ones."""
    if isinstance(row.request, dict) and {"modelFilter", "ModelFilter"} <= row.request.keys():
        return {name: value for name, value in row.request.items() if name[0].isupper()}
    return row.request
