"""The demo from an empty folder to the verdict."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ops.demo import report
from ops.demo.checker import judge
from ops.demo.evidence import (
    Evidence,
    accepted_writes,
    count_requests,
    dead_letters_of,
    identities_of,
    outcomes_of,
    read_journal,
    read_topic,
    save,
)
from ops.demo.play import Play, Played
from ops.demo.processes import uninterrupted
from ops.demo.show import Show, showing
from ops.demo.stage import TOPICS, WORKERS, Stage
from ops.demo.verdict import Verdict
from ops.kafka import KafkaRuntime
from ops.portfolio import Portfolio, build_portfolio
from ops.portfolio.mappings import STATUS_NAMES


@dataclass(frozen=True, slots=True)
class Result:
    verdict: Verdict
    played: Played
    setup_seconds: float
    where: list[str]


def run_demo(
    runtime: KafkaRuntime,
    seed: int,
    finish: Callable[[Result], None],
    *,
    keep: bool,
    progress: Console,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Plays the portfolio and judges it; True when every promise was kept.

    ``finish`` gets the result while everything still runs; with ``keep`` it goes on running until Ctrl-C.
    Whatever happens, nothing runs afterwards. The folder stays if something failed, or with ``keep``.

    Raises DemoFailed, KafkaSetupError, KeyboardInterrupt."""
    folder = Path(tempfile.mkdtemp(prefix="willow-sync-demo-"))
    portfolio = build_portfolio(seed, datetime.now(UTC))
    stage = Stage(folder, runtime, portfolio)
    keep_folder = True
    try:
        start = clock()
        with showing(progress) as show:
            play, setup_seconds = _set_up(stage, portfolio, show, start, clock)
            played = play.run()
        evidence = _evidence(stage, portfolio, played)
        verdict = judge(evidence)
        save(evidence, folder)
        where = report.where_to_look(stage, report.order_to_explain(verdict), kept=keep)
        finish(Result(verdict, played, setup_seconds, where))
        keep_folder = keep or not verdict.ok
        while keep:
            sleep(1.0)
    except KeyboardInterrupt:
        keep_folder = keep
        raise
    finally:
        with uninterrupted():
            stage.close()
            if keep_folder:
                progress.print(f"logs, settings and Willow's journal: {folder}", markup=False, soft_wrap=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
    return verdict.ok


def _set_up(
    stage: Stage, portfolio: Portfolio, show: Show, start: float, clock: Callable[[], float]
) -> tuple[Play, float]:
    """Starts everything; returns the play and the seconds that it took."""
    show.event("starting Apache Kafka")
    stage.start_broker()
    show.event("starting the Willow emulator")
    stage.start_emulator()
    show.event("creating the topics")
    stage.create_topics()
    play = Play(stage, portfolio, show, clock)
    play.send_entities()
    show.event(f"starting {WORKERS} workers")
    stage.start_workers()
    seconds = clock() - start
    show.event(f"{WORKERS} workers have their partitions; set-up took {seconds:.0f} s")
    return play, seconds


def _evidence(stage: Stage, portfolio: Portfolio, played: Played) -> Evidence:
    servers = stage.broker.bootstrap_servers
    journal = read_journal(stage.journal)
    return Evidence(
        sent=played.sent,
        expected=portfolio.expected,
        statuses=STATUS_NAMES,
        writes=accepted_writes(journal),
        requests=count_requests(journal),
        outcomes=outcomes_of(read_topic(servers, TOPICS["outcomes"])),
        dead_letters=dead_letters_of(read_topic(servers, TOPICS["dead_letters"])),
        identities=identities_of(read_topic(servers, TOPICS["ticket_identities"])),
    )
