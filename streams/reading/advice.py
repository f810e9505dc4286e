"""What the story of an order comes down to, and what its operator can do. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.delivery.foresee import Fate
from streams.planning.decode import Undecodable
from streams.reading.order_facts import Stage
from streams.reading.states import is_waiting, waiting_outcome
from streams.reading.story import Story

_MOVES = {
    Fate.CREATE: "create its ticket",
    Fate.ADOPT: "adopt the ticket that it names",
    Fate.UPDATE: "update its ticket",
    Fate.COMPARE: "compare its ticket with Willow",
}
"""Fates that bring something to Willow, in words."""


@dataclass(frozen=True, slots=True)
class Advice:
    verdict: str
    todo: str


def advice(story: Story) -> Advice:
    return next(found for rule in _RULES if (found := rule(story)) is not None)


def _not_planned(story: Story) -> Advice | None:
    if story.stage is Stage.DECIDED:
        return None
    verdict = f"Its newest record is {story.stage.value}."
    return Advice(verdict, "Wait for the workers; `willow-sync status` shows how far behind they are, and why.")


def _in_doubt(story: Story) -> Advice | None:
    waiting = story.state.waiting
    if waiting is None or waiting.kind != "in_doubt":
        return None
    return _as_told(waiting_outcome(waiting)["reason"])


def _parked(story: Story) -> Advice | None:
    waiting = story.state.waiting
    if waiting is None:
        return None
    if is_waiting(story.state) and story.planned is not None and story.planned.foreseen.fate in _MOVES:
        verdict = f"It is parked as {waiting.code}, and a fresh plan would {_MOVES[story.planned.foreseen.fate]}."
        return Advice(verdict, f"It goes on by itself in a moment; if it does not: {_replay(story)}.")
    reason = waiting_outcome(waiting)["reason"]
    if reason is None:
        return Advice(f"Its newest record is under way ({waiting.kind}).", "Wait a moment, then look again.")
    return _as_told(reason)


def _gone(story: Story) -> Advice | None:
    if not story.willow.gone:
        return None
    verdict = f"Willow has no ticket {story.seen.ticket} any more."
    return Advice(verdict, f"Say what holds: `willow-sync resolve {story.order_id} --ticket ID | --no-ticket`.")


def _unreadable(story: Story) -> Advice | None:
    newest = story.newest
    if newest is None or not isinstance(newest.said, Undecodable):
        return None
    return Advice(newest.said.reason.message, f"{newest.said.remedy} Or `willow-sync dead-letters retry`.")


def _refused(story: Story) -> Advice | None:
    last = story.state.last
    reason = (last or {}).get("reason")
    if last is None or reason is None:
        return None
    told = _as_told(reason, last["outcome"])
    if story.planned is None:
        return told
    now = story.planned.foreseen
    if now.fate not in _MOVES or last["outcome"] == "rejected":
        # Whether Willow would refuse it again only Willow can say.
        return told
    return Advice(f"{told.verdict} A fresh plan would {_MOVES[now.fate]}.", f"To send it: {_replay(story)}.")


def _behind(story: Story) -> Advice | None:
    if story.planned is None or story.planned.foreseen.fate not in _MOVES:
        return None
    changed = ", ".join(story.planned.foreseen.changed)
    verdict = f"A fresh plan would {_MOVES[story.planned.foreseen.fate]}" + (f": {changed}." if changed else ".")
    return Advice(f"{verdict} Settings or places have changed since its last record.", f"To send it: {_replay(story)}.")


def _drift(story: Story) -> Advice | None:
    if not story.willow.changed_there:
        return None
    names = ", ".join(sorted(story.willow.changed_there))
    verdict = f"Its ticket was changed in Willow: {names}."
    return Advice(verdict, f"Nothing, if that is meant; {_replay(story, ' --force')} overwrites it.")


def _several(story: Story) -> Advice | None:
    others = [ticket for ticket in story.willow.same_external_id if ticket != story.seen.ticket]
    if not others:
        return None
    if story.seen.ticket is None:
        verdict = f"Willow has {', '.join(others)} with its externalId, and the order is bound to no ticket."
        return Advice(verdict, "See who made it; `willow-sync adopt` binds such tickets to their orders.")
    verdict = f"Willow has more tickets with its externalId: {', '.join(others)}."
    return Advice(verdict, "See who made them: its own ticket is the one above; the others are left alone.")


def _unknown(story: Story) -> Advice | None:
    if story.willow.problem is None or story.planned is not None:
        return None
    return Advice(f"Willow could not be asked: {story.willow.problem}", "Run `willow-sync check`.")


def _nothing(story: Story) -> Advice | None:
    if story.seen.ticket is None:
        return Advice("It has no ticket.", "See its history below.")
    return Advice(f"Ticket {story.seen.ticket} holds what the order asks for.", "Nothing.")


def _as_told(reason: dict[str, str], outcome: str = "parked") -> Advice:
    return Advice(f"{outcome.capitalize()} as {reason['code']}: {reason['message']}", reason["remedy"])


def _replay(story: Story, more: str = "") -> str:
    return f"`willow-sync replay --key {story.order_id}{more}`"


#: The first that has something to say decides.
_RULES: tuple[Callable[[Story], Advice | None], ...] = (
    _not_planned,
    _in_doubt,
    _gone,
    _parked,
    _unreadable,
    _refused,
    _unknown,
    _several,
    _behind,
    _drift,
    _nothing,
)
