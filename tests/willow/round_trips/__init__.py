"""One call of every operation, from the client's method to the emulator's world and back.

``ROUND_TRIPS`` is operation → what calls it and checks what came of it.
"""

from collections.abc import Awaitable, Callable

from tests.willow.round_trips import graph, happenings, tickets
from tests.willow.round_trips.rig import World

ROUND_TRIPS: dict[str, Callable[[World], Awaitable[None]]] = {
    **tickets.ROUND_TRIPS,
    **graph.ROUND_TRIPS,
    **happenings.ROUND_TRIPS,
}
