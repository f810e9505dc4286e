"""Every state that a setting can come to, the shortest way to a bad one, and whether a good one is always in reach."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tests.delivery.protocol import environment, owner
from tests.delivery.protocol.world import Setting, World

WORKERS = "ABCDE"


@dataclass(frozen=True, slots=True)
class Trace:
    """How it came to a state, step by step."""

    what: str
    steps: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        lines = (f"{number:3}. {who} {what}" for number, (who, what) in enumerate(self.steps, 1))
        return "\n".join((self.what, *lines))


@dataclass(frozen=True, slots=True)
class Explored:
    states: int
    steps: int
    ticketed: int
    """States in which each group has the ticket."""
    held: int
    """States in which a group rightly waits for `resolve`."""
    duplicate: Trace | None
    stuck: Trace | None
    """A state from which no way leads to a ticket or to a rightful hold."""


def successors(setting: Setting, world: World) -> Iterator[tuple[tuple[str, str], World]]:
    for number in range(len(world.owners)):
        who = f"worker {WORKERS[number]}"
        for what, after in environment.steps_of(setting, world, number):
            yield (who, what), environment.essence(setting, after)
        for what, after in owner.steps(setting, world, number):
            yield (who, what), environment.essence(setting, after)
    for who, (what, after) in environment.steps_around(setting, world):
        yield (who, what), environment.essence(setting, after)


def explore(setting: Setting, *, at_most: int) -> Explored:
    """Breadth first, so that a trace is the shortest. Stops at the first duplicate. Raises AssertionError when there
    are more than ``at_most`` states: a bound that is met has shown nothing."""
    start = setting.start()
    numbers, worlds = {start: 0}, [start]
    came_from: list[tuple[int, tuple[str, str]]] = [(-1, ("", ""))]
    before: list[list[int]] = [[]]
    queue, steps = deque([0]), 0
    alike = setting.workers == (1, 1)
    while queue:
        number = queue.popleft()
        for step, after in successors(setting, worlds[number]):
            steps += 1
            known = numbers.get(after)
            if known is None and alike:
                known = numbers.get(_mirrored(after))
            if known is None:
                known = numbers[after] = len(worlds)
                assert known < at_most, f"more than {at_most} states"
                worlds.append(after)
                came_from.append((number, step))
                before.append([])
                queue.append(known)
                if after.tickets > 1:
                    duplicate = _trace("Two tickets for the order:", known, came_from)
                    return Explored(len(worlds), steps, 0, 0, duplicate, None)
            before[known].append(number)
    good = [number for number, world in enumerate(worlds) if at_rest(setting, world)]
    owners = [_owners_at(worlds[number]) for number in good]
    ticketed = sum(at == {"done"} for at in owners)
    held = sum("doubt" in at for at in owners)
    stuck = _out_of_reach(list(good), before)
    trace = None if stuck is None else _trace("Stuck:", stuck, came_from)
    return Explored(len(worlds), steps, ticketed, held, None, trace)


def follow(setting: Setting, story: str) -> set[World]:
    """The states that a story may end in: a trace as it is printed, without its numbers. What a worker has read by
    then it does not tell. Raises NotOffered if a step can't be taken."""
    worlds = {setting.start()}
    for line in story.strip().splitlines():
        offered: dict[str, set[World]] = {}
        for world in worlds:
            for (who, what), after in successors(setting, world):
                offered.setdefault(f"{who} {what}", set()).add(after)
        if line.strip() not in offered:
            raise NotOffered(f"{line.strip()!r} is not among {sorted(offered)}")
        worlds = offered[line.strip()]
    return worlds


class NotOffered(Exception):
    """A step of a story can't be taken."""


def _mirrored(world: World) -> World:
    """Two groups of one worker each, one in the other's place."""
    first, second = world.owners
    owners = (second._replace(group=0), first._replace(group=1))
    left, right = world.groups
    return world._replace(owners=owners, groups=(right._replace(owner=0), left._replace(owner=1)))


def _trace(what: str, number: int, came_from: list[tuple[int, tuple[str, str]]]) -> Trace:
    steps = []
    while number > 0:
        number, step = came_from[number]
        steps.append(step)
    return Trace(what, tuple(reversed(steps)))


def _out_of_reach(good: list[int], before: list[list[int]]) -> int | None:
    reached = bytearray(len(before))
    for number in good:
        reached[number] = 1
    while good:
        for earlier in before[good.pop()]:
            if not reached[earlier]:
                reached[earlier] = 1
                good.append(earlier)
    first = reached.find(0)
    return None if first < 0 else first


def at_rest(setting: Setting, world: World) -> bool:
    """Whether each group has what it may ask for: the ticket, or a hold that only `resolve` can end."""
    return all(group.owner is None or _content(setting, world, group.owner) for group in world.groups)


def _owners_at(world: World) -> set[str]:
    return {world.owners[group.owner].at for group in world.groups if group.owner is not None}


def _content(setting: Setting, world: World, who: int) -> bool:
    its = world.owners[who]
    if its.at == "dead":
        # Its group goes on with the next worker; the exploration ends with the last.
        return all(other.at != "spare" or other.group != its.group for other in world.owners)
    if its.at == "ready" and not world.left.claims:
        # It may go on; the exploration's claims have run out.
        return all(_closed(world, number) for number in range(len(world.claims)))
    about = world.groups[its.group].doubt
    if its.at != "doubt" or about is None:
        return its.at == "done"
    unknown = world.claims[about].orphan or world.claims[about].put is not None
    return setting.then == "hold" and unknown and environment.last_word(world, about) == "open"


def _closed(world: World, number: int) -> bool:
    return environment.last_word(world, number) != "open"
