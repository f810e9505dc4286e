"""A consumer group's coordinator: members, sessions, rebalances, committed offsets. It is part of the broker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from faust.types import TP

Offsets = dict[TP, int]


class Joined(NamedTuple):
    generation: int
    assigned: frozenset[TP]


Reply = Callable[[Joined], None]


@dataclass(slots=True)
class _Member:
    heard_at: float
    reply: Reply | None = None
    """Set while it waits for the others to join."""


@dataclass(slots=True)
class Group:
    """``on_commit`` is told of each commit that counts: group, former and new offsets. Times in virtual seconds."""

    name: str
    partitions: Mapping[str, int]
    rng: Random
    session_timeout: float
    rebalance_timeout: float
    now: Callable[[], float]
    on_commit: Callable[[str, Offsets, Offsets], None]
    generation: int = 0
    committed: Offsets = field(default_factory=dict)
    _members: dict[str, _Member] = field(default_factory=dict)
    _preparing_since: float | None = None

    def join(self, member: str, reply: Reply) -> None:
        self._members[member] = _Member(self.now(), reply)
        self._prepare()

    def leave(self, member: str) -> None:
        if self._members.pop(member, None) is not None:
            self._prepare()

    def heartbeat(self, member: str, generation: int) -> str:
        """``ok``, ``rebalance`` (join again) or ``unknown`` (it was given up: its partitions are another's)."""
        known = self._members.get(member)
        if known is None or generation != self.generation:
            return "unknown"
        known.heard_at = self.now()
        return "ok" if self._preparing_since is None else "rebalance"

    def commit(self, member: str, generation: int, offsets: Offsets) -> bool:
        """False, and nothing is committed, if the member speaks for a generation that is over."""
        if member not in self._members or generation != self.generation:
            return False
        before = dict(self.committed)
        self.committed |= offsets
        self.on_commit(self.name, before, offsets)
        return True

    def _prepare(self) -> None:
        if self._preparing_since is None:
            self._preparing_since = self.now()

    def turn(self) -> None:
        """Called now and then by the world: sessions run out, a rebalance is completed."""
        now = self.now()
        for name, member in list(self._members.items()):
            if member.reply is None and now - member.heard_at > self.session_timeout:
                self.leave(name)
        if self._preparing_since is None or not self._members:
            return
        late = [name for name, member in self._members.items() if member.reply is None]
        if late and now - self._preparing_since < self.rebalance_timeout:
            return
        for name in late:
            del self._members[name]
        if self._members:
            self._complete()

    def moment_of_silence(self) -> None:
        """The broker was away: nobody's session ran out meanwhile."""
        for member in self._members.values():
            member.heard_at = self.now()

    def _complete(self) -> None:
        self.generation += 1
        self._preparing_since = None
        names = list(self._members)
        self.rng.shuffle(names)
        shares: dict[str, set[TP]] = {name: set() for name in names}
        for topic, count in self.partitions.items():
            for partition in range(count):
                shares[names[partition % len(names)]].add(TP(topic, partition))
        for name, member in self._members.items():
            reply, member.reply, member.heard_at = member.reply, None, self.now()
            assert reply is not None
            reply(Joined(self.generation, frozenset(shares[name])))
