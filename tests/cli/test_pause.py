"""``pause`` and ``resume``: what they write, and what they say when they can't."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, TopicPartition

from schemas.control import PAUSE_KEY, PAUSE_PARTITION, PauseControl, PauseState
from streams.cli import main
from streams.kafka.topics import ensure_topics
from streams.settings import Settings

pytestmark = pytest.mark.kafka


class Rig:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self._config = folder / "given.json"  # JSON is YAML
        plain = settings.model_dump(mode="json")
        plain["willow"]["client_secret"] = "test"
        self._config.write_text(json.dumps(plain))

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--config", str(self._config)])

    def read(self, offset: int) -> tuple[bytes, bytes]:
        topic = self.settings.topics.name("create_claims")
        consumer = Consumer({"bootstrap.servers": self.settings.kafka.bootstrap_servers, "group.id": "reader"})
        try:
            consumer.assign([TopicPartition(topic, PAUSE_PARTITION, offset)])
            message = consumer.poll(20.0)
            assert message is not None
            key, value = message.key(), message.value()
            assert key is not None
            assert value is not None
            return key, value
        finally:
            consumer.close()


@pytest.fixture
def rig(settings_for: Callable[..., Settings], tmp_path: Path) -> Rig:
    return Rig(settings_for(), tmp_path)


def test_each_writes_one_record_that_says_who_and_why(rig: Rig) -> None:
    ensure_topics(rig.settings)
    paused = rig.run("pause", "--note", "mapping", "--json")
    resumed = rig.run("resume")
    assert (paused.exit_code, resumed.exit_code) == (0, 0)
    told = json.loads(paused.stdout)
    topic = rig.settings.topics.name("create_claims")
    assert (told["topic"], told["partition"], told["offset"]) == (topic, 0, 0)
    key, value = rig.read(0)
    record = PauseControl.model_validate_json(value)
    assert key == PAUSE_KEY
    assert (record.state, record.note) == (PauseState.PAUSED, "mapping")
    assert "@" in record.by
    assert record.at.tzinfo is not None
    assert f"written to {topic}, partition 0, offset 1, by {record.by}" in resumed.stdout
    key, value = rig.read(1)
    assert key == PAUSE_KEY
    assert PauseControl.model_validate_json(value).state is PauseState.RESUMED


def test_a_topic_that_is_not_there_is_told_with_a_remedy(rig: Rig) -> None:
    ended = rig.run("pause")
    assert ended.exit_code == 1
    assert f"error: topic {rig.settings.topics.name('create_claims')}: " in ended.stderr
    assert "remedy: Correct topics.prefix" in ended.stderr
