"""One worker process: checks before the start, runs until a signal or a fault, and stops in order."""

import asyncio
import contextlib
import logging
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from streams.app import SyncApp
from streams.console.order import order_of
from streams.console.routes import routes
from streams.console.snapshot import snapshot_of
from streams.data_dir import DataDir
from streams.health import not_ready
from streams.interpreter import tune
from streams.kafka.admin import TopicProblem, wait_for_broker
from streams.kafka.connection import LIBRDKAFKA, confluent_config, logged
from streams.kafka.topics import check_topics, topic_ids
from streams.metrics import Metrics
from streams.settings import Settings
from streams.web import Pages

log = logging.getLogger(__name__)

#: A worker that can't stop in order within this many seconds after its creates were waited for is ended.
STOP_MARGIN = 30.0


def configure_logging(level: int = logging.INFO) -> None:
    """One line a record on stderr. A broker that is away makes aiokafka say so a hundred times a second."""
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", force=True
    )
    for noisy in ("faust", "mode", "aiokafka", "httpx", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Its warnings are of what it tries again by itself, as at each start beside a broker that has just started.
    LIBRDKAFKA.setLevel(logging.ERROR)
    quiet = Seldom(10.0)
    for handler in logging.getLogger().handlers:
        handler.addFilter(quiet)


class Seldom(logging.Filter):
    """Lets each message of Kafka's libraries through once in so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(("aiokafka", "faust", "mode", LIBRDKAFKA.name)):
            return True
        key = f"{record.name}{record.msg}"
        if record.name == LIBRDKAFKA.name and isinstance(record.args, tuple):
            # All its messages have one format: the first argument is the kind, as in FAIL.
            key += str(record.args[:1])
        last = self._said.get(key)
        if last is not None and record.created - last < self._seconds:
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[key] = record.created
        return True


class RecoveryErrors(logging.Handler):
    """Faust logs a changelog record that it can't read and waits for it for ever: such a worker must end."""

    def __init__(self, sync: SyncApp) -> None:
        super().__init__(level=logging.ERROR)
        self._sync = sync

    def emit(self, record: logging.LogRecord) -> None:
        if "Error in recovery" in record.getMessage():
            self._sync.fail(RuntimeError(f"the order table can't be recovered: {record.getMessage()}"))


def check_before_start(settings: Settings) -> dict[str, str]:
    """Topics are there with the right partition counts; returns input topic → Kafka's topic id.

    Raises streams.kafka.admin.TopicProblem or BrokerUnreachable, each with a remedy."""
    wait_for_broker(settings)
    wrong = [state for state in check_topics(settings) if state.state in ("missing", "wrong")]
    if wrong:
        remedy = "; ".join(dict.fromkeys(state.remedy for state in wrong))
        raise TopicProblem("; ".join(f"{state.name} {state.message}" for state in wrong), remedy)
    return topic_ids(settings, [settings.topics.work_orders])


async def run(settings: Settings, *, accept_gap: bool = False, app: type[SyncApp] = SyncApp) -> int:
    """Until SIGTERM or SIGINT (exit code 0) or a fault (1)."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ids = await loop.run_in_executor(None, check_before_start, settings)
    metrics = Metrics()
    sync = app(settings, logged(confluent_config(settings.kafka)), metrics, accept_gap=accept_gap)
    sync.declare_agents(ids)
    logging.getLogger("faust.tables.recovery").addHandler(RecoveryErrors(sync))
    console = routes(partial(snapshot_of, sync), partial(order_of, sync))
    async with Pages(settings.web, ready=partial(not_ready, sync), metrics=metrics.text, more=console) as pages:
        log.info("worker of group %s starts; pages at %s", settings.kafka.group_id, pages.address or "no address")
        starting = asyncio.create_task(_start(sync))
        stopping = asyncio.create_task(stop.wait())
        ended = asyncio.create_task(sync.app.wait_until_stopped())
        try:
            ends: set[asyncio.Future[Any]] = {stopping, sync.failed, ended}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            code = _exit_code(sync, stopped=stopping.done())
        finally:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            limit = settings.willow.request_timeout.total_seconds() + STOP_MARGIN
            try:
                await asyncio.wait_for(sync.stop(), limit)
            except TimeoutError:
                log.error("the worker could not stop within %.0f s; what it did not acknowledge comes again", limit)
                code = 1
            for task in (stopping, ended):
                task.cancel()
    log.info("worker stopped")
    return code


async def _start(sync: SyncApp) -> None:
    try:
        await sync.start()
        log.info("worker is running")
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        sync.fail(error)


def _exit_code(sync: SyncApp, *, stopped: bool) -> int:
    if sync.failed.done():
        error = sync.failed.result()
        log.error("the worker stops: %s", error, exc_info=error)
        remedy = getattr(error, "remedy", None)
        if remedy:
            log.error("remedy: %s", remedy)
        return 1
    if not stopped:
        log.error("the worker stops: %r", sync.app.crash_reason)
        return 1
    return 0


def main(settings: Settings, *, accept_gap: bool = False, app: type[SyncApp] = SyncApp) -> int:
    """Run a worker in this process. Returns its exit code. Raises DataDirProblem."""
    import uvloop

    tune()
    with DataDir(Path(settings.data_dir)):
        configure_logging()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(run(settings, accept_gap=accept_gap, app=app))
