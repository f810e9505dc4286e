"""Stages for the scenarios, and the workers' logs beside a failure."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ops.kafka import BrokerAddress
from tests.acceptance.judge import judge
from tests.acceptance.stage import Stage

StageFor = Callable[..., Stage]


@pytest.fixture
def stage_for(broker: BrokerAddress, tmp_path: Path) -> Iterator[StageFor]:
    """Makes a stage of this test alone: ``stage_for(in_doubt={"settle": "1s"})``."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Stage:
            stage = Stage(broker.bootstrap_servers, tmp_path, **changes)
            stack.callback(stage.close)
            return stage

        yield make


@pytest.fixture(scope="module")
def shared_settings() -> dict[str, Any]:
    """Settings of the module's shared stage; a module may say its own."""
    return {}


@pytest.fixture(scope="module")
def shared(
    broker: BrokerAddress, tmp_path_factory: pytest.TempPathFactory, shared_settings: dict[str, Any]
) -> Iterator[Stage]:
    """One stage with one worker for all the scenarios of a module, judged at the end. Each takes order ids of its
    own: a worker's start is most of what such a scenario costs."""
    stage = Stage(broker.bootstrap_servers, tmp_path_factory.mktemp("stage"), **shared_settings)
    try:
        stage.worker()
        yield stage
        judge(stage)
    finally:
        stage.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report: Any = yield
    if report.failed:
        for stage in _stages(item):
            report.sections += [(f"log of {worker.name}", worker.tail()) for worker in stage.workers]
    return report


def _stages(item: pytest.Item) -> list[Stage]:
    values = getattr(item, "funcargs", {}).values()
    return [value for value in values if isinstance(value, Stage)]
