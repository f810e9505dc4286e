"""How far a long command came, in a small file: an interrupted one goes on there.

A file, and not the keys already written: the topic would have to be read whole, retention and compaction
take keys out of it, and the live stream writes the same keys, which says nothing of what the command did.
The file is written after the broker has acknowledged a batch, so a record may be written twice, never not.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class CheckpointError(Exception):
    """The file can't be read or written; ``remedy`` says what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class CheckpointFile:
    """One run's: ``wanted`` is everything that makes it another one (selection, address, topics), as JSON values."""

    def __init__(self, folder: Path, command: str, wanted: Mapping[str, Any]) -> None:
        self._wanted = dict(wanted)
        text = json.dumps(self._wanted, sort_keys=True)
        self.path = folder / f"{command}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"

    def read(self, made_of: Callable[[Mapping[str, Any]], T]) -> T | None:
        """What ``made_of`` makes of its content; None: there is none. Raises CheckpointError."""
        try:
            return made_of(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{self.path} can't be read: {error}", "Start from the beginning with --restart."
            ) from error

    def write(self, content: Mapping[str, Any]) -> None:
        """Whole or not at all. Raises CheckpointError."""
        beside = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"wanted": self._wanted, **content}, indent=1) + "\n", encoding="utf-8")
            os.replace(beside, self.path)
        except OSError as error:
            raise CheckpointError(
                f"{self.path} can't be written: {error.strerror}", "Name a folder that can be written to: data_dir."
            ) from error

    def remove(self) -> None:
        """All is done, or is to be done again. It need not be there."""
        self.path.unlink(missing_ok=True)
