"""The sink's calls to Willow: slots, lease, breaker, rate, and what an answer means. A PUT is sent once; a PATCH or a
read is repeated while the moment is at fault."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from streams.delivery.answers import Answer, Failure, Fault, ForbiddenSites, Operation, fault_of, proves_not_executed
from streams.delivery.lanes import Draining, Lanes
from streams.delivery.outcomes import Effort
from streams.delivery.pause import Breaker, backoff
from streams.delivery.rate import SharedRate
from streams.willow import NotSent, NotSentReason, Refused, Ticket, TokenRefused, WillowClient, WillowError

T = TypeVar("T")

#: How often a worker whose lease is stale looks again: a heartbeat comes every second.
LEASE_POLL_SECONDS = 0.1

_UNREACHABLE = {NotSentReason.DNS, NotSentReason.TLS}
_TOKEN = {NotSentReason.TOKEN_REFUSED}


class Failed(Exception):
    """Willow said no for good, or a create is in doubt: the caller decides what the record's outcome is."""

    def __init__(self, answer: Answer, fault: Fault) -> None:
        super().__init__(answer.detail)
        self.answer, self.fault = answer, fault


def answer_of(operation: Operation, error: WillowError) -> Answer:
    """What the fault table needs to know of a client's error."""
    if isinstance(error, Refused):
        errors = {name: list(messages) for name, messages in error.errors.items()}
        return Answer(
            operation,
            error.status,
            detail=str(error),
            errors=errors,
            retry_after=error.retry_after,
            remedy=error.remedy,
        )
    failure = Failure.NO_ANSWER
    if isinstance(error, NotSent):
        failure = Failure.NOT_CONNECTED
        if error.reason in _UNREACHABLE:
            failure = Failure.UNREACHABLE
        elif error.reason in _TOKEN:
            failure = Failure.TOKEN_REFUSED
    return Answer(operation, failure=failure, detail=str(error), retry_after=error.retry_after, remedy=error.remedy)


def _without_token(operation: Operation, error: WillowError) -> Answer:
    """The call was never sent, whatever the token's own call ended with."""
    refused = isinstance(error, TokenRefused)
    failure = Failure.TOKEN_REFUSED if refused else Failure.NOT_CONNECTED
    return Answer(
        operation, failure=failure, detail=f"no token: {error}", retry_after=error.retry_after, remedy=error.remedy
    )


async def _nothing() -> None:
    """A read leaves nothing behind."""


class Lease:
    """Whether no other worker can own our partitions: the last good heartbeat is younger than a third of the session
    time-out. A worker that was frozen and wakes must stop first (delivery.md §4)."""

    def __init__(self, age: Callable[[], float], session_timeout: float) -> None:
        self._age, self._limit = age, session_timeout / 3

    @property
    def fresh(self) -> bool:
        return self._age() <= self._limit

    async def wait(self, lanes: Lanes[Any]) -> None:
        """Until it is fresh again (a broker's hiccup ends by itself); raises Draining if the partitions leave."""
        while not self.fresh:
            await lanes.pause(LEASE_POLL_SECONDS)


