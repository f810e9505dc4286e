"""One line of ``check``."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """``failed`` findings decide the exit code; ``skipped`` ones name what they would have needed; a ``note`` is for
    the operator to judge."""

    probe: str
    state: Literal["ok", "failed", "skipped", "note"]
    message: str
    remedy: str = ""
