"""What each fault does to a call. ``ACTS`` holds one function for each kind that spoils an answer."""

import math
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, assert_never

import orjson

from ops.emulator import problems
from ops.emulator.behaviour import Call, Perform
from ops.emulator.faults import kinds
from ops.emulator.problems import Answer, Cut
from ops.emulator.wire import Sleep

_LOOK_SECONDS = 0.05
"""How soon a silent call notices that its client has left."""

_PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
_HTML = {"Content-Type": "text/html"}
_NOTHING = Answer(0, b"", {}, problems.Reset())


@dataclass(frozen=True, slots=True)
class Scene:
    """One call on stage. ``rng`` is the rule's own; ``perform`` has the list's delay in it already."""

    call: Call
    perform: Perform
    now: Callable[[], Answer]
    """Carries the operation out."""
    rng: random.Random
    wall: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Sleep

    def refuse(self, refusal: problems.Refusal) -> Answer:
        return refusal.answer(self.call.entry.path.partition("?")[0], f"request-{self.call.entry.request}")

    async def until_gone(self, seconds: float) -> None:
        """Waits for the client to leave, ``seconds`` at most."""
        deadline = self.monotonic() + seconds
        while not self.call.gone() and (left := deadline - self.monotonic()) > 0:
            await self.sleep(min(_LOOK_SECONDS, left))


Act = Callable[[Any, Scene], Awaitable[Answer]]


async def _commit_then_reset(fault: kinds.CommitThenReset, scene: Scene) -> Answer:
    return replace(scene.now(), delivery=problems.Reset())


async def _commit_then_error(fault: kinds.CommitThenError, scene: Scene) -> Answer:
    scene.now()
    return gateway_error(fault.status)


async def _late_commit(fault: kinds.LateCommit, scene: Scene) -> Answer:
    scene.perform.later(fault.seconds)
    if fault.told == "error":
        return gateway_error(fault.status)
    if fault.told == "silence":
        await scene.until_gone(fault.seconds)
    return _NOTHING


async def _silence(fault: kinds.Silence, scene: Scene) -> Answer:
    if fault.committed:
        scene.now()
    await scene.until_gone(fault.seconds)
    return _NOTHING


async def _reset(fault: kinds.Reset, scene: Scene) -> Answer:
    return _NOTHING


async def _drip(fault: kinds.Drip, scene: Scene) -> Answer:
    return replace(scene.now(), delivery=problems.Drip(fault.seconds))


async def _truncated(fault: kinds.Truncated, scene: Scene) -> Answer:
    answer = scene.now()
    size = int(len(answer.body) * fault.keep)
    if fault.announced == "full":
        return replace(answer, delivery=Cut(size))
    return replace(answer, body=answer.body[:size])


async def _without_id(fault: kinds.WithoutId, scene: Scene) -> Answer:
    answer = scene.now()
    if answer.status >= 300:
        return answer
    return replace(answer, body=orjson.dumps({k: v for k, v in orjson.loads(answer.body).items() if k != "id"}))


async def _too_many_requests(fault: kinds.TooManyRequests, scene: Scene) -> Answer:
    detail = "Too many requests; slow down."
    if fault.form == "plain":
        return Answer(429, detail.encode(), _PLAIN)
    header = str(fault.retry_after)
    if fault.form == "date":
        header = http_date_after(scene.wall(), fault.retry_after)
    return scene.refuse(problems.Refusal(429, detail, headers={"Retry-After": header}))


async def _unauthorized(fault: kinds.Unauthorized, scene: Scene) -> Answer:
    return scene.refuse(unauthorized("the bearer token is not accepted"))


async def _revoked_token(fault: kinds.RevokedToken, scene: Scene) -> Answer:
    return scene.refuse(unauthorized("the bearer token was revoked"))


async def _token_refused(fault: kinds.TokenRefused, scene: Scene) -> Answer:
    detail = "the client is not accepted"
    extra = {"error": fault.error, "error_description": detail}
    return scene.refuse(problems.Refusal(fault.status, detail, extra=extra))


async def _refusal(fault: kinds.Refusal, scene: Scene) -> Answer:
    errors = {path: list(said) for path, said in fault.errors.items()} if fault.errors else None
    detail = "; ".join(f"{path}: {' '.join(said)}" for path, said in (errors or {}).items())
    return scene.refuse(problems.Refusal(fault.status, detail or HTTPStatus(fault.status).phrase, errors))


async def _server_errors(fault: kinds.ServerErrors, scene: Scene) -> Answer:
    return gateway_error(scene.rng.choice(fault.statuses))


ACTS: Mapping[type[kinds.Spoiled], Act] = {
    kinds.CommitThenReset: _commit_then_reset,
    kinds.CommitThenError: _commit_then_error,
    kinds.LateCommit: _late_commit,
    kinds.Silence: _silence,
    kinds.Reset: _reset,
    kinds.Drip: _drip,
    kinds.Truncated: _truncated,
    kinds.WithoutId: _without_id,
    kinds.TooManyRequests: _too_many_requests,
    kinds.Unauthorized: _unauthorized,
    kinds.RevokedToken: _revoked_token,
    kinds.TokenRefused: _token_refused,
    kinds.Refusal: _refusal,
    kinds.ServerErrors: _server_errors,
}


def wait_of(fault: kinds.Latency, rng: random.Random) -> float:
    """Seconds, drawn from the fault's distribution."""
    match fault:
        case kinds.FixedLatency():
            return fault.seconds
        case kinds.UniformLatency():
            return rng.uniform(fault.low, fault.high)
        case kinds.LognormalLatency():
            return min(fault.longest, rng.lognormvariate(math.log(fault.median), fault.sigma))
        case _:
            assert_never(fault)


def gateway_error(status: int) -> Answer:
    """What stands between a client and Willow speaks HTML, not problem details."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    return Answer(status, f"<html><body><h1>{status} {phrase}</h1></body></html>".encode(), _HTML)


def unauthorized(detail: str) -> problems.Refusal:
    return problems.Refusal(401, detail, headers={"WWW-Authenticate": "Bearer"})


def http_date_after(wall: datetime, seconds: int) -> str:
    """An HTTP date, not earlier than ``seconds`` from now: it has no fractions."""
    moment = wall + timedelta(seconds=seconds)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return format_datetime(moment, usegmt=True)
