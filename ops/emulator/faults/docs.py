"""``docs/emulator.md`` from the models: ``python -m ops.emulator.faults.docs [--check]``.

Exits with 1 under ``--check`` when the file differs from what the code says."""

import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ops.emulator.faults import kinds
from ops.emulator.faults.document import SCENARIOS, scenarios
from ops.emulator.faults.rules import Plan, Rule

FILE = Path(__file__).parents[3] / "docs" / "emulator.md"

EXAMPLE = """\
seed: 7
rules:
  - name: slow                     # all calls; comes besides the faults below
    fault: {kind: lognormal_latency, median: 0.05, sigma: 0.8}
  - name: lost-answers             # every third create of these orders, 10 to 70 s after the start
    operations: [put_ticket]
    orders: "WO-1*"
    after: 10
    until: 70
    every: 3
    fault: {kind: late_commit, seconds: 4, told: reset}
  - name: resets                   # a tenth of the writes on connections that were used before
    connection: reused
    probability: 0.1
    fault: commit_then_reset       # a kind alone takes its defaults
"""

_TOP = """\
# The Willow emulator and its faults

<!-- Made from the code by `python -m ops.emulator.faults.docs`; do not edit. -->

`willow-sync emulator` runs a Willow in memory: the [whole of its public API](operations.md), strict, and on purpose
not idempotent: a second create with the same `externalId` makes a second ticket. `willow-sync emulator --help` lists
its switches; `--world` gives it [twins, insights, events and time series](client.md#the-emulators-world), and
`--portfolio` the twins and lists of the demo's sample portfolio. What goes
wrong with it stands in a document, YAML or JSON:

```sh
willow-sync emulator --port 8088 --journal journal.ndjson --faults ops/emulator/scenarios/resets.yml
curl -X PUT --data-binary @faults.yml http://127.0.0.1:8088/_emulator/faults    # replaces the rules
curl http://127.0.0.1:8088/_emulator/faults          # the rules; how many calls matched and met each
```

A replacement takes effect at once: seconds and counts start again, calls under way end as they began. A document
with a mistake changes nothing and is answered 400 with each mistake's place.

```yaml
"""

_AFTER_EXAMPLE = """\
```

In Python every `Emulator` has its rules as `emulator.faults`:

```python
emulator = Emulator(journal=Path("journal.ndjson"))
emulator.faults.replace([Rule(operations=("put_ticket",), nth=3, fault=kinds.LateCommit(seconds=4))], random.Random(7))
emulator.faults.use(scenario("resets"))
```

`Faults(rules, rng, clock, otherwise=…)` is a `Behaviour` itself; `otherwise` answers the calls that no rule spoils.
The `--latency` of the command is such a behaviour: calls that a rule spoils do not wait for it.
"""

_JOURNAL = """\
## What the journal says

One entry a request, written as the request ends, and one more for a write that is carried out after that. A judge
that reads nothing else knows every ticket and every write: those whose entry has `committed`.

| field | |
|---|---|
| `event` | `request`; or `commit`: the fate of a late write, with the other fields of its request repeated |
| `faults` | what was applied: `rule` and `kind` of each |
| `status` | what the client was told; null if no answer went out |
| `committed`, `committedAt`, `committedMonotonic` | whether and when the ticket got the revision |
| `commitDueMonotonic` | when a late write is due; without a `commit` entry yet, a judge is too early |
| `acknowledged` | Willow's own answer to a committed write was written whole to a client that was still there |
| `clientGone` | the client had left before the end of the answer |
| `connection`, `callOnConnection` | the connection's number, and which of its requests this is |

An emulator that stops drops its late writes: their `commit` entry has `committed: false`.
"""


def render() -> str:
    """The whole document."""
    return "\n".join([_TOP + EXAMPLE + _AFTER_EXAMPLE, *_plan(), *_faults(), _JOURNAL, *_scenarios()]) + "\n"


