"""What people and judges may see of the emulator, and change: the page, the journal, the tickets with their
revisions, the twins, the faults.

None of it is in Willow's API, none of it is in the journal, and none of it needs a token.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from ops.emulator.faults.behaviour import Faults
from ops.emulator.faults.document import PlanError, parse_plan
from ops.emulator.journal import Journal
from ops.emulator.pages import HTML_HEADERS, Figures, detail_page, front_page
from ops.emulator.problems import Answer, Refusal, json_answer
from ops.emulator.routes import Routes
from ops.emulator.tickets import Ticket
from ops.emulator.twins import twin_ids
from ops.emulator.world import World

_NEWEST = 50

View = Callable[[web.BaseRequest, dict[str, str]], Awaitable[Answer]]


class Observatory:
    def __init__(self, world: World, journal: Journal, faults: Faults) -> None:
        self._world = world
        self._journal = journal
        self._faults = faults
        self._started = world.clock.instant()
        self.in_flight = 0
        self._routes: Routes[View] = Routes(
            (
                ("GET", "/", self._front),
                ("GET", "/ticket/{ticketId}", self._detail),
                ("GET", "/_emulator/journal", self._journal_since),
                ("GET", "/_emulator/tickets", self._tickets),
                ("GET", "/_emulator/stats", self._stats),
                ("POST", "/_emulator/twins", self._add_twins),
                ("GET", "/_emulator/faults", self._faults_now),
                ("PUT", "/_emulator/faults", self._replace_faults),
            )
        )

    async def answer(self, request: web.BaseRequest, path: str) -> Answer:
        try:
            view, parameters = self._routes.find(request.method, path)
            return await view(request, parameters)
        except Refusal as refusal:
            return refusal.answer(path, "")

    async def _front(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        tickets = [(ticket, self._world.shapes.status_of(ticket)) for ticket in self._world.tickets.newest(_NEWEST)]
        html = front_page(self._figures(), tickets, part="part" in request.query)
        return Answer(200, html.encode(), HTML_HEADERS)

    async def _detail(self, request: web.BaseRequest, parameters: dict[str, str]) -> Answer:
        ticket = self._world.tickets.get(parameters["ticketId"])
        if ticket is None:
            raise Refusal(404, f"there is no ticket with the id '{parameters['ticketId']}'")
        html = detail_page(ticket, self._world.shapes.status_of(ticket), part="part" in request.query)
        return Answer(200, html.encode(), HTML_HEADERS)

    async def _journal_since(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise Refusal(400, f"since is the last seq that you have, a number; got {since!r}")
        try:
            lines = b"".join(self._journal.since(int(since)))
        except LookupError as error:
            remedy = f"ask with since={self._journal.first - 1}, or start the emulator with --journal FILE"
            raise Refusal(410, f"{error}; {remedy}") from error
        return Answer(200, lines, {"Content-Type": "application/x-ndjson; charset=utf-8"})

    async def _tickets(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        tickets = self._world.tickets
        shown = [self._ticket(ticket) for ticket in tickets]
        return json_answer(200, {"tickets": shown, "duplicates": tickets.duplicates()})

    async def _stats(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        figures = self._figures()
        return json_answer(
            200,
            {
                "startedAt": figures.started_at,
                "requests": figures.requests,
                "inFlight": figures.in_flight,
                "answers": [
                    {"operation": operation, "status": status, "count": count}
                    for (operation, status), count in self._journal.counts.items()
                ],
                "tickets": figures.tickets,
                "updates": figures.updates,
                "duplicates": figures.duplicates,
                "journal": {"first": self._journal.first, "last": self._journal.last},
                "twins": None if self._world.twins.any else len(self._world.twins),
            },
        )

    async def _add_twins(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        try:
            self._world.twins.add(twin_ids(orjson.loads(await request.read())))
        except ValueError as error:
            raise Refusal(400, str(error)) from error
        return json_answer(200, {"twins": None if self._world.twins.any else len(self._world.twins)})

    async def _faults_now(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        return json_answer(200, self._faults.shown())

    async def _replace_faults(self, request: web.BaseRequest, _: dict[str, str]) -> Answer:
        try:
            self._faults.use(parse_plan(await request.read()))
        except PlanError as error:
            errors = {place: [said] for place, said in error.problems.items()}
            raise Refusal(400, f"{error}; the old faults stay in force", errors) from error
        return json_answer(200, self._faults.shown())

    def _figures(self) -> Figures:
        tickets, counts = self._world.tickets, self._journal.counts
        return Figures(
            started_at=self._started,
            requests=counts.total() + self.in_flight,
            in_flight=self.in_flight,
            refused=sum(count for (_, status), count in counts.items() if status is not None and status >= 400),
            tickets=len(tickets),
            updates=tickets.updates,
            duplicates=len(tickets.duplicates()),
        )

    def _ticket(self, ticket: Ticket) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "externalId": ticket.external_id,
            "statusName": self._world.shapes.status_of(ticket).name,
            "createdDate": ticket.created,
            "updatedDate": ticket.updated,
            "fields": ticket.fields,
            "revisions": [
                {
                    "request": revision.request,
                    "at": revision.at,
                    "monotonic": revision.monotonic,
                    "changed": revision.changed,
                }
                for revision in ticket.revisions
            ],
        }
