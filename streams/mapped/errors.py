"""What can go wrong in a query to Mapped.

::

    MappedError               remedy
     ├─ TokenRefused          Mapped does not know the token, or it may not read this
     ├─ QueryRefused          GraphQL errors; messages are Mapped's own
     ├─ AnswerTooLarge        the answer is over the bound: ask for less
     ├─ NotMapped             what answers is no GraphQL API
     ├─ Unreachable           no connection; reason says why
     └─ Passing               429, 5xx, time-out, reset: the same query may succeed later

A query changes nothing, so each may be sent again. No error holds the token; Mapped's words are cut to 1 KiB.
"""

from collections.abc import Sequence

MAX_WORDS = 1024


class MappedError(Exception):
    """Any failure of a query; ``remedy`` says what the operator can do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class TokenRefused(MappedError):
    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            "Check mapped.token (or WILLOW_SYNC_MAPPED__TOKEN, or mapped.token_file): a personal access token of this "
            "organization that was not revoked. A role that reads is enough (EXPLORER).",
        )


class QueryRefused(MappedError):
    """``messages`` are those of Mapped's GraphQL errors, each cut to 1 KiB."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = tuple(message[:MAX_WORDS] for message in messages)
        super().__init__(
            f"Mapped refused the query: {'; '.join(self.messages)[:MAX_WORDS]}",
            "If it names what you gave (connector, id, date), correct that. If it names a field or type, Mapped's "
            "schema is no longer the one this version asks for: report it with this message. Else try again later.",
        )


class AnswerTooLarge(MappedError):
    """The caller asks for less; the remedy is for a list that can't be divided any further."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Ask for less: a --connector, a shorter time (--since, --until), or --id.")


class NotMapped(MappedError):
    def __init__(self, message: str) -> None:
        super().__init__(
            message, "Correct mapped.url: it must be the address of Mapped's GraphQL API, as it is without redirects."
        )


class Unreachable(MappedError):
    """``passing``: waiting may help."""

    def __init__(self, message: str, remedy: str, *, passing: bool) -> None:
        super().__init__(message, remedy)
        self.passing = passing


class Passing(MappedError):
    """``retry_after`` in seconds from now, None where Mapped did not say."""

    def __init__(self, message: str, remedy: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after
