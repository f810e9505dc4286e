"""What the commands' tests share: a Willow beside the command, and running a command with settings."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator
from streams.cli import main
from streams.settings import Settings

Make = Callable[..., Settings]


@pytest.fixture
def willow_at() -> Iterator[Callable[[Emulator], dict[str, str]]]:
    """Starts an emulator in a thread of its own, for a command runs an event loop itself; returns the settings'
    ``willow`` for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started: list[Emulator] = []

    def start(emulator: Emulator) -> dict[str, str]:
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result(timeout=10)
        started.append(emulator)
        account = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET}
        return {"base_url": emulator.base_url, **account}

    yield start
    for emulator in started:
        asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result(timeout=10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=10)
    loop.close()


@pytest.fixture
def invoke(tmp_path: Path) -> Callable[..., Result]:
    """``invoke(settings, "sites", "--json")``."""

    def run(settings: Settings, *words: str) -> Result:
        plain: dict[str, Any] = settings.model_dump(mode="json")
        plain["willow"]["client_secret"] = settings.willow.client_secret.get_secret_value()
        file = tmp_path / "given.json"
        file.write_text(json.dumps(plain))
        ended = CliRunner().invoke(main, [*words, "--config", str(file)])
        assert plain["willow"]["client_secret"] not in ended.output
        return ended

    return run
