"""What the agents write: outcomes, identities, claims, dead letters, replans."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas import dead_letter
from schemas.claim import CANDIDATE_ID, ClaimState, claim_key
from schemas.control import GAP_KEY, TAKEN_OVER_KEY, GapAccepted, TakenOver
from schemas.identity import TICKET_URN
from schemas.outcome import Reason
from schemas.replan import Replan, signal
from schemas.source import Source
from streams.delivery.create import claim_deadline
from streams.delivery.outcomes import IDENTITY_TYPE, OUTCOME_TYPE, headers_of, instant
from streams.kafka.producer import Ack, Producer
from streams.settings import Settings

Acked = asyncio.Future[Ack]


async def acknowledged(sent: Iterable[Acked]) -> None:
    """Returns once the broker has all. They are under way together: to wait for one after the other takes no longer,
    and costs no task for each."""
    for future in sent:
        await future


class Writer:
    """One per worker. Names of topics are the settings'; ``clock`` gives epoch seconds."""

    def __init__(self, producer: Producer, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._producer, self._clock = producer, clock
        topics = settings.topics
        self.outcomes = topics.name("outcomes")
        self.identities = topics.name("ticket_identities")
        self.dead_letters = topics.name("dead_letters")
        self.intents = topics.name("ticket_intents")
        self.replans = topics.name("replans")
        self.claims = topics.name("create_claims")
        self.instance = settings.willow.base_url
        self._org_id, self._group = settings.org_id, settings.kafka.group_id
        timeout = settings.willow.request_timeout.total_seconds()
        #: A claim older than this (seconds) is not sent. Who takes it over knows only its time: without a bound on the
        #: wait for a slot and for the rate, the call could be under way when ``settle`` is long over.
        self.send_within = timeout
        self._deadline = claim_deadline(self.send_within, timeout)

    def outcome(self, outcome: Mapping[str, Any], *, key: bytes | None = None, traceparent: str | None = None) -> Acked:
        record_key = (outcome["workOrderId"] or "").encode() if key is None else key
        headers = headers_of(outcome["outcomeId"], OUTCOME_TYPE, traceparent)
        return self._producer.send(self.outcomes, record_key, orjson.dumps(outcome), headers=headers)

    def intent(self, order_id: str, value: bytes, traceparent: str | None) -> Acked:
        headers = None if traceparent is None else [("traceparent", traceparent.encode())]
        return self._producer.send(self.intents, order_id.encode(), value, headers=headers)

    def identity_record(self, order_id: str, entity_type: str, ticket_id: str) -> dict[str, Any]:
        # By hand, as claims are: on the path of each create, and pydantic would cost a tenth of it.
        return {
            "entityType": entity_type,
            "entityId": order_id,
            "identity": {
                "exactType": "ExternalIdentity",
                "scope": "ORG",
                "scopeId": self._org_id,
                "value": TICKET_URN + ticket_id,
            },
            "instance": self.instance,
        }

    def identity(self, order_id: str, entity_type: str, ticket_id: str, outcome_id: str) -> Acked:
        value = orjson.dumps(self.identity_record(order_id, entity_type, ticket_id))
        headers = headers_of(outcome_id, IDENTITY_TYPE, None)
        return self._producer.send(self.identities, order_id.encode(), value, headers=headers)

    def claim(
        self,
        partition: int,
        order_id: str,
        claim_id: str,
        state: ClaimState,
        source: Mapping[str, Any] | None,
        *,
        ticket_id: str | None = None,
        why: str | None = None,
    ) -> Acked:
        record = {
            "state": state.value,
            "workOrderId": order_id,
            "claimId": claim_id,
            "instance": self.instance,
            "source": source,
            "deadlineSeconds": self._deadline,
            "ticketId": ticket_id,
            "why": why,
        }
        return self._producer.send(
            self.claims, claim_key(order_id, claim_id), orjson.dumps(record), partition=partition
        )

    def candidate(self, partition: int, order_id: str, ticket_id: str) -> Acked:
        return self.claim(partition, order_id, CANDIDATE_ID, ClaimState.CANDIDATE, None, ticket_id=ticket_id)

    def taken_over(self, partition: int) -> Acked:
        key = TAKEN_OVER_KEY + self.instance.encode()
        said = TakenOver(instance=self.instance, at=self._now())
        return self._producer.send(self.claims, key, said.to_json(), partition=partition)

    def gap_accepted(self, topic: str, partition: int, first_missing: int, resumed_at: int) -> Acked:
        key = f"{self._group}/{topic}/{partition}/{first_missing}"
        said = GapAccepted(
            group=self._group,
            topic=topic,
            partition=partition,
            first_missing=first_missing,
            resumed_at=resumed_at,
            at=self._now(),
        )
        return self._producer.send(self.claims, GAP_KEY + key.encode(), said.to_json(), partition=0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def no_candidate(self, partition: int, order_id: str) -> Acked:
        return self._producer.send(self.claims, claim_key(order_id, CANDIDATE_ID), None, partition=partition)

    def no_identity(self, order_id: str) -> Acked:
        """The order has no ticket any more."""
        return self._producer.send(self.identities, order_id.encode(), None)

    def signal(self, order_id: str, cause: str, result: Mapping[str, Any] | None = None) -> Acked:
        return self.replan(signal(self.replans, order_id, cause, result))

    def replan(self, replan: Replan) -> Acked:
        return self._producer.send(self.replans, replan.work_order_id.encode(), replan.to_json())

    def dead_letter(
        self,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
        reason: Reason,
        source: Source,
    ) -> Acked:
        """The original, untouched, and the error in headers that stay under 4 KiB together (contract §2)."""
        room = dead_letter.MAX_HEADER_BYTES - 1024
        message = reason.message.encode()[: room * 3 // 4].decode(errors="ignore")
        remedy = reason.remedy.encode()[: room // 4].decode(errors="ignore")
        error = {
            dead_letter.CODE: reason.code,
            dead_letter.MESSAGE: message,
            dead_letter.REMEDY: remedy,
            dead_letter.TOPIC: source.topic,
            dead_letter.PARTITION: str(source.partition),
            dead_letter.OFFSET: str(source.offset),
            dead_letter.TIME: instant(self._clock()),
        }
        added = [(name, text.encode()) for name, text in error.items()]
        return self._producer.send(self.dead_letters, key, value, headers=[*headers, *added])


_ids = itertools.count()
_worker = uuid.uuid4().hex


def new_id() -> str:
    """Of a claim or a wait, unlike any other worker's. Random once: a call of the system for each would cost as much as
    writing it."""
    return f"{_worker}{next(_ids):x}"
