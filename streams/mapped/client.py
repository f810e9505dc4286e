"""One query at a time to Mapped: paced, with one deadline, a bounded answer, and repeated where that may help."""

import ssl
from collections.abc import Callable

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from streams.mapped.answers import Rows, read_rows
from streams.mapped.errors import AnswerTooLarge, MappedError, Passing, Unreachable
from streams.mapped.pace import Pace
from streams.mapped.query import Criteria, Fields, render
from streams.willow.answers import read_retry_after
from streams.willow.retries import ATTEMPTS, LONGEST_WAIT, wait_seconds

MAX_ANSWER_BYTES = 8 << 20
"""Mapped's lists have no pages: without a bound one answer could be the whole graph. A listed id takes some 40
bytes of it, so that 200,000 are still one answer, which takes some 70 MB when it is read."""

MASK = "********"


class MappedClient:
    """``timeout`` in seconds, over one whole query. ``random`` gives numbers in [0, 1); ``clock`` is monotonic,
    ``wall_clock`` in seconds since 1970."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        pace: Pace,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._url = url
        self._token = token
        self._timeout = timeout
        self._pace = pace
        self._clock = clock
        self._wall_clock = wall_clock
        self._sleep = sleep
        self._random = random
        self._max_answer_bytes = max_answer_bytes
        # Redirects are not followed: the token would go to another host.
        self._http = httpx.Client(timeout=timeout, headers=self._headers(), follow_redirects=False)

    def close(self) -> None:
        self._http.close()

    def rows(self, name: str, fields: Fields, criteria: Criteria, without: frozenset[str] = frozenset()) -> Rows:
        """The rows of a top-level list. Blocks for at most ``ATTEMPTS`` time-outs and the waits between.

        Raises MappedError."""
        query = render(name, fields, criteria, without)
        attempts = Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            retry=retry_if_exception(_should_repeat),
            sleep=self._sleep,
            reraise=True,
        )
        return attempts(self._once, name, query)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"token {self._token}", "accept": "application/json", "user-agent": "willow-sync"}

    def _once(self, name: str, query: str) -> Rows:
        self._pace.wait()
        deadline = self._clock() + self._timeout
        try:
            with self._http.stream("POST", self._url, json={"query": query}) as response:
                body = self._read(response, deadline)
        except httpx.HTTPError as error:
            raise _failed(error, self._timeout) from error
        retry_after = read_retry_after(response.headers.get("retry-after"), self._wall_clock())
        return read_rows(name, response.status_code, body, retry_after=retry_after, scrub=self._scrub)

    def _read(self, response: httpx.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > self._max_answer_bytes:
                raise AnswerTooLarge(f"Mapped's answer is larger than {self._max_answer_bytes:,} bytes")
            # httpx bounds the wait for each piece only: a dripping answer would have no end.
            if self._clock() > deadline:
                raise _late(self._timeout)
        return bytes(body)

    def _scrub(self, text: str) -> str:
        return text.replace(self._token, MASK)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        retry_after = error.retry_after if isinstance(error, Passing) else None
        return wait_seconds(state.attempt_number, retry_after, self._random)


def _should_repeat(error: BaseException) -> bool:
    if isinstance(error, Passing):
        return (error.retry_after or 0.0) <= LONGEST_WAIT
    return isinstance(error, Unreachable) and error.passing


def _late(timeout: float) -> Passing:
    return Passing(
        f"Mapped gave no whole answer within {timeout:g} s",
        "Raise mapped.request_timeout, or ask for less (--since, --until), and run the command again: it goes on "
        "where it stopped.",
    )


def _failed(error: httpx.HTTPError, timeout: float) -> MappedError:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return _unreachable(error)
    if isinstance(error, httpx.TimeoutException):
        return _late(timeout)
    if isinstance(error, httpx.ProxyError):
        return Unreachable(f"the proxy refused: {error}", "Check HTTPS_PROXY and NO_PROXY.", passing=False)
    return Passing(
        f"the connection to Mapped ended before the answer was whole: {str(error) or type(error).__name__}",
        "Run the command again: it goes on where it stopped. If it stays so, check mapped.url and what stands between.",
    )


def _unreachable(error: httpx.HTTPError) -> Unreachable:
    words = f"no connection to Mapped: {str(error) or type(error).__name__}"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            remedy = (
                "Check that mapped.url is an https address and that its certificate is trusted here (SSL_CERT_FILE "
                "names a file of further authorities)."
            )
            return Unreachable(words, remedy, passing=False)
        cause = cause.__cause__ or cause.__context__
    remedy = "Check the host name in mapped.url, and that it can be reached from here (DNS, firewall, HTTPS_PROXY)."
    return Unreachable(words, remedy, passing=True)
