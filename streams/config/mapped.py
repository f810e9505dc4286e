"""Settings of Mapped's GraphQL API, which only `backfill` reads."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from streams.config.types import Duration, Optional, Section

DEFAULT_URL = "https://api.mapped.com/graphql"


class MappedSettings(Section):
    """Mapped's GraphQL API. Only `backfill` reads it; the workers never do."""

    url: str = Field(default=DEFAULT_URL, description="Address that GraphQL queries are posted to.")
    token: Annotated[SecretStr | None, Optional] = Field(
        default=None,
        description="Personal access token of Mapped; one that only reads (role EXPLORER) is enough; also from a file.",
    )
    request_timeout: Duration = Field(
        default=timedelta(seconds=60),
        gt=timedelta(0),
        le=timedelta(minutes=10),
        description="Deadline over one whole query.",
    )
    requests_per_second: float = Field(
        default=5.0, gt=0, allow_inf_nan=False, description="Queries sent at most; Mapped publishes no limit."
    )

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"an address like {DEFAULT_URL}")
        if "@" in parts.netloc or parts.fragment:
            # The address is named in errors: nothing secret may be part of it.
            raise ValueError("expected an address without user, password and #; the token goes into token")
        return value.strip()

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        # It becomes a header: a line break or a space in it would be a second header or a second word.
        if value is not None and not all("!" <= letter <= "~" for letter in value.get_secret_value()):
            raise ValueError("expected the token alone: ASCII letters without spaces, and no `token ` before it")
        return value
