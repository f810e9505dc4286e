"""The twins that this Willow knows. Without a list it knows every id that is not blank."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from ops.emulator.problems import EmulatorError


class Twins:
    def __init__(self, ids: Iterable[str] | None = None) -> None:
        """None: any twin that is not blank is known, whatever is added later."""
        self.any = ids is None
        self._ids = dict.fromkeys(ids or ())

    def __contains__(self, twin_id: str) -> bool:
        return bool(twin_id.strip()) if self.any else twin_id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        """Those that were named, in the order of their naming."""
        return iter(self._ids)

    def add(self, ids: Iterable[str]) -> None:
        self._ids |= dict.fromkeys(ids)


def twin_ids(document: Any) -> list[str]:
    """A JSON list of twin ids. Raises ValueError for anything else."""
    if not isinstance(document, list) or not all(isinstance(item, str) and item.strip() for item in document):
        raise ValueError('expected a JSON list of twin ids, like ["TW-L01", "TW-AHU-3"]')
    return document


def load_twins(file: Path) -> list[str]:
    """Raises EmulatorError when the file can't be read or is no list of ids."""
    try:
        return twin_ids(orjson.loads(file.read_bytes()))
    except OSError as error:
        raise EmulatorError(f"can't read the twins file {file}: {error.strerror}", "check --twins") from error
    except ValueError as error:
        raise EmulatorError(
            f"the twins file {file} is not usable: {error}",
            'write a JSON list of twin ids, like ["TW-L01", "TW-AHU-3"]',
        ) from error
