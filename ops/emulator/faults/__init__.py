"""Faults as data: rules that choose a fault for a call, read from a document or made in Python.

``Faults(rules, rng, clock)`` is a ``Behaviour``; every ``Emulator`` has one as ``emulator.faults``, whose rules
may be replaced while it runs. ``kinds`` holds the faults. ``docs/emulator.md`` has them as a table, made from
the models here.
"""

from ops.emulator.faults import kinds
from ops.emulator.faults.behaviour import Faults
from ops.emulator.faults.document import PlanError, load_plan, parse_plan, scenario, scenarios
from ops.emulator.faults.rules import Plan, Rule

__all__ = ["Faults", "Plan", "PlanError", "Rule", "kinds", "load_plan", "parse_plan", "scenario", "scenarios"]
