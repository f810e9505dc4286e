"""The client over real HTTP: against the emulator, and against what stands in its place when it is ill."""

import socket
import time as real_time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from aiohttp import web

from ops.mapped import MappedEmulator
from streams.mapped import MappedClient, MappedError, Pace
from streams.mapped.errors import AnswerTooLarge, NotMapped, Passing, QueryRefused, TokenRefused, Unreachable
from streams.mapped.query import Criteria, scalars
from streams.willow.retries import ATTEMPTS
from tests.mapped.conftest import FakeTime

Start = Callable[..., MappedEmulator]
ClientOf = Callable[..., MappedClient]

ORDERS = {"workOrders": [{"id": "WO1", "summary": "a"}, {"id": "WO2", "summary": "b"}]}
ID = scalars("id")


def test_rows_by_filter(mapped: Start, client_of: ClientOf) -> None:
    client = client_of(mapped(ORDERS).url)
    assert client.rows("workOrders", scalars("id", "summary"), Criteria(ids=("WO2", "WO3"))).rows == (
        {"id": "WO2", "summary": "b"},
    )


def test_a_wrong_token_is_told_without_showing_it(mapped: Start, client_of: ClientOf) -> None:
    emulator = mapped(ORDERS)
    with pytest.raises(TokenRefused) as caught:
        client_of(emulator.url, token="s3cret").rows("workOrders", ID, Criteria())
    assert "s3cret" not in str(caught.value)
    assert "mapped.token" in caught.value.remedy
    assert not emulator.queries


def test_a_refused_query_is_told_in_mapped_s_words_and_not_repeated(
    mapped: Start, client_of: ClientOf, time: FakeTime
) -> None:
    emulator = mapped(ORDERS)
    with pytest.raises(QueryRefused, match='Cannot query field "colour" on type "WorkOrder"'):
        client_of(emulator.url).rows("workOrders", scalars("colour"), Criteria())
    assert (len(emulator.queries), time.slept) == (1, [])


class TestRepeats:
    @staticmethod
    def _ill(count: int, status: int, **headers: str) -> Callable[[str], Any]:
        left = [count]

        async def fault(query: str) -> web.Response | None:
            left[0] -= 1
            return web.Response(status=status, headers=headers) if left[0] >= 0 else None

        return fault

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_a_fault_of_the_moment_is_waited_for(
        self, mapped: Start, client_of: ClientOf, time: FakeTime, status: int
    ) -> None:
        emulator = mapped(ORDERS, fault=self._ill(2, status))
        assert len(client_of(emulator.url).rows("workOrders", ID, Criteria()).rows) == 2
        assert time.slept == [0.25, 0.5]

    def test_not_without_end(self, mapped: Start, client_of: ClientOf) -> None:
        emulator = mapped(ORDERS, fault=self._ill(100, 503))
        with pytest.raises(Passing, match="Mapped answered 503") as caught:
            client_of(emulator.url).rows("workOrders", ID, Criteria())
        assert len(emulator.queries) == ATTEMPTS
        assert "goes on where it stopped" in caught.value.remedy

    def test_retry_after_is_obeyed(self, mapped: Start, client_of: ClientOf, time: FakeTime) -> None:
        emulator = mapped(ORDERS, fault=self._ill(1, 429, **{"Retry-After": "7"}))
        client_of(emulator.url).rows("workOrders", ID, Criteria())
        assert time.slept == [7.25]

    def test_a_retry_after_that_is_too_long_ends_it(self, mapped: Start, client_of: ClientOf, time: FakeTime) -> None:
        emulator = mapped(ORDERS, fault=self._ill(1, 429, **{"Retry-After": "3600"}))
        with pytest.raises(Passing) as caught:
            client_of(emulator.url).rows("workOrders", ID, Criteria())
        assert "mapped.requests_per_second" in caught.value.remedy
        assert time.slept == []


def test_an_answer_over_the_bound_is_not_read_on(mapped: Start, client_of: ClientOf) -> None:
    emulator = mapped({"workOrders": [{"id": "x" * 1000}] * 100})
    with pytest.raises(AnswerTooLarge, match=r"larger than 5,000 bytes"):
        client_of(emulator.url, max_answer_bytes=5000).rows("workOrders", ID, Criteria())


def test_a_redirect_is_not_followed(mapped: Start, client_of: ClientOf) -> None:
    async def fault(query: str) -> web.Response:
        return web.Response(status=307, headers={"Location": "http://127.0.0.1:1/graphql"})

    with pytest.raises(NotMapped, match="Mapped answered 307"):
        client_of(mapped(ORDERS, fault=fault).url).rows("workOrders", ID, Criteria())


@contextmanager
def server(reply: Callable[[socket.socket], None]) -> Iterator[str]:
    """A TCP server that answers each connection with ``reply``; its URL."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    reply(connection)
                except OSError:
                    continue

    thread = Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/graphql"
    finally:
        # Closing alone does not wake a thread that waits in accept.
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=10)


def drips(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(200):
        connection.sendall(b" ")
        real_time.sleep(0.02)


def breaks_off(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{"data"')


def speaks_nonsense(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def is_silent(connection: socket.socket) -> None:
    real_time.sleep(0.3)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (drips, "no whole answer within 0.15 s"),
        (is_silent, "no whole answer within 0.15 s"),
        (breaks_off, "ended before the answer was whole"),
        (speaks_nonsense, "ended before the answer was whole"),
    ],
)
def test_no_whole_answer_is_told_with_a_remedy(
    client_of: ClientOf, reply: Callable[[socket.socket], None], told: str
) -> None:
    with server(reply) as url, pytest.raises(Passing, match=told) as caught:
        client_of(url, timeout=0.15, clock=real_time.monotonic).rows("workOrders", ID, Criteria())
    assert "goes on" in caught.value.remedy


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert isinstance(port, int)
    return port


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}/graphql", "http://no-such-host.invalid/graphql"])
def test_no_connection_is_tried_again_and_told(client_of: ClientOf, time: FakeTime, address: str) -> None:
    with pytest.raises(Unreachable, match="no connection to Mapped") as caught:
        client_of(address.format(port=free_port())).rows("workOrders", ID, Criteria())
    assert len(time.slept) == ATTEMPTS - 1
    assert "mapped.url" in caught.value.remedy


def test_tls_to_a_plain_text_port_is_the_set_up_s_fault(client_of: ClientOf, time: FakeTime) -> None:
    with server(speaks_nonsense) as url, pytest.raises(MappedError) as caught:
        client_of(url.replace("http:", "https:")).rows("workOrders", ID, Criteria())
    assert isinstance(caught.value, Unreachable)
    assert "certificate" in caught.value.remedy
    assert time.slept == []


def test_no_second_holds_more_than_the_pace(time: FakeTime) -> None:
    pace = Pace(4.0, clock=time.clock, sleep=time.sleep)
    went = []
    for step in range(20):
        time.now += 0.05 if step % 3 else 0.0
        pace.wait()
        went.append(time.now)
    assert all(later - earlier >= 0.25 - 1e-9 for earlier, later in pairwise(went))
    assert went[-1] == pytest.approx(19 * 0.25)
