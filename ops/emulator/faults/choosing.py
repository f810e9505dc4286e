"""Which of the rules a call meets: conditions, counts and draws."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ops.emulator.behaviour import Call
from ops.emulator.faults.kinds import LATENCIES, Latency, Refuse, Spoiled, Unlisted
from ops.emulator.faults.rules import Rule


@dataclass(slots=True)
class Counted:
    """A rule and what it has seen. One number an order, where it counts for each."""

    rule: Rule
    name: str
    rng: random.Random
    """The rule's own: what others draw doesn't change what this one meets."""
    met: Counter[str | None] = field(default_factory=Counter)
    applied: Counter[str | None] = field(default_factory=Counter)

    def due(self, call: Call, seconds: float) -> bool:
        """Counts the call if it matches; says whether its turn has come. ``seconds`` since the rules came into
        force."""
        rule = self.rule
        if not matches(rule, call, seconds):
            return False
        order = self._order(call)
        self.met[order] += 1
        number = self.met[order]
        # Drawn for each call that matches: a limit that is reached must not shift what is drawn.
        drawn = rule.probability is None or self.rng.random() < rule.probability
        return (
            drawn
            and (rule.nth is None or number == rule.nth)
            and (rule.every is None or number % rule.every == 0)
            and (rule.limit is None or self.applied[order] < rule.limit)
        )

    def take(self, call: Call) -> None:
        """The call that is due gets the fault."""
        self.applied[self._order(call)] += 1

    def _order(self, call: Call) -> str | None:
        return next(orders_of(call), None) if self.rule.per == "order" else None


@dataclass(slots=True)
class Chosen:
    """What one call meets, each with its rule."""

    spoiled: tuple[Counted, Spoiled] | None = None
    latency: tuple[Counted, Latency] | None = None
    unlisted: tuple[Counted, Unlisted] | None = None

    def named(self) -> list[dict[str, str]]:
        """As the journal has it."""
        found = (self.latency, self.unlisted, self.spoiled)
        return [{"rule": one[0].name, "kind": one[1].kind} for one in found if one is not None]


def counted(rules: Sequence[Rule], rng: random.Random) -> tuple[Counted, ...]:
    return tuple(
        Counted(rule, rule.name or f"rule {number}", random.Random(rng.getrandbits(64)))
        for number, rule in enumerate(rules, 1)
    )


def choose(rules: Sequence[Counted], call: Call, seconds: float, spoiled: tuple[Counted, Spoiled] | None) -> Chosen:
    """``spoiled`` already, or by the first rule that is due. Each rule counts each call that matches it, also one
    that another takes."""
    chosen = Chosen(spoiled)
    for one in rules:
        fault = one.rule.fault
        if isinstance(fault, Refuse) or not one.due(call, seconds):
            continue
        if isinstance(fault, LATENCIES):
            free, chosen.latency = chosen.latency is None, chosen.latency or (one, fault)
        elif isinstance(fault, Unlisted):
            free, chosen.unlisted = chosen.unlisted is None, chosen.unlisted or (one, fault)
        else:
            free, chosen.spoiled = chosen.spoiled is None, chosen.spoiled or (one, fault)
        if free:
            one.take(call)
    return chosen


def matches(rule: Rule, call: Call, seconds: float) -> bool:
    """Whether all conditions but the counts hold."""
    return (
        call.operation in rule.applies_to
        and rule.after <= seconds
        and (rule.until is None or seconds < rule.until)
        and (rule.connection == "any" or (rule.connection == "reused") is (call.entry.call_on_connection > 1))
        and (rule.tickets is None or call.entry.ticket_id in rule.tickets)
        and (rule.orders is None or any(fnmatchcase(order, rule.orders) for order in orders_of(call)))
        and (rule.orders_regex is None or any(re.search(rule.orders_regex, order) for order in orders_of(call)))
    )


def orders_of(call: Call) -> Iterator[str]:
    """The external id that the call is about, or those that a look-up asks for."""
    if call.entry.external_id is not None:
        yield call.entry.external_id
    elif call.operation == "list_tickets" and isinstance(call.document, dict):
        specifications = call.document.get("filterSpecifications")
        for item in specifications if isinstance(specifications, list) else ():
            value = item.get("value") if isinstance(item, dict) else None
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str))
