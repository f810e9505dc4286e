"""The documents: every example in docs/client.md runs, and what is made from the table is what the table says."""

import ast
import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from streams.willow import docs, errors
from streams.willow.operation import Group
from tests.willow.round_trips.rig import a_ticket, world

CLIENT = Path(__file__).parents[2] / "docs" / "client.md"
TEXT = CLIENT.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## )", TEXT, re.MULTILINE | re.DOTALL))


def test_there_is_an_example_for_each_group() -> None:
    assert SECTIONS.keys() == set(Group)


@pytest.mark.parametrize("group", SECTIONS)
async def test_an_example_runs(group: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", SECTIONS[group], re.DOTALL)
    assert len([line for line in example.splitlines() if line]) <= 12

    async with world() as w:
        await w.client.tickets.put(a_ticket())
        names: dict[str, Any] = {"willow": w.client}
        code = compile(example, str(CLIENT), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if inspect.iscoroutine(pending := eval(code, names)):
            await pending


def test_the_first_example_is_a_whole_program() -> None:
    program = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)[0]

    assert "asyncio.run(main())" in program
    compile(program, str(CLIENT), "exec")


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    tree = inspect.cleandoc(errors.__doc__ or "").split("::\n\n")[1].split("\n\n")[0]

    assert textwrap.dedent(tree) in TEXT


def test_the_table_of_operations_is_the_one_in_the_code() -> None:
    assert docs.FILE.read_text(encoding="utf-8") == docs.render()
