"""``oauth2``."""

from ops.emulator.asked import Asked, Handler
from ops.emulator.problems import Answer, json_answer
from ops.emulator.world import World


def _token(world: World, asked: Asked) -> Answer:
    return json_answer(200, world.tokens.issue(asked.call.body))


HANDLERS: dict[str, Handler] = {"token": _token}
