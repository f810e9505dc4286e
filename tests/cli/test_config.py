"""``config``: values in force, their origins, no secret."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.config.fields import LEAVES

SETTINGS = """
willow: {base_url: "http://willow", client_id: me, client_secret: hunter2}
selected_sites: [SITE1, SITE2]
topics: {prefix: "test."}
enumerations: {job_status: {values: {No: Open}}}
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    file = tmp_path / "given.yml"
    file.write_text(SETTINGS)
    return str(file)


def test_json_has_every_setting_with_value_and_origin(config: str) -> None:
    shown = CliRunner().invoke(main, ["config", "--config", config, "--json"])
    document = json.loads(shown.stdout)
    assert document.keys() == {leaf.name for leaf in LEAVES.values()}
    assert document["willow.client_secret"]["value"] == "********"
    assert document["kafka.sasl_password"]["value"] is None
    assert document["willow.request_timeout"] == {"value": "30s", "origin": "default"}
    assert document["topics.outcomes"]["value"] == "test.outcomes"
    assert document["enumerations.job_status.values"] == {
        "value": {"No": "Open"},
        "origin": f"{config} line 5",
    }


def test_no_secret_is_shown(config: str) -> None:
    shown = CliRunner().invoke(main, ["config", "--config", config], env={"WILLOW_SYNC_KAFKA__GROUP_ID": "g"})
    assert "hunter2" not in shown.output
    line = next(line for line in shown.output.splitlines() if line.startswith("kafka.group_id"))
    assert line.split() == ["kafka.group_id", "g", "WILLOW_SYNC_KAFKA__GROUP_ID"]
