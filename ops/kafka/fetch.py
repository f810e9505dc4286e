"""Fetches the pinned jars into a cache folder; nothing that is not exactly what is pinned is ever used."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ops.kafka.errors import FetchError
from ops.kafka.jars import Jar

PARALLEL = 6
"""Downloads at once: enough to hide the latency of 46 small files, few enough for a repository's manners."""
ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(connect=10.0, read=30.0, write=10.0, pool=60.0)
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that a second try may change."""

_MIRROR = (
    "check the network and the proxy (HTTPS_PROXY), or set WILLOW_SYNC_MAVEN_REPOSITORY to a Maven mirror "
    "that this machine reaches; once fetched, the jars are used from the cache without a network"
)


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a fetch is, cached jars left out."""

    jars: int
    of_jars: int
    bytes: int
    of_bytes: int


class _TryAgain(Exception):
    """A failure that the next attempt may not meet."""


def fetch_jars(
    jars: Sequence[Jar],
    cache: Path,
    repository: str,
    *,
    progress: Callable[[FetchProgress], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Path, ...]:
    """Paths of all jars in ``cache``, after fetching those that are missing or damaged.

    ``progress`` is called in the calling thread: at the start and after each jar, never if all are there.
    Safe to run in several processes at once. Raises FetchError."""
    missing = [jar for jar in jars if not _is_pinned_file(cache / jar.file_name, jar)]
    if missing:
        _fetch_all(missing, cache, repository, progress or (lambda _: None), sleep)
    return tuple(cache / jar.file_name for jar in jars)


def _is_pinned_file(path: Path, jar: Jar) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _fetch_all(
    jars: Sequence[Jar],
    cache: Path,
    repository: str,
    progress: Callable[[FetchProgress], None],
    sleep: Callable[[float], None],
) -> None:
    _make_folder(cache)
    of_bytes = sum(jar.size for jar in jars)
    done = FetchProgress(0, len(jars), 0, of_bytes)
    progress(done)
    stopped = threading.Event()
    with _client(repository) as client, ThreadPoolExecutor(PARALLEL, "fetch-jar") as pool:
        fetch = partial(_fetch, client, cache, stopped, sleep)
        futures = {pool.submit(fetch, jar): jar for jar in jars}
        try:
            for future in as_completed(futures):
                future.result()
                done = FetchProgress(done.jars + 1, len(jars), done.bytes + futures[future].size, of_bytes)
                progress(done)
        finally:
            # After a failure or Ctrl-C the pool would otherwise fetch all the rest before it lets go.
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _make_folder(cache: Path) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchError(
            f"cannot make the cache folder {cache}: {error.strerror}",
            "set WILLOW_SYNC_CACHE to a folder that this user may write",
        ) from error


def _client(repository: str) -> httpx.Client:
    # http is let through for mirrors on a private network: what arrives is checked against the pinned hash.
    if not repository.startswith(("https://", "http://")):
        raise FetchError(
            f"the Maven repository {repository!r} is no address of the form https://host/path",
            "set WILLOW_SYNC_MAVEN_REPOSITORY to such an address, or unset it for Maven Central",
        )
    return httpx.Client(base_url=repository.rstrip("/") + "/", timeout=_TIMEOUT, follow_redirects=True)


def _fetch(
    client: httpx.Client, cache: Path, stopped: threading.Event, sleep: Callable[[float], None], jar: Jar
) -> None:
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=5),
        retry=retry_if_exception_type(_TryAgain),
        sleep=sleep,
        reraise=True,
    )
    try:
        retrying(_attempt, client, cache, stopped, jar)
    except _TryAgain as error:
        raise FetchError(f"{jar.file_name} could not be fetched in {ATTEMPTS} attempts: {error}", _MIRROR) from error


def _attempt(client: httpx.Client, cache: Path, stopped: threading.Event, jar: Jar) -> None:
    # A name of its own per process: two that fetch at once must not write into one file.
    part = cache / f"{jar.file_name}.{os.getpid()}.part"
    try:
        digest = _download(client, part, stopped, jar)
        if digest != jar.sha256:
            raise _TryAgain(f"{_host(client)} sent SHA-256 {digest}, pinned is {jar.sha256}")
        os.replace(part, cache / jar.file_name)
    except httpx.TransportError as error:
        raise _TryAgain(f"{_host(client)}: {error or type(error).__name__}") from error
    except OSError as error:
        raise FetchError(
            f"cannot write {jar.file_name} into {cache}: {error.strerror}",
            "make room there or set WILLOW_SYNC_CACHE to another folder",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _download(client: httpx.Client, part: Path, stopped: threading.Event, jar: Jar) -> str:
    digest = hashlib.sha256()
    received = 0
    with client.stream("GET", jar.path) as response, part.open("wb") as file:
        _check_status(response, jar)
        for chunk in response.iter_bytes():
            received += len(chunk)
            # A portal's log-in page or a wrong mirror must not fill the disk.
            if stopped.is_set() or received > jar.size:
                break
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _check_status(response: httpx.Response, jar: Jar) -> None:
    if response.status_code in _PASSING:
        raise _TryAgain(f"{response.url.host} answered {response.status_code}")
    if response.status_code != 200:
        raise FetchError(f"{response.url.host} answered {response.status_code} for {jar.path}, expected 200", _MIRROR)


def _host(client: httpx.Client) -> str:
    # The host alone: the address of a private mirror may carry a password.
    return client.base_url.host
