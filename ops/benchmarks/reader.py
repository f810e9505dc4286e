"""A process that only reads the twin view, and says what that took: ``python -m ops.benchmarks.reader``."""

import asyncio
import json
import resource
import sys
import time

import uvloop

from ops.benchmarks.memory import resident_mib
from streams.interpreter import tune
from streams.settings import InputFormat
from streams.tables.twins import TwinTable
from streams.tables.view import View


def command(bootstrap_servers: str, topic: str) -> list[str]:
    return [sys.executable, "-P", "-m", __name__, bootstrap_servers, topic]


def own_mib() -> float:
    """Memory of this process now; where there is no /proc, its highest so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resident_mib() or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


async def read(bootstrap_servers: str, topic: str) -> dict[str, float]:
    """Reads the topic to its end. Raises ViewFailed."""
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    twins = TwinTable(InputFormat.AUTO)
    # As in the worker, which looks what changed each time that the view has read on.
    view = View(
        topic,
        twins,
        {"bootstrap.servers": bootstrap_servers},
        on_change=twins.take_fresh,
        on_fatal=failed.set_exception,
    )
    before, began, used = own_mib(), time.monotonic(), time.process_time()
    await view.start()
    ready = asyncio.ensure_future(view.until_ready())
    await asyncio.wait({ready, failed}, return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        failed.result()
    said = {
        "seconds": time.monotonic() - began,
        "processorSeconds": time.process_time() - used,
        "entities": len(twins),
        "residentBeforeMiB": before,
        "residentMiB": own_mib(),
    }
    await view.close()
    return said


if __name__ == "__main__":
    tune()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(read(*sys.argv[1:]))))
