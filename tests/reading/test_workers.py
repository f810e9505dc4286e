"""What a worker's own pages say; one that does not answer is a finding, not an error."""

import asyncio

from ops.kafka import free_port
from streams.cli.status import _workers
from streams.metrics import Metrics
from streams.reading.workers import WorkerFacts, addresses_of, ask_workers
from streams.settings import Web
from streams.web import Pages


async def test_readiness_breaker_and_token() -> None:
    metrics = Metrics()
    metrics.paused(["tenant"])
    metrics.gauge("token_expires_seconds", "Life left.", lambda: 3349.0)
    metrics.gauge("in_flight", "Calls.", lambda: 7.0)
    async with Pages(Web(port=0), ready=lambda: ["paused (tenant): 403"], metrics=metrics.text) as pages:
        assert pages.address is not None
        (found,) = await asyncio.to_thread(ask_workers, [pages.address + "/"])
    assert (found.problem, found.ready, found.missing) == (None, False, ("paused (tenant): 403",))
    assert (found.paused, found.token_expires_seconds, found.in_flight) == (("tenant",), 3349.0, 7.0)
    assert found.pending_records is None


def test_a_worker_without_a_token_is_not_said_to_have_one_for_0_s() -> None:
    told = [list(_workers([WorkerFacts("http://w", None, True, (), (), 0, 0, left)]))[-1] for left in (0.0, 61.0, None)]
    assert told == ["    token: none that is good", "    token good for: 61 s", "    token good for: ? s"]


def test_one_that_is_not_there() -> None:
    (found,) = ask_workers([f"http://127.0.0.1:{free_port()}"])
    assert found.problem is not None
    assert found.problem.startswith("ConnectError")


def test_where_a_worker_is() -> None:
    assert addresses_of(Web(host="0.0.0.0", port=8087)) == ["http://127.0.0.1:8087"]
    assert addresses_of(Web(port=0)) == addresses_of(Web(port=None)) == []
