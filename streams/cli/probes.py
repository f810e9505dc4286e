"""What ``check`` tries, one probe after the other: one that fails skips those that need it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from streams.agents.lists import read_lists
from streams.cli.common import progress
from streams.cli.finding import Finding
from streams.cli.probes_orders import order_findings
from streams.cli.probes_tickets import behaviour, permissions
from streams.kafka.admin import KafkaProblem, wait_for_broker
from streams.kafka.connection import confluent_config
from streams.kafka.topics import check_topics
from streams.planning.enumerations import Missed, closed_status_id, configured_targets, rules_of
from streams.planning.lists import WillowLists
from streams.planning.places import Selection
from streams.reading.survey import client_of
from streams.settings import Settings
from streams.tables.twins import TwinTable
from streams.tables.view import View, ViewFailed
from streams.willow import WillowClient, WillowError
from streams.words import counted

_NO_LEADER_YET = {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE}

READ_SECONDS = 120.0
"""For reading the entity topic whole; a million entities take a small part of it."""


@dataclass(slots=True)
class _Known:
    """What probes found that later ones need."""

    twins: TwinTable | None = None
    missing: frozenset[str] = frozenset()
    """Input topics that can't be used."""


PROXY_NOTE = Finding(
    "proxies",
    "note",
    "a proxy that repeats PUTs makes second tickets, out of this software's reach; nginx repeats after an error "
    "or a time-out by default when it has more than one upstream",
    "If a proxy of yours stands between here and Willow: no retries of PUT (nginx: proxy_next_upstream off).",
)


async def probe_all(settings: Settings, orders: int) -> AsyncIterator[Finding]:
    """Everything that needs Kafka, then everything that needs Willow, then the newest ``orders`` (0: none), which need
    both. Raises nothing that has a remedy."""
    known = _Known()
    async for finding in _kafka(settings, known):
        yield finding
    async for finding in _willow(settings, orders, known):
        yield finding
    yield PROXY_NOTE


async def _kafka(settings: Settings, known: _Known) -> AsyncIterator[Finding]:
    servers = settings.kafka.bootstrap_servers
    try:
        await asyncio.to_thread(wait_for_broker, settings)
    except KafkaProblem as problem:
        yield Finding("broker", "failed", str(problem), problem.remedy)
        yield Finding("topics", "skipped", "needs a broker")
        yield Finding("sites", "skipped", "needs a broker")
        return
    yield Finding("broker", "ok", f"answers at {servers}")
    findings = await asyncio.to_thread(_topics, settings)
    for finding in findings:
        yield finding
    inputs = (settings.topics.entities, settings.topics.work_orders)
    failed = [finding.message for finding in findings if finding.state == "failed"]
    known.missing = frozenset(name for name in inputs if any(text.startswith(f"{name}: ") for text in failed))
    if settings.topics.entities in known.missing:
        yield Finding("sites", "skipped", f"needs {settings.topics.entities}")
        return
    for finding in await _sites(settings, known):
        yield finding


def _topics(settings: Settings) -> list[Finding]:
    try:
        states = check_topics(settings)
    except KafkaProblem as problem:
        return [Finding("topics", "failed", str(problem), problem.remedy)]
    findings = []
    for state in states:
        if state.usable and not state.message:
            findings.append(Finding("topics", "ok", f"{state.name}: {counted(state.partitions or 0, 'partition')}"))
        else:
            kind: Literal["note", "failed"] = "note" if state.usable else "failed"
            findings.append(Finding("topics", kind, f"{state.name}: {state.message}", state.remedy))
    return findings


async def _sites(settings: Settings, known: _Known) -> list[Finding]:
    try:
        table = await _read_entities(settings)
    except ViewFailed as error:
        return [Finding("sites", "failed", str(error), error.remedy)]
    known.twins, topic = table, settings.topics.entities
    if len(table) == 0:
        remedy = (
            "Let the change feed take a snapshot of places and things, or run `willow-sync backfill --entities` or "
            "`willow-sync twins pull`."
        )
        return [Finding("sites", "failed", f"{topic} holds no entity: every order would be parked", remedy)]
    selection = Selection.of(settings.selected_sites)
    if selection.sites is None:
        return [Finding("sites", "ok", f"all sites; {topic} holds {counted(len(table), 'entity')}")]
    unknown = set(selection.unknown(table))
    return [_site(name, name in unknown, table, topic) for name in sorted(selection.sites)]


