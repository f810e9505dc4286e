"""The suggested block: the settings read it back as it was meant, whatever the values hold."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.cli.enumerations_text import block_lines, quoted
from streams.config.yaml_text import read_yaml
from streams.planning.lists import Listed, WillowLists
from streams.planning.suggesting import suggest
from streams.reading.values import ValuesSeen
from streams.settings import Enumerations

NASTY = 'No: "x" # \\ \x1b[31m \u202e 漏水'
LISTS = WillowLists(statuses=(Listed("s1", "Open"), Listed("s2", "On Hold"), Listed("s3", NASTY)))


def block(present: dict[str, Any], **met: str) -> tuple[Enumerations, str]:
    seen = ValuesSeen()
    for setting, values in met.items():
        for value in values.split("|"):
            seen.fields[setting].add(value)
    counts = {setting: dict(values.counts) for setting, values in seen.fields.items()}
    text = "\n".join(block_lines(suggest(counts, LISTS, Enumerations.model_validate(present)), seen))
    tree = read_yaml(text)
    assert not tree.problems, tree.problems
    return Enumerations.model_validate(tree.root["enumerations"]), text


def test_it_is_read_back_as_settings() -> None:
    read, text = block({"job_type": {"default": "General"}}, job_status=f"Open|on-hold|Mystery|{NASTY}")
    assert read.job_status.values == {"Open": "Open", "on-hold": "On Hold", NASTY: NASTY}
    assert read.job_status.required
    assert read.job_type.default == "General"
    assert '      # "Mystery": ""  # 1 record, no match' in text.splitlines()
    assert '      "on-hold": "On Hold"  # 1 record, by form' in text.splitlines()
    assert all(line.isprintable() for line in text.splitlines())


def test_of_a_field_that_is_not_sent_a_few_examples_are_enough() -> None:
    read, text = block({}, services_needed="|".join(f"Problem {number:03}" for number in range(80)))
    assert read.services_needed.mode.value == "omit"
    assert "    # and 75 more without a match: --json lists all" in text.splitlines()


@settings(deadline=None)
@given(st.text())
def test_any_text_survives_quoting(text: str) -> None:
    # A lone surrogate is no text of YAML, and none that JSON from a topic can hold after decoding.
    text = text.encode("utf-8", "ignore").decode()
    assert read_yaml(f"{quoted(text)}: x").root == {text: "x"}
