"""A Willow to work against: strict, on purpose not idempotent, in memory, with a journal that can judge a
sync.

It answers Willow's public API v3 whole, by the client's own table of operations (contract §7), in the older or the
newer read shape, and keeps what it was asked: each request in the journal, each write as a revision of its ticket.
Nothing survives a restart. ``Emulator`` runs in the caller's event loop; ``willow-sync emulator`` runs it as
a process.
"""

from ops.emulator.behaviour import Behaviour, Call, FixedLatency, Perform
from ops.emulator.faults import Faults, Plan, Rule, load_plan, parse_plan, scenario
from ops.emulator.journal import Entry, Journal
from ops.emulator.lists import Kind, Listed, Lists, load_lists
from ops.emulator.problems import Answer, EmulatorError
from ops.emulator.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator
from ops.emulator.shapes import ReadShape
from ops.emulator.tickets import Revision, Ticket, TicketStore
from ops.emulator.twins import Twins, load_twins
from ops.emulator.world_file import WorldFile, load_world

__all__ = [
    "DEFAULT_CLIENT_ID",
    "DEFAULT_CLIENT_SECRET",
    "Answer",
    "Behaviour",
    "Call",
    "Emulator",
    "EmulatorError",
    "Entry",
    "Faults",
    "FixedLatency",
    "Journal",
    "Kind",
    "Listed",
    "Lists",
    "Perform",
    "Plan",
    "ReadShape",
    "Revision",
    "Rule",
    "Ticket",
    "TicketStore",
    "Twins",
    "WorldFile",
    "load_lists",
    "load_plan",
    "load_twins",
    "load_world",
    "parse_plan",
    "scenario",
]
