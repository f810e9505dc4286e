"""Settings of how Mapped's values become Willow's: the six enumerations, the input forms, the loop guard."""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from streams.config.types import Optional, Section


class EnumerationMode(StrEnum):
    MAP = "map"
    MATCH_NAME = "match_name"
    PASS_THROUGH = "pass_through"
    OMIT = "omit"


class Enumeration(Section):
    """One enumeration: how a Mapped value becomes Willow's."""

    mode: EnumerationMode = Field(
        default=EnumerationMode.MATCH_NAME,
        description="map: by `values`; match_name: by name against Willow's list; pass_through: "
        "Willow's form if there is one, else as it is; omit: not sent.",
    )
    values: dict[str, str] = Field(
        default={},
        description="Mapped value → Willow id or name; keys match without regard to case and spacing.",
    )
    default: Annotated[str | None, Optional] = Field(
        default=None, description="Willow id or name for null and for unmapped values."
    )
    required: bool = Field(
        default=False, description="Without a value the order is skipped; else the field is left out."
    )

    @model_validator(mode="after")
    def _sensible(self) -> "Enumeration":
        seen: dict[str, tuple[str, str]] = {}
        for key, target in self.values.items():
            first, first_target = seen.setdefault("".join(key.split()).casefold(), (key, target))
            if first_target != target:
                raise ValueError(
                    f"values: {first!r} and {key!r} are the same without case and spacing, but lead to "
                    f"{first_target!r} and {target!r}; keep one"
                )
        if self.mode is EnumerationMode.OMIT and (self.required or self.default is not None or self.values):
            raise ValueError("mode omit sends nothing; it goes with neither required, default nor values")
        if self.mode is EnumerationMode.MAP and self.required and not self.values and self.default is None:
            raise ValueError("mode map is required and has neither values nor a default: every order would be skipped")
        return self


class Enumerations(Section):
    """The six enumerations. Every key is optional; what is left out has the default below."""

    job_status: Enumeration = Enumeration(required=True)
    job_sub_status: Enumeration = Enumeration(mode=EnumerationMode.OMIT)
    job_priority: Enumeration = Enumeration()
    job_type: Enumeration = Enumeration()
    sector: Enumeration = Enumeration()
    services_needed: Enumeration = Enumeration(mode=EnumerationMode.OMIT)

    @model_validator(mode="before")
    @classmethod
    def _keep_the_field_s_own_defaults(cls, value: Any) -> Any:
        # Without this, `job_status: {mode: map, …}` would silently stop being required.
        if not isinstance(value, dict):
            return value
        own = {name: field.default.model_dump(exclude_unset=True) for name, field in cls.model_fields.items()}
        return {
            name: {**own[name], **entry} if name in own and isinstance(entry, dict) else entry
            for name, entry in value.items()
        }


class InputFormat(StrEnum):
    AUTO = "auto"
    ENVELOPE = "envelope"
    WRAPPED = "wrapped"
    FLAT = "flat"
    CLOUDEVENTS = "cloudevents"


class InputSettings(Section):
    """Value form of the input topics; a single word (`input_format: flat`) means both."""

    work_orders: InputFormat = Field(default=InputFormat.AUTO, description="Value form of the work order topic.")
    entities: InputFormat = Field(default=InputFormat.AUTO, description="Value form of the entity topic.")

    @model_validator(mode="before")
    @classmethod
    def _one_word_for_both(cls, value: Any) -> Any:
        return {"work_orders": value, "entities": value} if isinstance(value, str) else value


class WillowBorn(Section):
    """The loop guard: orders that came from Willow are not sent back."""

    patterns: list[str] = Field(
        default=["@willow"],
        description="Regular expressions searched in mapping key and identities; a match came from Willow. "
        "An empty list turns the loop guard off.",
    )

    @field_validator("patterns")
    @classmethod
    def _compile(cls, value: list[str]) -> list[str]:
        for pattern in value:
            if not pattern:
                raise ValueError("an empty pattern matches every order; leave it out")
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return value
