"""Running an emulator until somebody ends it."""

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

import click


class Served(Protocol):
    async def start(self, host: str, port: int) -> None: ...

    async def stop(self) -> None: ...


async def serve(emulator: Served, host: str, port: int, *, greeting: Callable[[], str]) -> None:
    """Until SIGINT or SIGTERM. ``greeting`` is printed once it answers."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await emulator.start(host, port)
    try:
        click.echo(greeting())
        await stop.wait()
    finally:
        await emulator.stop()
