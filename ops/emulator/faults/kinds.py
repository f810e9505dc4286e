"""The faults, as data. ``docs/emulator.md`` shows these models as a table."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ops.emulator.operations import OPERATIONS

NAMES = tuple(operation.name for operation in OPERATIONS)
WRITES = ("put_ticket", "patch_ticket")
ONE_TICKET = (*WRITES, "get_ticket")
BEHIND_A_TOKEN = tuple(operation.name for operation in OPERATIONS if not operation.open)

MAX_SECONDS = 86_400.0

Seconds = Annotated[float, Field(ge=0, le=MAX_SECONDS)]
SomeSeconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]
ServerError = Annotated[int, Field(ge=500, le=599)]

_NAMING_FIELDS = (400, 409, 413, 422)


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fault(Model):
    """``only``: the operations it makes sense for, and the default of its rule's ``operations``."""

    only: ClassVar[tuple[str, ...]] = NAMES


class CommitThenReset(_Fault):
    """The write is carried out; the connection is reset instead of an answer."""

    only = WRITES
    kind: Literal["commit_then_reset"] = "commit_then_reset"


class CommitThenError(_Fault):
    """The write is carried out; the answer is a gateway's error page."""

    only = WRITES
    kind: Literal["commit_then_error"] = "commit_then_error"
    status: ServerError = Field(default=504, description="The status that is told.")


class LateCommit(_Fault):
    """The write is carried out later, even if the client has gone; the client is told something else before."""

    only = WRITES
    kind: Literal["late_commit"] = "late_commit"
    seconds: SomeSeconds = Field(default=30.0, description="From the request to the commit.")
    told: Literal["error", "reset", "silence"] = Field(
        default="error", description="An error page or a reset at once; or nothing, and a reset at the commit."
    )
    status: ServerError = Field(default=504, description="The status of the error page.")


class Silence(_Fault):
    """No answer until the client leaves; then, or when the time is over, the connection is reset."""

    kind: Literal["silence"] = "silence"
    seconds: SomeSeconds = Field(default=300.0, description="The longest wait.")
    committed: bool = Field(default=False, description="Whether the operation is carried out first.")


class Reset(_Fault):
    """Nothing is carried out; the connection is reset."""

    kind: Literal["reset"] = "reset"


class Refuse(_Fault):
    """An outage: nothing listens, so connections are refused, and those there are get reset. Its rule has
    `until`, and chooses by time alone. The emulator's own pages are away too."""

    kind: Literal["refuse"] = "refuse"


class Drip(_Fault):
    """The operation is carried out; the answer's body comes in small pieces."""

    kind: Literal["drip"] = "drip"
    seconds: SomeSeconds = Field(default=30.0, description="From the head to the last byte.")


class Truncated(_Fault):
    """The operation is carried out; the answer's JSON ends in the middle."""

    kind: Literal["truncated"] = "truncated"
    keep: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.5, description="The share of the body that is sent.")
    announced: Literal["short", "full"] = Field(
        default="short", description="`Content-Length` of what is sent; or of the whole, and the connection ends early."
    )


class WithoutId(_Fault):
    """The operation is carried out; the 2xx answer has no `id`."""

    only = ONE_TICKET
    kind: Literal["without_id"] = "without_id"


class TooManyRequests(_Fault):
    """429; nothing is carried out."""

    kind: Literal["too_many_requests"] = "too_many_requests"
    form: Literal["seconds", "date", "plain"] = Field(
        default="seconds", description="`Retry-After` as seconds, as an HTTP date; or plain text without the header."
    )
    retry_after: Annotated[int, Field(ge=0, le=MAX_SECONDS)] = Field(default=1, description="Seconds in `Retry-After`.")


class Unauthorized(_Fault):
    """401, whatever the token. With `limit: 1` once; without limit for good."""

    only = BEHIND_A_TOKEN
    kind: Literal["unauthorized"] = "unauthorized"


