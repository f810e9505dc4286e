"""What the models of Willow's API share: reads are tolerant, writes are strict (contract §7).

A read takes what it can: unknown fields are ignored, and a field that can't be read has its default, so that one
odd value does not cost the whole list. What an object can't be used without (its id) is required all the same.
A write is refused before it is sent: unknown field, wrong type, no UUID. The emulator refuses by the same models.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic.alias_generators import to_camel, to_pascal

from schemas.base import Record
from streams.willow.wire import read_instant


class Read(Record):
    """An object of an answer. Missing, null and unreadable are one thing here: the field's default."""

    @field_validator("*", mode="wrap")
    @classmethod
    def _tolerate(cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        try:
            return read(value)
        except ValidationError:
            field = cls.model_fields[info.field_name or ""]
            if field.is_required():
                raise
            return field.get_default(call_default_factory=True, validated_data={})


# Seed 001 spells the twins' filters in both cases, and one property ("Id") in Pascal case only.
_EITHER_CASE = AliasGenerator(
    validation_alias=lambda name: AliasChoices(to_camel(name), to_pascal(name)),
    serialization_alias=to_camel,
)


class Write(BaseModel):
    """An object of a request. What was not given is not sent; a null that was given is sent as null.

    In Python fields go by their snake_case names; on the wire by camelCase, and PascalCase is understood."""

    model_config = ConfigDict(
        alias_generator=_EITHER_CASE,
        populate_by_name=True,
        frozen=True,
        strict=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )


class Query(Write):
    """The query parameters of an operation."""


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def uuid_text(value: str) -> str:
    """Lower case, for servers differ in it. Raises ValueError for what is no UUID."""
    found = value.lower()
    if not _UUID.fullmatch(found):
        raise ValueError("expected a UUID, like 497f6eca-6276-4993-bfeb-53cbbbba6f08")
    return found


Uuid = Annotated[str, AfterValidator(uuid_text)]
"""A UUID as text, in lower case."""

Instant = AwareDatetime
"""In a write: an instant with its offset."""

ReadInstant = Annotated[datetime | None, BeforeValidator(read_instant)]
"""In a read: UTC; None where it is no ISO 8601 instant. Without an offset it is UTC."""


def plain(body: Any) -> Any:
    """A request body as JSON values: models, lists of models, and what is plain already."""
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(body, Sequence) and not isinstance(body, str | bytes):
        return [plain(item) for item in body]
    return body
