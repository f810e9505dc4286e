"""The demo's last page: what was checked, what became of every record, and where to look further."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ops.demo.play import Played
from ops.demo.stage import GROUP, TOPICS, Stage
from ops.demo.verdict import Kind, Verdict

_MOST_PROBLEMS = 20
_FIXED = 82
"""Columns that all but the words take, at most: one line a reason is easier to read."""
_MUST_BE_NONE = {
    Kind.DUPLICATE: "duplicates",
    Kind.STALE: "stale writes",
    Kind.LOST: "lost updates",
    Kind.INCOMPLETE: "records without a final outcome",
    Kind.CONTRADICTION: "contradicting outcomes",
    Kind.WRONG: "wrong outcomes",
    Kind.IDENTITY: "identities that disagree",
    Kind.DEAD_LETTER: "wrong dead letters",
}


def to_dict(verdict: Verdict, played: Played, setup_seconds: float, where: Sequence[str]) -> dict[str, Any]:
    """JSON-ready."""
    return {
        **verdict.to_dict(),
        "seconds": round(played.seconds, 1),
        "setupSeconds": round(setup_seconds, 1),
        "kills": played.kills,
        "where": list(where),
    }


def print_report(
    console: Console, verdict: Verdict, played: Played, setup_seconds: float, where: Sequence[str]
) -> None:
    console.print(_figures(verdict, played, setup_seconds))
    console.print(_reasons(console, verdict))
    for problem in verdict.problems[:_MOST_PROBLEMS]:
        console.print(f"✗ {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    if len(verdict.problems) > _MOST_PROBLEMS:
        console.print(f"… and {len(verdict.problems) - _MOST_PROBLEMS} more; --json lists all")
    good = "✓ every promise was kept, says the journal of the Willow emulator"
    bad = f"✗ {len(verdict.problems)} promises were broken"
    console.print(good if verdict.ok else bad, style="bold green" if verdict.ok else "bold red")
    for line in where:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _figures(verdict: Verdict, played: Played, setup_seconds: float) -> Table:
    table = Table(box=box.SIMPLE, show_header=False, title="The check", title_justify="left")
    calls = ", ".join(f"{count} × {name}" for name, count in sorted(verdict.requests.items()))
    rows: list[tuple[str, object]] = [
        ("records", verdict.records),
        ("orders", verdict.orders),
        ("tickets in Willow", verdict.tickets),
        ("final outcomes", verdict.final),
        ("rightly still parked", verdict.still_parked),
        ("dead letters", verdict.dead_letters),
        ("workers killed", played.kills),
    ]
    rows += [(f"{name}", verdict.count(kind)) for kind, name in _MUST_BE_NONE.items()]
    rows += [
        ("calls to Willow", calls),
        ("time", f"{played.seconds:.0f} s, after {setup_seconds:.0f} s of set-up"),
    ]
    bad = {name for kind, name in _MUST_BE_NONE.items() if verdict.count(kind)}
    for name, value in rows:
        table.add_row(name, str(value), style="red" if name in bad else None)
    return table


def _reasons(console: Console, verdict: Verdict) -> Table:
    table = Table(box=box.SIMPLE, title="What became of the records", title_justify="left")
    for column in ("outcome", "reason", "records", "for example"):
        table.add_column(column, justify="right" if column == "records" else "left", no_wrap=True)
    table.add_column("in words")
    room = max(console.width - _FIXED, 20)
    for row in verdict.reasons:
        words = " ".join((row.message or "").split())
        short = words if len(words) <= room else words[: room - 1] + "…"
        cells = (row.outcome, row.code or "–", str(row.count), row.example, short)
        table.add_row(*(cell.replace("[", "\\[") for cell in cells))
    return table


def order_to_explain(verdict: Verdict) -> str:
    """One that was refused, for its story says most; else any."""
    orders = {row.outcome: row.example for row in verdict.reasons}
    return orders.get("rejected") or orders.get("created") or "ORDER"


def where_to_look(stage: Stage, order: str, *, kept: bool) -> list[str]:
    """Addresses and commands; only those of a demo that keeps running lead anywhere. ``order``: one to explain."""
    if not kept:
        return [
            "To look around, run `.venv/bin/willow-sync demo --keep`: Willow's page, the workers' pages, topics",
            "and commands stay until Ctrl-C. What each reason means and what to do: docs/reasons.md.",
        ]
    config = stage.configs[0]
    return [
        f"Willow's tickets and their histories: {stage.page_url}",
        *(f"worker {number}: {console}" for number, console in enumerate(stage.consoles, 1)),
        f"Kafka: {stage.broker.bootstrap_servers}, group {GROUP}, topics {', '.join(TOPICS.values())}",
        f"commands: export WILLOW_SYNC_CONFIG={config}",
        *(f"          willow-sync {words}" for words in ("status", f"explain {order}", "outcomes", "audit", "check")),
        f"logs, settings and the journal of Willow: {stage.folder}",
    ]
