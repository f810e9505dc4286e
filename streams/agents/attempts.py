"""One step's work on a ticket, and what a no of Willow's means for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.outcome import OutcomeKind, Reason
from streams.agents.calls import Calls, Failed
from streams.agents.order import Order
from streams.agents.writer import Acked
from streams.delivery.answers import Answer, Fault, Operation, refused_fields
from streams.delivery.outcomes import Effort
from streams.delivery.reconcile import Desired, Step
from streams.planning.reasons import named_not_found, reason
from streams.willow import PROPERTIES, Ticket


@dataclass(slots=True)
class Attempt:
    """One step's work on a ticket. ``left_out``: optional fields that Willow refused (contract §4)."""

    step: Step[Any]
    want: Desired
    effort: Effort = field(default_factory=Effort)
    left_out: set[str] = field(default_factory=set)
    adopting: bool = False
    ticket_id: str | None = None
    """The ticket that is read or written."""
    leaving: Reason | None = None
    """The order stopped qualifying, and its ticket is closed: the outcome is the skip that says so."""
    identity: Acked | None = None
    """Under way, or written: it ties the ticket to the order."""
    failures: int = 0
    gone: set[str] = field(default_factory=set)
    """Tickets that were to be adopted, and that Willow no longer has."""
    patched: tuple[str, ...] = ()
    """The fields of the last PATCH, as they stood in it."""

    @property
    def fields(self) -> Mapping[str, Any]:
        if not self.left_out:
            return self.want.fields
        return {name: value for name, value in self.want.fields.items() if name not in self.left_out}

    @property
    def site(self) -> str:
        # The twin alone is no site: tickets of several twins would count as several sites that are forbidden.
        return self.want.site_id or self.want.twin_id or ""


def differences(ticket: Ticket, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields whose value in Willow is another than the desired one. What its reads don't show is sent again."""
    return ticket.compare(fields).to_send


class Refusals:
    """Decides on the answers that are a no."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def leave_out(self, attempt: Attempt, answer: Answer) -> bool:
        """True if a 400 named only fields that are not needed, and none was left out before."""
        needed = {*attempt.step.intent.get("required", ()), "summary", "twinId", "externalId"}
        listed = answer.operation is Operation.PATCH
        sent = attempt.patched if listed else tuple(attempt.fields)
        refused = refused_fields(answer.errors, sent, PROPERTIES, listed=listed)
        if attempt.left_out or not refused or needed.intersection(refused):
            return False
        attempt.left_out.update(refused)
        attempt.effort.warnings += [f"left_out: Willow refused {name}" for name in refused]
        return True

    async def give_up(self, order: Order, attempt: Attempt, failed: Failed) -> bool:
        """Conclude a record that Willow refused for good. False: it is not the record's fault, try again."""
        answer, fault = failed.answer, failed.fault
        if fault is Fault.SITE:
            fault = self._calls.forbidden(attempt.site)
            why = reason("forbidden", detail=answer.detail)
        elif fault is Fault.TICKET_GONE:
            # A ticket that only the order's own identity names was never its ticket: another may be named later.
            order.state.gone = order.seen().ticket is not None
            if order.state.gone:
                why = reason("ticket_not_found", order=order.id, ticket=attempt.ticket_id, detail=answer.detail)
            else:
                why = named_not_found(attempt.ticket_id, answer.detail)
        elif fault is Fault.CONFLICT:
            why = reason("conflict", detail=answer.detail)
        else:
            why = reason("invalid", status=answer.status, detail=answer.detail)
            if fault is Fault.RECORD and self.leave_out(attempt, answer):
                return False
        if fault in (Fault.MOMENT, Fault.TENANT):
            return False
        await order.conclude(attempt.step, OutcomeKind.REJECTED, code=why.model_dump(), effort=attempt.effort)
        return True