def _plan() -> Iterator[str]:
    yield "## The document\n"
    yield f"{_words(Plan)}\n"
    yield from _table(Plan)
    yield "\nA rule is for the calls that all of its conditions hold for. It counts each of those, also one that an"
    yield "earlier rule took. Each draws from its own numbers, so that one rule does not change what another meets.\n"
    yield from _table(Rule)
    yield f"\nOperations: {', '.join(f'`{name}`' for name in kinds.NAMES)}.\n"


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| field | allowed | default | |"
    yield "|---|---|---|---|"
    for name, field in model.model_fields.items():
        default = "**must be set**" if field.default is PydanticUndefined else f"`{_value(field.default)}`"
        yield f"| `{name}` | {_allowed(name, field.annotation, field.metadata)} | {default} | {field.description} |"


def _faults() -> Iterator[str]:
    yield "## The faults\n"
    yield "| kind | what happens | operations | settings |"
    yield "|---|---|---|---|"
    for fault in all_faults():
        settings = "; ".join(_settings(fault))
        yield f"| `{kind_of(fault)}` | {_words(fault)} | {_operations(fault.only)} | {settings or '–'} |"
    yield ""


def all_faults() -> list[type[kinds.Fault]]:
    """The models of the faults, in the order of the table."""
    union = typing.get_args(kinds.Fault)[0]
    return list(typing.get_args(union))


def kind_of(fault: type[kinds.Fault]) -> str:
    kind: str = fault.model_fields["kind"].default
    return kind


def _settings(fault: type[kinds.Fault]) -> Iterator[str]:
    for name, field in fault.model_fields.items():
        if name != "kind":
            allowed = _allowed(name, field.annotation, field.metadata)
            yield f"`{name}` ({allowed}; `{_value(field.default)}`): {(field.description or '').rstrip('.')}"


def _operations(only: tuple[str, ...]) -> str:
    spoken: Mapping[tuple[str, ...], str] = {kinds.NAMES: "all", kinds.BEHIND_A_TOKEN: "all but `token`"}
    return spoken.get(only) or ", ".join(f"`{name}`" for name in only)


_KINDS: Mapping[Any, str] = {float: "number", int: "integer", str: "text", bool: "`true`, `false`"}


def _allowed(name: str, annotation: Any, metadata: list[Any]) -> str:
    if name in {"fault", "rules"}:
        return {"fault": "mapping or text", "rules": "list"}[name]
    bounds = list(metadata)
    nullable = type(None) in typing.get_args(annotation)
    if nullable:
        annotation = next(one for one in typing.get_args(annotation) if one is not type(None))
    if typing.get_origin(annotation) is typing.Annotated:
        annotation, *further = typing.get_args(annotation)
        bounds += [one for field in further for one in getattr(field, "metadata", [field])]
    if typing.get_origin(annotation) is typing.Literal:
        text = ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    else:
        text = _KINDS.get(annotation) or ("list" if typing.get_origin(annotation) is tuple else "mapping")
    signs = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
    said = [f"{sign} {getattr(one, key):g}" for one in bounds for key, sign in signs if hasattr(one, key)]
    return ", ".join([text, *[" and ".join(said)] * bool(said)]) + (" or null" if nullable else "")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(str(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _words(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _scenarios() -> Iterator[str]:
    yield "## Ready-made scenarios\n"
    yield 'In `ops/emulator/scenarios`; in Python `scenario("resets")`.\n'
    yield "| file | |"
    yield "|---|---|"
    for name in scenarios():
        yield f"| `{name}.yml` | {about(name)} |"


def about(name: str) -> str:
    """What a scenario's first comment says of it."""
    lines = (SCENARIOS / f"{name}.yml").read_text("utf-8").splitlines()
    said = [
        line.removeprefix("#").strip() for line in lines[: next(i for i, one in enumerate(lines) if one[:1] != "#")]
    ]
    return " ".join(said)


def main(arguments: list[str]) -> int:
    text = render()
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{FILE} is not what the code says; run: python -m ops.emulator.faults.docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
