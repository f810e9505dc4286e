"""What the operations share: Willow's data, and how this Willow is set up to differ from others."""

from collections.abc import Callable
from dataclasses import dataclass

from ops.emulator.clock import Clock
from ops.emulator.fields import Known
from ops.emulator.lists import Kind, Listed, Lists
from ops.emulator.shapes import Shapes
from ops.emulator.stores import Stores
from ops.emulator.tickets import TicketStore
from ops.emulator.tokens import Tokens
from ops.emulator.twins import Twins


@dataclass(frozen=True, slots=True)
class World:
    clock: Clock
    tickets: TicketStore
    lists: Lists
    twins: Twins
    tokens: Tokens
    shapes: Shapes
    known: Known
    stores: Stores
    new_id: Callable[[], str]
    page_base: int
    filter_support: bool

    def add_entry(self, kind: Kind, item: Listed) -> None:
        """Puts an entry on a list; tickets may name it from now on."""
        self.lists.put(kind, item)
        self.known.handles[kind][item.id] = item.id