def _site(name: str, unknown: bool, table: TwinTable, topic: str) -> Finding:
    if unknown:
        remedy = "`willow-sync sites` lists what to select: correct selected_sites, or send the site to the topic."
        return Finding("sites", "failed", f"{name!r} is not in {topic} ({counted(len(table), 'entity')} read)", remedy)
    node = table.get(name) or table.get(table.by_twin(name) or "")
    called = f" ({node.name})" if node is not None and node.name else ""
    return Finding("sites", "ok", f"{name!r}{called} is in {topic}")


def _no_leader_yet(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].code() in _NO_LEADER_YET


# `topics` and then `check`: the news of a new topic's leader reaches the brokers a moment later.
@retry(retry=retry_if_exception(_no_leader_yet), stop=stop_after_delay(10), wait=wait_fixed(0.5), reraise=True)
async def _read_entities(settings: Settings) -> TwinTable:
    """Raises ViewFailed, also when the topic is not read whole within READ_SECONDS."""
    topic = settings.topics.entities
    table = TwinTable(settings.input_format.entities)
    broken: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def on_fatal(error: BaseException) -> None:
        if not broken.done():
            broken.set_result(error)

    view = View(topic, table, confluent_config(settings.kafka), on_fatal=on_fatal)
    await view.start()
    ready = asyncio.create_task(view.until_ready())
    try:
        with progress(view.lag, f"reading {topic}") as advance:
            before = view.lag
            async with asyncio.timeout(READ_SECONDS):
                while not ready.done() and not broken.done():
                    await asyncio.sleep(0.05)
                    advance(before - view.lag)
                    before = view.lag
    except TimeoutError:
        raise ViewFailed(f"{topic} was not read whole within {READ_SECONDS:.0f} s: {view.lag} records left") from None
    finally:
        ready.cancel()
        await view.close()
    if broken.done():
        error = broken.result()
        raise error if isinstance(error, ViewFailed) else ViewFailed(f"topic {topic} can't be read: {error}")
    return table


async def _willow(settings: Settings, orders: int, known: _Known) -> AsyncIterator[Finding]:
    async with client_of(settings) as client:
        try:
            await client.authenticate()
        except WillowError as error:
            yield Finding("token", "failed", str(error), error.remedy)
            for probe in ("permissions", "lists", "enumerations", "orders"):
                yield Finding(probe, "skipped", "needs a token")
            return
        yield Finding("token", "ok", f"given by {settings.willow.base_url}")
        async for finding in _with_token(settings, orders, known, client):
            yield finding


async def _with_token(settings: Settings, orders: int, known: _Known, client: WillowClient) -> AsyncIterator[Finding]:
    async for finding in permissions(client):
        yield finding
    try:
        async for finding in behaviour(client):
            yield finding
    except WillowError as error:
        yield Finding("pages", "failed", f"tickets can't be listed: {error}", error.remedy)
    try:
        lists = await read_lists(client)
    except WillowError as error:
        yield Finding("lists", "failed", str(error), error.remedy)
        yield Finding("enumerations", "skipped", "needs Willow's lists")
        yield Finding("orders", "skipped", "needs Willow's lists")
        return
    yield Finding("lists", "ok", _counts(lists))
    for finding in _enumerations(settings, lists):
        yield finding
    if known.twins is None or known.missing:
        yield Finding("orders", "skipped", "needs both input topics")
    elif orders:
        async for finding in order_findings(settings, orders, known.twins, lists, client):
            yield finding


def _counts(lists: WillowLists) -> str:
    return ", ".join(f"{len(getattr(lists, name))} {name.replace('_', ' ')}" for name in lists.lookups)


def _enumerations(settings: Settings, lists: WillowLists) -> Iterator[Finding]:
    targets = [
        (item.setting, item.target, item.missed) for item in configured_targets(rules_of(settings.enumerations), lists)
    ]
    if settings.closed_status is not None:
        closed = closed_status_id(settings.closed_status, lists)
        targets.append(("closed_status", settings.closed_status, closed if isinstance(closed, Missed) else None))
    missed = [(setting, target, why) for setting, target, why in targets if why is not None]
    if len(targets) > len(missed):
        yield Finding("enumerations", "ok", f"{len(targets) - len(missed)} configured values are in Willow's lists")
    elif not targets:
        yield Finding("enumerations", "ok", "no Willow value is written in the settings; values match by name")
    for setting, target, why in missed:
        remedy = why.remedy or "Write the id of the one that is meant instead of its name."
        yield Finding("enumerations", "failed", f"{setting}: {target!r}: {why.why}", remedy)
