"""What the operations share: Willow's data, and how this Willow is set up to differ from others."""

from dataclasses import dataclass

from ops.emulator.clock import Clock
from ops.emulator.fields import Known
from ops.emulator.lists import Lists
from ops.emulator.shapes import Shapes
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
    page_base: int
    filter_support: bool
