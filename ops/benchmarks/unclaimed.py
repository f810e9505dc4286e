"""A worker that creates without claims, to measure what claims cost: ``python -m ops.benchmarks.unclaimed FILE``.

It patches the claim step in its own process; the program itself has no such switch, because without claims two
workers, or a crash, make two tickets of one order. Nothing but a benchmark may start it."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from streams.agents import creates
from streams.agents.writer import Acked, Writer
from streams.delivery.create import MayPut
from streams.kafka.producer import Ack

NOWHERE = -1
"""The offset before a partition's first: every view has read on beyond it."""


def command(config: Path) -> list[str]:
    return [sys.executable, "-P", "-m", __name__, str(config)]


def unsent(writer: Writer, partition: int, *_: Any, **__: Any) -> Acked:
    """In place of ``Writer.claim``: no record, acknowledged at once."""
    acked: Acked = asyncio.get_running_loop().create_future()
    acked.set_result(Ack(partition, NOWHERE))
    return acked


def at_once(*_: Any, **__: Any) -> MayPut:
    """In place of ``after_claim``: the claim that nobody wrote is the first one."""
    return MayPut()


PATCHES: tuple[tuple[Any, str, Any], ...] = ((Writer, "claim", unsent), (creates, "after_claim", at_once))


def main(config: str) -> None:
    for owner, name, instead in PATCHES:
        # A step that has another name by now would be measured as if it cost nothing.
        assert hasattr(owner, name), f"{owner} has no {name} any more"
        setattr(owner, name, instead)
    from streams.cli import main as willow_sync

    willow_sync(["worker", "--config", config], prog_name="willow-sync")


if __name__ == "__main__":
    main(sys.argv[1])