class RevokedToken(_Fault):
    """The call's bearer token is worthless from this call on: 401 on all calls, until another is used."""

    only = BEHIND_A_TOKEN
    kind: Literal["revoked_token"] = "revoked_token"


class TokenRefused(_Fault):
    """No token is issued."""

    only = ("token",)
    kind: Literal["token_refused"] = "token_refused"
    status: Literal[400, 401, 403] = Field(default=401, description="The status of the refusal.")
    error: str = Field(default="invalid_client", description="The `error` of RFC 6749.")


class Refusal(_Fault):
    """Problem details with this status; nothing is carried out."""

    kind: Literal["refusal"] = "refusal"
    status: Annotated[int, Field(ge=400, le=499)] = Field(default=403, description="Any 4xx but 401 and 429.")
    errors: Mapping[str, tuple[str, ...]] | None = Field(
        default=None, description="Path → sentences, as validation errors have it; with 400, 409, 413 or 422."
    )

    @model_validator(mode="after")
    def _checked(self) -> "Refusal":
        own = {401: "unauthorized or revoked_token", 429: "too_many_requests"}
        if self.status in own:
            raise ValueError(f"{self.status} has its own kind: {own[self.status]}")
        if self.errors and self.status not in _NAMING_FIELDS:
            raise ValueError(f"errors go with the statuses {', '.join(map(str, _NAMING_FIELDS))}, not {self.status}")
        return self


class ServerErrors(_Fault):
    """A 5xx, drawn from `statuses`; nothing is carried out."""

    kind: Literal["server_errors"] = "server_errors"
    statuses: Annotated[tuple[ServerError, ...], Field(min_length=1)] = Field(
        default=(500, 502, 503, 504), description="Each as likely as the others."
    )


class _Latency(_Fault):
    wait: Literal["before_commit", "after_commit"] = Field(
        default="before_commit", description="Whether the wait comes before the operation or after it."
    )


class FixedLatency(_Latency):
    """The call takes longer, always by the same."""

    kind: Literal["fixed_latency"] = "fixed_latency"
    seconds: Seconds = Field(default=0.05, description="The wait.")


class UniformLatency(_Latency):
    """The call takes longer, by anything between two bounds."""

    kind: Literal["uniform_latency"] = "uniform_latency"
    low: Seconds = Field(default=0.0, description="The shortest wait, seconds.")
    high: Seconds = Field(default=0.1, description="The longest wait, seconds.")

    @model_validator(mode="after")
    def _ordered(self) -> "UniformLatency":
        if self.low > self.high:
            raise ValueError(f"low is {self.low}, above high, which is {self.high}")
        return self


class LognormalLatency(_Latency):
    """The call takes longer, mostly a little and at times much, as real back ends do."""

    kind: Literal["lognormal_latency"] = "lognormal_latency"
    median: SomeSeconds = Field(default=0.05, description="Half of the waits are shorter, seconds.")
    sigma: Annotated[float, Field(ge=0, le=5)] = Field(default=0.6, description="Spread: p84 is median · e^sigma.")
    longest: SomeSeconds = Field(default=30.0, description="No wait is longer, seconds.")


class Unlisted(_Fault):
    """An eventually consistent list: a ticket is in no list of tickets until it has lived some time."""

    only = ("list_tickets",)
    kind: Literal["unlisted"] = "unlisted"
    seconds: SomeSeconds = Field(default=5.0, description="From the commit until it is listed.")


LATENCIES = (FixedLatency, UniformLatency, LognormalLatency)
Latency = FixedLatency | UniformLatency | LognormalLatency
Spoiled = (
    CommitThenReset
    | CommitThenError
    | LateCommit
    | Drip
    | Truncated
    | WithoutId
    | TooManyRequests
    | Unauthorized
    | RevokedToken
    | TokenRefused
    | Refusal
    | ServerErrors
    | Reset
    | Silence
)
"""The faults of which a call has one at most."""
Fault = Annotated[Spoiled | Refuse | Latency | Unlisted, Field(discriminator="kind")]
