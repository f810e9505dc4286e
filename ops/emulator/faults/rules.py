"""The rules that choose faults, and the document that holds them. ``docs/emulator.md`` shows both as tables."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from ops.emulator.faults.kinds import NAMES, Fault, Model, Refuse, Seconds, SomeSeconds

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class Rule(Model):
    """One fault, and the calls it is for: those that all of the given conditions hold for."""

    name: str | None = Field(default=None, description="Its name in the journal. Default: `rule 1`, `rule 2`, …")
    operations: tuple[str, ...] | None = Field(
        default=None, description="Names of operations. Default: all that the fault makes sense for."
    )
    orders: str | None = Field(
        default=None, description="Glob on the external id; look-ups: on one of those asked for."
    )
    orders_regex: str | None = Field(default=None, description="The same as a regular expression, searched.")
    tickets: tuple[str, ...] | None = Field(default=None, description="Ticket ids, of calls on one ticket.")
    connection: Literal["any", "new", "reused"] = Field(
        default="any", description="`new`: the connection's first request; `reused`: a later one."
    )
    after: Seconds = Field(
        default=0.0, description="From this second on; counted from the start or the last replacement."
    )
    until: SomeSeconds | None = Field(default=None, description="Up to this second, which is not in it any more.")
    nth: Count | None = Field(default=None, description="Only the n-th matching call.")
    every: Count | None = Field(default=None, description="Only each n-th matching call.")
    probability: Share | None = Field(default=None, description="Each matching call with this probability.")
    limit: Count | None = Field(default=None, description="No more once it was applied so often.")
    per: Literal["all", "order"] = Field(
        default="all", description="`order`: nth, every and limit count for each order."
    )
    fault: Fault = Field(description="The fault's `kind` and settings; a kind alone takes its defaults.")

    @field_validator("fault", mode="before")
    @classmethod
    def _kind_alone(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("operations")
    @classmethod
    def _known(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = [name for name in value or () if name not in NAMES]
        if unknown or value == ():
            raise ValueError(f"found {', '.join(unknown) or 'none'}; there are {', '.join(NAMES)}")
        return value

    @field_validator("orders_regex")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Rule":
        strangers = [name for name in self.operations or () if name not in self.fault.only]
        if strangers:
            allowed = ", ".join(self.fault.only)
            raise ValueError(f"{self.fault.kind} makes no sense for {', '.join(strangers)}; it is for {allowed}")
        counted = [name for name in ("nth", "every", "probability") if getattr(self, name) is not None]
        if len(counted) > 1:
            raise ValueError(f"found {' and '.join(counted)}; expected one of nth, every, probability")
        if self.until is not None and self.until <= self.after:
            raise ValueError(f"until is {self.until}, not after `after`, which is {self.after}")
        if isinstance(self.fault, Refuse):
            self._by_time_alone()
        return self

    def _by_time_alone(self) -> None:
        others = sorted(self.model_fields_set - {"name", "after", "until", "fault"})
        if others:
            raise ValueError(f"refuse closes the door to all calls; {', '.join(others)} can't narrow it: use reset")
        if self.until is None:
            raise ValueError("refuse needs until: while nothing listens nobody could end it")

    @property
    def applies_to(self) -> tuple[str, ...]:
        return self.fault.only if self.operations is None else self.operations


class Plan(Model):
    """A faults document. Rules are tried in their order: of the faults that spoil an answer the first one that
    applies is taken; the first latency and the first `unlisted` that apply come besides."""

    seed: int = Field(
        default=0, description="Of all that is drawn: the same calls in the same order meet the same faults."
    )
    rules: tuple[Rule, ...] = Field(default=(), description="Tried from top to bottom.")

    @model_validator(mode="after")
    def _names_once(self) -> "Plan":
        names = [rule.name for rule in self.rules if rule.name is not None]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two rules have the name {', '.join(twice)}; the journal could not tell them apart")
        return self
