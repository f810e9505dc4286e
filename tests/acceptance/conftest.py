"""Stages for the scenarios, and the workers' logs beside a failure."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from ops.kafka import BrokerAddress
from tests.acceptance.judge import judge
from tests.acceptance.stage import Stage


class StageFor:
    """Makes the stage of one test: ``stage_for(in_doubt={"settle": "1s"})``."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        self._bootstrap_servers, self._folder = bootstrap_servers, folder
        self.made: list[Stage] = []

    def __call__(self, bootstrap_servers: str | None = None, **changes: Any) -> Stage:
        stage = Stage(bootstrap_servers or self._bootstrap_servers, self._folder, **changes)
        self.made.append(stage)
        return stage


@pytest.fixture
def stage_for(broker: BrokerAddress, tmp_path: Path) -> Iterator[StageFor]:
    made = StageFor(broker.bootstrap_servers, tmp_path)
    yield made
    for stage in made.made:
        stage.close()


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


_TOLD = pytest.StashKey[list[str]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(_TOLD, []):
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        # A stage that scenarios share has no figures of one of them.
        mine = getattr(item, "funcargs", {}).get("stage_for")
        told = [f"{item.name}: {stage.told()}" for stage in (mine.made if mine else ()) if stage.workers]
        item.config.stash.setdefault(_TOLD, []).extend(told)
    if report.failed:
        for stage in _stages(item):
            report.sections += [(f"log of {worker.name}", worker.tail()) for worker in stage.workers]
    return report


def _stages(item: pytest.Item) -> Iterator[Stage]:
    for value in getattr(item, "funcargs", {}).values():
        if isinstance(value, Stage):
            yield value
        elif isinstance(value, StageFor):
            yield from value.made
