"""``produce``: lines to records, and a file onto a real topic."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from streams.cli import main
from streams.cli.ndjson import BadLine, Line, parse_line
from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from tests.cli.topic import read


class TestLines:
    @pytest.mark.parametrize(
        ("value", "key"),
        [
            ({"id": "WO1"}, b"WO1"),
            ({"id": 7}, b"7"),
            ({"op": "c", "before": None, "after": {"id": "WO1"}}, b"WO1"),
            ({"op": "d", "before": {"id": "WO1"}, "after": None}, b"WO1"),
            ({"schema": {}, "payload": {"op": "u", "after": {"id": "WO1"}}}, b"WO1"),
            ({"specversion": "1.0", "id": "event", "type": "t", "data": {"id": "WO1"}}, b"WO1"),
            ({"specversion": "1.0", "id": "event", "type": "t.deleted", "subject": "WO1"}, b"WO1"),
        ],
    )
    def test_the_key_of_a_bare_value_is_its_id(self, value: Any, key: bytes) -> None:
        text = json.dumps(value).encode()
        assert parse_line(text + b"\r\n") == Line(key, text)

    def test_a_bare_value_is_sent_as_it_was_written(self) -> None:
        text = b'{ "id": "WO1", "cost": 1.10, "big": 123456789012345678901234567890 }'
        assert parse_line(text).value == text

    def test_key_value_and_headers(self) -> None:
        line = parse_line(b'{"key": {"id": "WO1"}, "value": {"x": "\xc3\xa9"}, "headers": {"a": "b", "n": 1}}')
        assert line == Line(b'{"id":"WO1"}', '{"x":"é"}'.encode(), (("a", b"b"), ("n", b"1")))

    def test_a_null_value_is_a_tombstone(self) -> None:
        assert parse_line(b'{"key": "WO1", "value": null}') == Line(b"WO1", None)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (b"{", "not JSON"),
            (b"\xff", "not UTF-8"),
            (b"null", "found null, expected an object"),
            (b"[1]", "found a list"),
            (b'{"name": "x"}', "no key and no id"),
            (b'{"value": null}', "no key and no id"),
            (b'{"id": ""}', "no key and no id"),
            (b'{"key": "k", "value": 1, "headers": [1]}', "headers: found a list"),
            (b'{"key": "\\ud800", "value": 1}', "surrogate"),
            (b"[" * 100_000, "not JSON"),
        ],
    )
    def test_what_is_no_record(self, text: bytes, told: str) -> None:
        with pytest.raises(BadLine, match=told):
            parse_line(text)

    @given(st.one_of(st.binary(max_size=50), st.from_type(object).map(str).map(str.encode)))
    def test_any_bytes_are_a_record_or_a_bad_line(self, text: bytes) -> None:
        try:
            parse_line(text)
        except BadLine:
            return


@pytest.mark.kafka
class TestOnKafka:
    @pytest.fixture
    def settings(self, settings_for: Callable[..., Settings]) -> Settings:
        settings = settings_for()
        ensure_topics(settings)
        return settings

    @pytest.fixture
    def config(self, settings: Settings, tmp_path: Path) -> str:
        file = tmp_path / "given.json"  # JSON is YAML
        plain = settings.model_dump(mode="json")
        plain["willow"]["client_secret"] = "test"
        file.write_text(json.dumps(plain))
        return str(file)

    def test_good_lines_arrive_in_order_and_bad_ones_are_told(self, settings: Settings, config: str) -> None:
        lines = [b'{"id": "WO1", "n": %d}' % number for number in range(500)]
        lines[3:3] = [b"{broken", b"", b'{"key": "WO1", "value": null}']
        ended = CliRunner().invoke(main, ["produce", "-", "--config", config], input=b"\n".join(lines))
        assert "line 4: not JSON" in ended.stderr
        assert "error: 1 line was not sent" in ended.stderr
        assert "501 records acknowledged" in ended.stdout
        assert ended.exit_code == 1
        records = read(settings, settings.topics.work_orders, 501)
        assert {record.key() for record in records} == {b"WO1"}
        assert [record.value() for record in records] == [*lines[:3], None, *lines[6:]]

    def test_a_topic_that_is_not_there_is_told_at_once(self, config: str) -> None:
        ended = CliRunner().invoke(
            main, ["produce", "-", "--topic", "nowhere", "--config", config], input=b'{"id": "1"}'
        )
        assert ended.exit_code == 1
        assert "error: topic nowhere: " in ended.stderr

    def test_a_file_without_a_record_is_an_error(self, config: str) -> None:
        ended = CliRunner().invoke(main, ["produce", "-", "--config", config], input=b"\n \n")
        assert ended.exit_code == 1
        assert "error: the file holds no records" in ended.stderr

    def test_a_record_that_the_broker_refuses_is_told_by_its_line(self, settings: Settings, config: str) -> None:
        large = b'{"id": "WO1", "x": "' + b"x" * 2_000_000 + b'"}\n{"id": "WO2"}'
        ended = CliRunner().invoke(main, ["produce", "-", "--topic", "entities", "--config", config], input=large)
        assert "line 1: refused: " in ended.stderr
        assert ended.exit_code == 1
        assert [record.key() for record in read(settings, settings.topics.entities, 1)] == [b"WO2"]