class Calls:
    def __init__(
        self,
        client: WillowClient,
        lanes: Lanes[Any],
        lease: Lease,
        *,
        max_in_flight: int,
        rng: random.Random,
        breaker: Breaker,
        rate: SharedRate,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.client, self.lanes, self.lease, self.breaker, self.rate = client, lanes, lease, breaker, rate
        self._sleep = sleep
        self._slots = asyncio.Semaphore(max_in_flight)
        self.rng = rng
        self._forbidden = ForbiddenSites()
        self.in_flight = 0

    @property
    def ready(self) -> bool:
        """Whether a call may be sent at this moment."""
        return self.breaker.closed and self.lease.fresh

    async def may_go(self) -> None:
        """Wait until the breaker lets calls through and, under a rate limit, this one's turn is near; raises Draining
        if the partitions leave."""
        await self._until_closed()
        if self.rate.limited:
            await self.lanes.until(self.rate.line_up())
            await self._until_closed()

    async def gate(self) -> bool:
        """For what the client sends by itself (streams.willow.caller.Gate): the pages of a look-up, and a call's
        second try after a 401."""
        await self.breaker.wait()
        await self.rate.take()
        return self.ready

    async def _until_closed(self) -> None:
        if self.lanes.draining.is_set() or not self.breaker.closed:
            await self.lanes.until(self.breaker.wait())

    async def create(self, fields: dict[str, Any], effort: Effort, last_look: Callable[[], bool]) -> Ticket | None:
        """PUT once. None if ``last_look``, asked with the slot in hand and nothing between it and the call, said no, or
        if partitions leave before that.

        Raises Failed; its answer says whether the ticket may exist."""
        async with self._slots:
            try:
                await self._turn(Operation.PUT)
            except Draining:
                # Its claim is open: whoever made it must be told that nothing was sent.
                return None
            if not last_look():
                return None
            return await self._once(Operation.PUT, lambda: self.client.put_ticket(fields), effort)

    async def update(
        self,
        ticket_id: str,
        changed: dict[str, Any],
        effort: Effort,
        write_down: Callable[[], Awaitable[None]],
        unanswered: Callable[[], None],
    ) -> Ticket:
        """PATCH, repeated while the moment is at fault. ``write_down`` is awaited before each, after the waits for its
        turn; ``unanswered`` is called after each that may yet be carried out. Raises Failed or Draining."""

        async def call() -> Ticket:
            try:
                return await self.client.patch_ticket(ticket_id, changed)
            except WillowError as error:
                answer = answer_of(Operation.PATCH, error)
                if fault_of(answer) is not Fault.CONFLICT and not proves_not_executed(answer):
                    unanswered()
                raise

        return await self._until_said(Operation.PATCH, call, effort, write_down)

    async def get(self, ticket_id: str, effort: Effort) -> Ticket:
        """GET, repeated while the moment is at fault. Raises Failed or Draining."""
        return await self._until_said(Operation.READ, lambda: self.client.get_ticket(ticket_id), effort, _nothing)

    async def _until_said(
        self,
        operation: Operation,
        call: Callable[[], Awaitable[T]],
        effort: Effort,
        write_down: Callable[[], Awaitable[None]],
    ) -> T:
        failures = 0
        while True:
            await self.may_go()
            try:
                async with self._slots:
                    await self._until_ready(operation, write_down)
                    return await self._once(operation, call, effort)
            except Failed as failed:
                if failed.fault not in (Fault.MOMENT, Fault.TENANT):
                    raise
                failures += 1
                if failed.fault is Fault.MOMENT:
                    await self.lanes.until(self._sleep(backoff(failures, self.rng, failed.answer.retry_after)))

    async def _until_ready(self, operation: Operation, write_down: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self.lease.wait(self.lanes)
            await self._turn(operation)
            await write_down()
            # The wait for the slot and the turn may have been long: what may be sent is asked after it.
            if self.ready:
                return
            await self._until_closed()

    async def _turn(self, operation: Operation) -> None:
        """Wait for a token and for the rate. Raises Draining, and Failed if there is no token."""
        if (self.client.token_expires_in or 0.0) <= 0.0:
            try:
                # Else the lease could run out while a token is fetched, and all whose turn came meanwhile would be sent
                # together afterwards.
                await self.lanes.until(self.client.authenticate())
            except WillowError as error:
                answer = _without_token(operation, error)
                raise Failed(answer, self._blame(answer)) from error
        if self.rate.limited:
            await self.lanes.until(self.rate.take())

    async def _once(self, operation: Operation, call: Callable[[], Awaitable[T]], effort: Effort) -> T:
        began = time.monotonic()
        effort.attempts += 1
        self.in_flight += 1
        try:
            result = await call()
        except WillowError as error:
            answer = answer_of(operation, error)
            effort.http_status = answer.status
            raise Failed(answer, self._blame(answer)) from error
        finally:
            self.in_flight -= 1
            effort.willow_seconds += time.monotonic() - began
        effort.http_status = 201 if operation is Operation.PUT else 200
        self.breaker.good()
        return result

    def _blame(self, answer: Answer) -> Fault:
        fault = fault_of(answer)
        ambiguous = answer.operation is Operation.PUT and not proves_not_executed(answer)
        if fault is Fault.MOMENT or ambiguous:
            self.breaker.bad(answer.detail, ambiguous_create=ambiguous, retry_after=answer.retry_after)
        elif fault is Fault.TENANT:
            self.breaker.pause(
                "tenant", f"{answer.detail}; remedy: {answer.remedy}" if answer.remedy else answer.detail
            )
        return fault

    def forbidden(self, site: str) -> Fault:
        """Whose fault a 403 on this site's ticket is; a tenant's pauses the sink."""
        fault = self._forbidden.forbidden(site)
        if fault is Fault.TENANT:
            self.breaker.pause("tenant", "Willow forbids calls on more than one site (403)")
        return fault

    def allowed(self, site: str) -> None:
        self._forbidden.allowed(site)
