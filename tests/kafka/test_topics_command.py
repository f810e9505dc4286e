"""``willow-sync topics`` on a real broker."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ops.kafka import free_port
from streams.cli import main
from streams.settings import Settings


@pytest.fixture
def config(settings_for: Callable[..., Settings], tmp_path: Path) -> str:
    settings = settings_for()
    whole = settings.model_dump(mode="json", include={"kafka": {"bootstrap_servers", "group_id"}, "topics": True})
    willow = {"base_url": "https://w.example.com", "client_id": "i", "client_secret": "s"}
    path = tmp_path / "willow-sync.yml"
    path.write_text(yaml.safe_dump({**whole, "willow": willow, "selected_sites": ["*"]}))
    return str(path)


@pytest.mark.kafka
def test_check_then_create_then_check(config: str) -> None:
    run = CliRunner()
    checked = run.invoke(main, ["topics", "--check", "--config", config])
    assert checked.exit_code == 1
    assert checked.output.count("✗") == 9
    assert "remedy: run `willow-sync topics` without --check" in checked.stderr
    made = run.invoke(main, ["topics", "--config", config])
    assert (made.exit_code, made.stdout.count("✓"), made.stdout.count("created")) == (0, 9, 9)
    again = run.invoke(main, ["topics", "--check", "--json", "--config", config])
    assert again.exit_code == 0
    assert {topic["state"] for topic in json.loads(again.stdout)} == {"present"}


def test_no_broker_ends_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.topics.wait_for_broker", _impatient)
    path = tmp_path / "c.yml"
    path.write_text(
        f"kafka: {{bootstrap_servers: '127.0.0.1:{free_port()}'}}\nselected_sites: ['*']\n"
        "willow: {base_url: 'https://w.example.com', client_id: i, client_secret: s}\n"
    )
    ended = CliRunner().invoke(main, ["topics", "--config", str(path)])
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert "error: no broker answered" in ended.stderr
    assert "remedy: " in ended.stderr


def _impatient(settings: Settings) -> object:
    from streams.kafka.admin import wait_for_broker

    return wait_for_broker(settings, timeout=0.5)
