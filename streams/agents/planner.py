"""The planner: one intent for each record, or a dead letter. It keeps no state; its order is the log's."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.intent import Intent, IntentKind, Signal
from schemas.outcome import OutcomeKind, Reason
from schemas.replan import Cause, Replan
from schemas.source import Source
from streams.agents.lists import Lists
from streams.agents.writer import Writer
from streams.delivery.bounds import MAX_PLAN_BYTES, fold_too_large, too_large
from streams.delivery.outcomes import outcome, traceparent_of
from streams.delivery.pacing import Pace
from streams.kafka.in_flight import InFlight
from streams.kafka.producer import SendFailed
from streams.kafka.record import ConsumerRecord
from streams.planning.decode import Change, NotAChange, Undecodable, decode_work_order
from streams.planning.plan import changed_at, counting_date, plan, plan_not_a_change
from streams.planning.reasons import not_planned_again, reason
from streams.planning.rules import Rules
from streams.settings import InputFormat
from streams.tables.twins import TwinTable
from streams.tables.view import View

log = logging.getLogger(__name__)

#: Exceptions of our own in a row that stop the worker (contract §3): that is no poison any more, it is a bug.
MAX_INTERNAL_ERRORS = 5

#: How long a wake-up waits for the twin table to have read what woke it.
POSITION_SECONDS = 10.0


class PlannerBroken(Exception):
    remedy = "This is a fault of ours: report it with the dead letters of code internal_error; nothing is lost."


class Planner:
    def __init__(
        self,
        twins: TwinTable,
        entities: View,
        lists: Lists,
        writer: Writer,
        rules: Rules,
        form: InputFormat,
        topic_ids: Mapping[str, str],
        *,
        clock: Callable[[], float],
        told: Callable[[Mapping[str, Any]], None] = lambda _: None,
    ) -> None:
        self._twins, self._entities, self._lists, self._writer = twins, entities, lists, writer
        self._rules, self._form, self._topic_ids = rules, form, topic_ids
        self._clock, self._told = clock, told
        #: Topic → errors since its last good record: the live stream's good records say nothing of what comes back.
        self._errors_in_a_row: Counter[str] = Counter()

    async def work_orders(self, records: AsyncIterator[ConsumerRecord], in_flight: InFlight) -> None:
        """Plan the input's records in log order; each is acknowledged when its intent or dead letter is (I7)."""
        await self._entities.until_ready()
        async for record in records:
            if not await in_flight.admit(record):
                continue
            try:
                sent = await self._plan_record(record)
                self._errors_in_a_row[record.topic] = 0
            except SendFailed:
                # The broker's or the queue's fault, never the record's: it must not be dead-lettered.
                raise
            except Exception as error:
                sent = self._broken(record, self._source(record), error)
            _when_acknowledged(sent, partial(in_flight.done, record))

    async def replans(self, records: AsyncIterator[ConsumerRecord], in_flight: InFlight, pace: Pace) -> None:
        """Plan what came back, behind the live records: at most ``replans_per_second``."""
        await self._entities.until_ready()
        async for record in records:
            if not await in_flight.admit(record):
                continue
            try:
                replan = Replan.model_validate_json(record.value or b"")
            except ValidationError as error:
                log.error("a record of %s is not ours and is passed over: %s", record.topic, error)
                in_flight.done(record)
                continue
            if replan.cause is not Cause.SIGNAL:
                await pace.take()
            try:
                value = await self._plan_replan(replan)
                sent = self._send(record, replan.source, replan.work_order_id, value, replan=replan)
                self._errors_in_a_row[record.topic] = 0
            except SendFailed:
                raise
            except Exception as error:
                sent = self._broken(record, replan.source, error, replan)
            _when_acknowledged(sent, partial(in_flight.done, record))

    def _source(self, record: ConsumerRecord, changed: datetime | None = None) -> Source:
        return Source(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            changed_at=changed,
            topic_id=self._topic_ids.get(record.topic),
        )

    async def _plan_record(self, record: ConsumerRecord) -> list["asyncio.Future[Any]"]:
        change = decode_work_order(record.key, record.value, record.headers, self._form)
        if isinstance(change, Undecodable):
            return self._dead_letter(record, self._source(record), change.reason, change.order_id_guess)
        stamp = record.timestamp_ms
        source = self._source(record, changed_at(getattr(change, "record", {}), stamp))
        if isinstance(change, NotAChange):
            intent = plan_not_a_change(change, source=source, timestamp_ms=stamp)
        else:
            intent = await self._decide(change, source, stamp)
        trace = traceparent_of(record.headers)
        return self._send(record, source, intent.work_order_id, intent.to_json(), trace=trace)

    def _send(
        self,
        record: ConsumerRecord,
        source: Source,
        order_id: str,
        value: bytes,
        *,
        trace: str | None = None,
        replan: Replan | None = None,
    ) -> list["asyncio.Future[Any]"]:
        size = len(value)
        if size <= MAX_PLAN_BYTES:
            return [self._writer.intent(order_id, value, trace)]
        # It, or the state that holds it, would end the worker at every start, and nothing behind it be planned.
        if replan is not None and replan.waiting_id is not None:
            return self._refuse(replan, fold_too_large(size))
        return self._dead_letter(record, source, too_large(size), order_id, replan.replay_id if replan else None)

    def _refuse(self, replan: Replan, why: Reason) -> list["asyncio.Future[Any]"]:
        """What waits can't be planned. The sink says so, not a dead letter: it alone knows what else is owed, and told
        here the order would wait on, for ever."""
        intent = Intent(
            kind=IntentKind.SKIP,
            work_order_id=replan.work_order_id,
            source=replan.source,
            entity_type=replan.entity_type,
            cause=replan.cause,
            replay_id=replan.replay_id,
            waiting_id=replan.waiting_id,
            timestamp_ms=replan.timestamp_ms,
            date_updated=counting_date(replan.record.get("dateUpdated"), replan.timestamp_ms),
            reason=why,
        )
        return [self._writer.intent(replan.work_order_id, intent.to_json(), None)]

    async def _decide(self, change: Change, source: Source, stamp: int | None, **why: Any) -> Intent:
        lists = await self._lists.get()
        intent = self._plan(change, source, stamp, lists, why)
        code = intent.reason.code if intent.reason else ""
        if intent.kind is IntentKind.SKIP and code.startswith(("unmapped_", "ambiguous_")):
            newer = await self._lists.newer(lists)
            if newer is not lists:
                intent = self._plan(change, source, stamp, newer, why)
        return intent

    def _plan(self, change: Change, source: Source, stamp: int | None, lists: Any, why: Mapping[str, Any]) -> Intent:
        # The positions first: what the table reads on meanwhile then wakes the order once more, never too seldom.
        positions = self._entities.positions
        return plan(
            change,
            source=source,
            timestamp_ms=stamp,
            entities=self._twins,
            lists=lists,
            positions=positions,
            rules=self._rules,
            **why,
        )

    async def _plan_replan(self, replan: Replan) -> bytes:
        if replan.cause is Cause.SIGNAL:
            intent = Intent(
                kind=IntentKind.SIGNAL,
                work_order_id=replan.work_order_id,
                source=replan.source,
                entity_type=replan.entity_type,
                cause=replan.cause,
                signal=Signal.model_validate(replan.signal or {"cause": "unknown"}),
            )
            return intent.to_json()
        if replan.positions:
            await self._entities.reached(replan.positions, seconds=POSITION_SECONDS)
        change = Change(replan.work_order_id, replan.deleted, replan.record)
        why = {
            "cause": replan.cause,
            "replay_id": replan.replay_id,
            "waiting_id": replan.waiting_id,
            "force": replan.force,
        }
        return (await self._decide(change, replan.source, replan.timestamp_ms, **why)).to_json()

    def _broken(
        self, record: ConsumerRecord, source: Source, error: Exception, replan: Replan | None = None
    ) -> list["asyncio.Future[Any]"]:
        self._errors_in_a_row[record.topic] += 1
        log.exception("planning of %s/%d@%d failed", record.topic, record.partition, record.offset)
        if self._errors_in_a_row[record.topic] >= MAX_INTERNAL_ERRORS:
            raise PlannerBroken(f"planning failed {MAX_INTERNAL_ERRORS} times in a row: {error!r}") from error
        if replan is not None and replan.waiting_id is not None:
            return self._refuse(replan, not_planned_again(error))
        key = record.key.decode(errors="replace") if record.key else None
        why = reason("internal_error", error=repr(error))
        return self._dead_letter(record, source, why, key, replan.replay_id if replan else None)

    def _dead_letter(
        self, record: ConsumerRecord, source: Source, why: Reason, order_id: str | None, replay_id: str | None = None
    ) -> list["asyncio.Future[Any]"]:
        key = record.key.decode(errors="replace") if record.key is not None else None
        plain = orjson.loads(source.to_json())
        said = outcome(
            {"workOrderId": order_id or key, "entityType": None, "source": plain, "replayId": replay_id},
            OutcomeKind.DEAD_LETTERED,
            self._clock(),
            reason=why.model_dump(),
        )
        self._told(said)
        return [
            # The bytes' own place, which is the replans topic for what came back: there a retry must send them.
            self._writer.dead_letter(record.key, record.value, record.headers, why, self._source(record)),
            self._writer.outcome(said, key=record.key),
        ]


def _when_acknowledged(sent: list["asyncio.Future[Any]"], then: Callable[[], None]) -> None:
    """Call ``then`` once the broker has all; a refusal stops the worker elsewhere."""
    left = len(sent)

    def one(future: "asyncio.Future[Any]") -> None:
        nonlocal left
        if future.cancelled() or future.exception() is not None:
            return
        left -= 1
        if left == 0:
            then()

    for future in sent:
        future.add_done_callback(one)
