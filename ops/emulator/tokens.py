"""Bearer tokens (facts §1): ``client_credentials`` as a form; a refusal is problem details that also carry
the ``error`` and ``error_description`` of RFC 6749, since Willow's own form of it is not published."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from ops.emulator.clock import Clock
from ops.emulator.problems import Refusal
from streams.willow.models.oauth2 import TokenRequest

_FORM = tuple(TokenRequest.model_fields)
_MAX_TOKENS = 10_000


class Tokens:
    def __init__(
        self, client_id: str, client_secret: str, lifetime: float, clock: Clock, new_token: Callable[[], str]
    ) -> None:
        """``lifetime`` in seconds."""
        self._client = (client_id, client_secret)
        self._lifetime = lifetime
        self._clock = clock
        self._new_token = new_token
        self._expiry: dict[str, float] = {}

    def issue(self, body: bytes) -> dict[str, object]:
        """Raises Refusal: 400 for a wrong form, 401 for a wrong client."""
        form = _form(body)
        if form["grant_type"] != "client_credentials":
            raise _refused(400, "unsupported_grant_type", "grant_type must be client_credentials")
        if (form["client_id"], form["client_secret"]) != self._client:
            raise _refused(401, "invalid_client", "client_id or client_secret is wrong")
        token = self._new_token()
        self._expiry[token] = self._clock.monotonic() + self._lifetime
        while len(self._expiry) > _MAX_TOKENS:
            del self._expiry[next(iter(self._expiry))]
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(self._lifetime)}

    def check(self, authorization: str) -> None:
        """Raises Refusal (401) unless the header holds a token of ours that has not expired."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized("expected the header Authorization: Bearer <token>")
        expiry = self._expiry.get(token)
        if expiry is None:
            raise _unauthorized("the bearer token is unknown")
        if expiry <= self._clock.monotonic():
            raise _unauthorized("the bearer token has expired")


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=10)
    except ValueError as error:
        raise _refused(400, "invalid_request", f"the form can't be read: {error}") from error
    form = dict(pairs)
    wrong = [f"unknown field {name}" for name in form if name not in _FORM]
    wrong += [f"{name} is required" for name in _FORM if not form.get(name)]
    if wrong:
        raise _refused(400, "invalid_request", "; ".join(wrong))
    return form


def _refused(status: int, error: str, detail: str) -> Refusal:
    return Refusal(status, detail, extra={"error": error, "error_description": detail})


def _unauthorized(detail: str) -> Refusal:
    return Refusal(401, detail, headers={"WWW-Authenticate": "Bearer"})
