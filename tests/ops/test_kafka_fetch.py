"""The fetch against a repository on this machine that misbehaves as told."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ops.kafka import FetchError, FetchProgress, free_port
from ops.kafka.fetch import ATTEMPTS, fetch_jars
from ops.kafka.jars import Jar

CONTENTS = {f"lib{number}": bytes([number]) * (10_000 + number) for number in range(8)}
JARS = tuple(
    Jar("org.example", name, "1.0", len(content), hashlib.sha256(content).hexdigest())
    for name, content in CONTENTS.items()
)

Answer = Callable[[str, int], tuple[int, bytes]]
"""(artifact, how often it was asked for before) → status and body."""


@dataclass
class Repository:
    url: str = ""
    answer: Answer = lambda name, _: (200, CONTENTS[name])
    asked: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, path: str) -> tuple[int, bytes]:
        name = path.split("/")[-3]
        with self.lock:
            before = self.asked[name]
            self.asked[name] += 1
        return self.answer(name, before)


@pytest.fixture
def repository() -> Iterator[Repository]:
    repository = Repository()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = repository.serve(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # The client hangs up on an answer that is too long.
            try:
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        repository.url = f"http://127.0.0.1:{server.server_port}/maven2"
        yield repository
        server.shutdown()


def fetch(repository: Repository, cache: Path, seen: list[FetchProgress] | None = None) -> tuple[Path, ...]:
    progress = None if seen is None else seen.append
    return fetch_jars(JARS, cache, repository.url, progress=progress, sleep=lambda _: None)


def names(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_fetches_all_with_progress(repository: Repository, tmp_path: Path) -> None:
    seen: list[FetchProgress] = []
    paths = fetch(repository, tmp_path / "new" / "cache", seen)
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    total = sum(jar.size for jar in JARS)
    assert [progress.jars for progress in seen] == list(range(len(JARS) + 1))
    assert seen[-1] == FetchProgress(len(JARS), len(JARS), total, total)


def test_works_offline_once_cached(repository: Repository, tmp_path: Path) -> None:
    fetch(repository, tmp_path)
    seen: list[FetchProgress] = []
    repository.url = "http://127.0.0.1:9"
    fetch(repository, tmp_path, seen)
    assert seen == []


def test_fetches_again_what_is_damaged_or_gone(repository: Repository, tmp_path: Path) -> None:
    paths = fetch(repository, tmp_path)
    paths[0].write_bytes(b"half a ja")
    paths[1].unlink()
    fetch(repository, tmp_path)
    assert {name for name, count in repository.asked.items() if count == 2} == {"lib0", "lib1"}
    assert paths[0].read_bytes() == CONTENTS["lib0"]


@pytest.mark.parametrize("first", [(503, b"busy"), (429, b"slow down"), (200, b"truncated"), (200, b"")])
def test_tries_again(repository: Repository, tmp_path: Path, first: tuple[int, bytes]) -> None:
    repository.answer = lambda name, before: first if before < ATTEMPTS - 1 else (200, CONTENTS[name])
    fetch(repository, tmp_path)
    assert set(repository.asked.values()) == {ATTEMPTS}


@dataclass(frozen=True)
class Refusal:
    case: str
    answer: tuple[int, bytes]
    says: str
    attempts: int


REFUSALS = [
    Refusal("not there", (404, b"no"), "answered 404", 1),
    Refusal("forbidden", (403, b"no"), "answered 403", 1),
    Refusal("always busy", (503, b"no"), f"in {ATTEMPTS} attempts: 127.0.0.1 answered 503", ATTEMPTS),
    Refusal("another content", (200, b"x" * 10_003), "pinned is", ATTEMPTS),
    Refusal("a log-in page without end", (200, b"x" * 5_000_000), "pinned is", ATTEMPTS),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.case)
def test_refuses_and_says_what_to_do(repository: Repository, tmp_path: Path, refusal: Refusal) -> None:
    repository.answer = lambda name, _: refusal.answer if name == "lib3" else (200, CONTENTS[name])
    with pytest.raises(FetchError, match=refusal.says) as caught:
        fetch(repository, tmp_path)
    assert "WILLOW_SYNC_MAVEN_REPOSITORY" in caught.value.remedy
    assert repository.asked["lib3"] == refusal.attempts
    assert "lib3-1.0.jar" not in names(tmp_path)
    assert not [name for name in names(tmp_path) if name.endswith(".part")]


def test_no_network(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"127\.0\.0\.1") as caught:
        fetch(Repository(url=f"https://user:secret@127.0.0.1:{free_port()}"), tmp_path)
    assert "check the network" in caught.value.remedy
    assert "secret" not in str(caught.value)


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="is no address"):
        fetch(Repository(url="maven.example.com"), tmp_path)


def test_a_cache_that_cannot_be_made(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="cannot make the cache folder") as caught:
        fetch(repository, tmp_path / "file" / "cache")
    assert "WILLOW_SYNC_CACHE" in caught.value.remedy
