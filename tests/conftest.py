"""What all tests share: a Kafka broker, and settings under which tests do not meet each other's topics.

The broker is the one at $WILLOW_SYNC_TEST_BOOTSTRAP; else, with WILLOW_SYNC_TEST_BROKER=testcontainers, one
in Docker; else one that `ops.kafka` starts from its pinned jars. The header of the run says which. A part
that is missing skips the tests that need it and says how to get it; where $CI is set it fails them.
"""

import asyncio
import gc
import os
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ops.kafka import KAFKA_VERSION, Broker, BrokerAddress, KafkaRuntime, KafkaSetupError, prepare
from ops.mapped import Graph, MappedEmulator
from streams.settings import Settings

EXTERNAL = "WILLOW_SYNC_TEST_BOOTSTRAP"
CHOICE = "WILLOW_SYNC_TEST_BROKER"
CHOICES = ("ops.kafka", "testcontainers")


class Reached:
    """A broker that runs elsewhere."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers


def pytest_report_header() -> str:
    return f"kafka broker: {_choice()[1]}"


def _choice() -> tuple[str, str]:
    """Which broker the tests take, and a line that says so."""
    if external := os.environ.get(EXTERNAL):
        return "external", f"{external} (from {EXTERNAL})"
    chosen = os.environ.get(CHOICE) or CHOICES[0]
    if chosen not in CHOICES:
        raise pytest.UsageError(f"{CHOICE} is {chosen!r}; allowed: {', '.join(CHOICES)}")
    if chosen == "testcontainers":
        return chosen, f"a container of testcontainers (from {CHOICE})"
    return chosen, f"Apache Kafka {KAFKA_VERSION} from the pinned jars (ops.kafka)"


def _lacking(what: str, remedy: str) -> NoReturn:
    # A green CI that ran no test on a broker would be a false one.
    if os.environ.get("CI"):
        pytest.fail(f"{what}; {remedy}", pytrace=False)
    pytest.skip(f"{what}; {remedy}")


@pytest.fixture(scope="session")
def kafka_runtime() -> KafkaRuntime:
    """A Java and the jars of Apache Kafka, fetched at the first use."""
    try:
        return prepare()
    except KafkaSetupError as error:
        _lacking(str(error), error.remedy)


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerAddress]:
    """The broker that all tests share. Do not stop it; take names of your own (``settings_for`` does)."""
    choice, _ = _choice()
    if choice == "external":
        yield Reached(os.environ[EXTERNAL])
    elif choice == "testcontainers":
        yield from _container()
    else:
        runtime: KafkaRuntime = request.getfixturevalue("kafka_runtime")
        with Broker(runtime, tmp_path_factory.mktemp("broker")) as own:
            yield own


def _container() -> Iterator[BrokerAddress]:
    from testcontainers.community.kafka import KafkaContainer

    failure = None
    try:
        container = KafkaContainer().with_kraft()
        container.start()
    except Exception as error:
        failure = f"no container could be started: {error}"
    if failure:
        with warnings.catch_warnings():
            # Docker's client forgets its socket when it fails: the warning would fail the whole run.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        _lacking(failure, f"start Docker, or unset {CHOICE}")
    try:
        yield Reached(container.get_bootstrap_server())
    finally:
        container.stop()


@pytest.fixture
def own_broker(kafka_runtime: KafkaRuntime, tmp_path: Path) -> Iterator[Broker]:
    """A broker of this test alone, which it may kill and restart."""
    with Broker(kafka_runtime, tmp_path / "own-broker") as own:
        yield own


@pytest.fixture
def settings_for(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Settings]:
    """Makes settings with topics, group and data folder of this test alone:
    ``settings_for(topics={"partitions": 2}, park_ttl="1s")``.

    Sections are merged field by field; the calls of one test share their names. They lead to the shared
    broker, unless ``kafka={"bootstrap_servers": …}`` names another."""
    name = f"t{uuid.uuid4().hex[:10]}"

    def make(**changes: Any) -> Settings:
        kafka = {"group_id": name, **changes.pop("kafka", {})}
        if "bootstrap_servers" not in kafka:
            kafka["bootstrap_servers"] = request.getfixturevalue("broker").bootstrap_servers
        base: Mapping[str, Any] = {
            "kafka": kafka,
            "willow": {
                "base_url": "http://127.0.0.1:9/api/v3",
                "client_id": "test",
                "client_secret": "test",
            },
            "topics": {
                "prefix": f"{name}.",
                "work_orders": f"{name}.in.work-orders",
                "entities": f"{name}.in.entities",
                "partitions": 2,
            },
            "selected_sites": ["*"],
            "data_dir": str(tmp_path / "data"),
            "web": {"port": None},
        }
        return Settings.model_validate(_merged(base, changes))

    return make


@pytest.fixture
def mapped() -> Iterator[Callable[..., MappedEmulator]]:
    """Starts Mapped emulators in a thread of their own, for the client that reads them blocks:
    ``mapped({"workOrders": […]}, token="t")``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started: list[MappedEmulator] = []

    def start(lists: Mapping[str, Any], **switches: Any) -> MappedEmulator:
        emulator = MappedEmulator(Graph(lists), **switches)
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(timeout=10)
        started.append(emulator)
        return emulator

    yield start
    for emulator in started:
        asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(timeout=10)
    # The threads in which it answered queries.
    asyncio.run_coroutine_threadsafe(loop.shutdown_default_executor(), loop).result(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = {**merged[key], **value} if both else value
    return merged
