"""Reads a faults document, YAML or JSON, and says what is wrong with it."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ops.emulator.faults.rules import Plan
from ops.emulator.problems import EmulatorError, shown

SCENARIOS = Path(__file__).parents[1] / "scenarios"

REMEDY = "correct the document; docs/emulator.md has every fault and every condition, with examples"


class PlanError(ValueError):
    """What is wrong with a document: place → sentence. The place is like ``rules.0.fault.seconds``."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{place}: {said}" for place, said in problems.items()))
        self.problems = problems


class _Loader(yaml.SafeLoader):
    """YAML's last one wins in silence: of two `until` in one rule the first would be gone."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def parse_plan(text: str | bytes) -> Plan:
    """``text`` is YAML; JSON is YAML too. An empty one has no rules. Raises PlanError."""
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "document"
        raise PlanError({place: f"not YAML or JSON: {problem or 'unreadable character'}"}) from error
    try:
        return Plan.model_validate({} if document is None else document)
    except ValidationError as error:
        raise PlanError(_problems(error)) from error


def load_plan(file: Path) -> Plan:
    """Raises EmulatorError when the file can't be read or doesn't hold together."""
    try:
        return parse_plan(file.read_bytes())
    except OSError as error:
        raise EmulatorError(f"can't read the faults file {file}: {error.strerror}", "check --faults") from error
    except PlanError as error:
        raise EmulatorError(f"the faults file {file} is not usable: {error}", REMEDY) from error


def scenario(name: str) -> Plan:
    """One of the ready-made documents in ``ops/emulator/scenarios``. Raises EmulatorError with the names."""
    file = SCENARIOS / f"{name}.yml"
    if not file.exists():
        names = ", ".join(scenarios())
        raise EmulatorError(f"there is no scenario {name!r}", f"take one of {names}; or write a faults file")
    return load_plan(file)


def scenarios() -> list[str]:
    """The names of the ready-made documents."""
    return sorted(file.stem for file in SCENARIOS.glob("*.yml"))


def _problems(error: ValidationError) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in error.errors():
        place = ".".join(map(str, item["loc"])) or "document"
        said = item["msg"].removeprefix("Value error, ")
        if isinstance(item["input"], str | int | float | bool | None):
            said += f"; found {shown(item['input'])}"
        found[place] = f"{found[place]}; {said}" if place in found else said
    return found
