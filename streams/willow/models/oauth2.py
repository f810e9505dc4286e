"""The token call, the only one whose names are snake_case on the wire too (RFC 6749)."""

from pydantic import ConfigDict, SecretStr

from schemas.base import Text
from streams.willow.models.base import Read, Write


class TokenRequest(Write):
    """Sent as a form (seed 001), not as JSON. All three are required."""

    model_config = ConfigDict(alias_generator=None)

    grant_type: str
    client_id: str
    client_secret: SecretStr


class TokenAnswer(Read):
    """``expires_in`` in seconds. There is no refresh token: ask again."""

    model_config = ConfigDict(alias_generator=None)

    access_token: SecretStr
    token_type: Text | None = None
    expires_in: float | None = None
