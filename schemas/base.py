"""What all records share: camelCase on the wire, snake_case in Python, immutable once made."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


class Record(BaseModel):
    """A JSON object on a topic. Unknown fields are ignored, so that a newer producer does not break a reader."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    def to_json(self) -> bytes:
        """UTF-8 JSON, camelCase, every field present (null where unknown)."""
        return self.model_dump_json(by_alias=True).encode()


def _text(value: Any) -> Any:
    # A CDC source may type an id or an enumeration column as a number; a Willow or Mapped text never means one.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return str(value)


Text = Annotated[str, BeforeValidator(_text)]
"""A string that also accepts a JSON number (``priority: 3`` is the text ``"3"``)."""
