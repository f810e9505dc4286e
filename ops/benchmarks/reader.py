"""A process that only reads the twin view, and says what that took: ``python -m ops.benchmarks.reader``."""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

import uvloop

from streams.settings import InputFormat
from streams.tables.twins import TwinTable
from streams.tables.view import View

_MIB = 2**20


def command(bootstrap_servers: str, topic: str) -> list[str]:
    return [sys.executable, "-P", "-m", __name__, bootstrap_servers, topic]


def resident_mib() -> float:
    """Memory of this process now; where there is no /proc, its highest so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MIB
    return pages * resource.getpagesize() / _MIB


async def read(bootstrap_servers: str, topic: str) -> dict[str, float]:
    """Reads the topic to its end. Raises ViewFailed."""
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    twins = TwinTable(InputFormat.AUTO)
    view = View(topic, twins, {"bootstrap.servers": bootstrap_servers}, on_fatal=failed.set_exception)
    before, began, used = resident_mib(), time.monotonic(), time.process_time()
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
        "residentMiB": resident_mib(),
    }
    await view.close()
    return said


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(read(*sys.argv[1:]))))
