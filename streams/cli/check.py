"""``willow-sync check``: a tick or a remedy for everything that a worker will need."""

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from streams.cli.common import CliError, config_option, json_option
from streams.cli.probes import Finding, probe_all
from streams.config.errors import SettingsError
from streams.settings import Settings
from streams.settings_source import load_settings

MARKS = {"ok": "✓", "failed": "✗", "skipped": "-", "note": "!"}


@click.command("check", epilog="Example: willow-sync check --config willow-sync.yml")
@config_option
@json_option
def command(config: Path | None, as_json: bool) -> None:
    """Try the settings, the broker, the topics, the selected sites, Willow's token and lists, and the enumerations.

    Prints a tick or a remedy each. Changes nothing in Kafka or Willow. The exit code is 1 if anything failed.
    """
    findings = asyncio.run(_run(config, live=not as_json))
    failed = [finding for finding in findings if finding.state == "failed"]
    if as_json:
        document = {"ok": not failed, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    if failed:
        probes = ", ".join(dict.fromkeys(finding.probe for finding in failed))
        raise CliError(f"{len(failed)} of {len(findings)} checks failed: {probes}", "See the remedy of each above.")


async def _run(config: Path | None, *, live: bool) -> list[Finding]:
    findings: list[Finding] = []

    def found(finding: Finding) -> None:
        findings.append(finding)
        if live:
            click.echo(_line(finding))

    try:
        settings = load_settings(config, os.environ).settings
    except SettingsError as error:
        for problem in error.problems:
            found(Finding("settings", "failed", problem, error.remedy))
        found(Finding("the rest", "skipped", "needs settings that can be used"))
        return findings
    found(Finding("settings", "ok", _summary(settings)))
    async for finding in probe_all(settings):
        found(finding)
    return findings


def _summary(settings: Settings) -> str:
    return f"group {settings.kafka.group_id}, Willow at {settings.willow.base_url}"


def _line(finding: Finding) -> str:
    line = f"{MARKS[finding.state]} {finding.probe}: {finding.message}"
    return f"{line}\n    remedy: {finding.remedy}" if finding.remedy else line
