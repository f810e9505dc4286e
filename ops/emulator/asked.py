"""What a handler is asked: a call whose path, query and body have been checked by the operations table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ops.emulator.behaviour import Call
from ops.emulator.problems import Answer
from ops.emulator.world import World


@dataclass(frozen=True, slots=True)
class Asked:
    """``body`` and ``query`` are instances of what the operation's row names, None where it names nothing."""

    call: Call
    body: Any
    query: Any

    def id(self, name: str) -> str:
        """An id of the path, by its name in the table (``twinId``)."""
        return self.call.parameters[name]


Handler = Callable[[World, Asked], Answer]
"""Answers at once, in one indivisible step. Raises Refusal."""
