"""``willow-sync check``: a tick or a remedy for everything that a worker will need."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from streams.cli.common import CliError, config_option, json_option, printable
from streams.cli.finding import Finding
from streams.cli.probes import probe_all
from streams.config.errors import SettingsError
from streams.settings import Settings
from streams.settings_source import load_settings

MARKS = {"ok": "✓", "failed": "✗", "skipped": "-", "note": "!"}


@click.command("check", epilog="Example: willow-sync check --config willow-sync.yml")
@config_option
@click.option(
    "--orders",
    type=click.IntRange(0),
    default=1000,
    show_default=True,
    metavar="N",
    help="Plan the N orders that changed last, to see whether mappings and twins cover them; 0: none.",
)
@json_option
def command(config: Path | None, orders: int, as_json: bool) -> None:
    """Try the settings, the broker, the topics, the selected sites; Willow's token, permissions, lists and manners;
    the enumerations, and what would become of the newest orders.

    Prints a tick or a remedy each; ! is for you to judge. Changes nothing in Kafka or Willow: a permission is tried by
    a call that can have no effect. The exit code is 1 if anything failed.
    """
    findings = asyncio.run(_run(config, orders, live=not as_json))
    failed = [finding for finding in findings if finding.state == "failed"]
    if as_json:
        document = {"ok": not failed, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    if failed:
        probes = ", ".join(dict.fromkeys(finding.probe for finding in failed))
        raise CliError(f"{len(failed)} of {len(findings)} checks failed: {probes}", "See the remedy of each above.")


async def _run(config: Path | None, orders: int, *, live: bool) -> list[Finding]:
    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        if live:
            click.echo(printable(_line(finding)))

    try:
        settings = load_settings(config, os.environ).settings
    except SettingsError as error:
        for problem in error.problems:
            found(Finding("settings", "failed", problem, error.remedy))
        found(Finding("the rest", "skipped", "needs settings that can be used"))
        return findings
    found(Finding("settings", "ok", _summary(settings)))
    async for finding in probe_all(settings, orders):
        found(finding)
    return findings


def _summary(settings: Settings) -> str:
    return f"group {settings.kafka.group_id}, Willow at {settings.willow.base_url}"


def _line(finding: Finding) -> str:
    line = f"{MARKS[finding.state]} {finding.probe}: {finding.message}"
    return f"{line}\n    remedy: {finding.remedy}" if finding.remedy else line
