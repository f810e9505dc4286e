"""``backfill``: Mapped's emulator on one side, a real topic on the other; going on; every error's remedy."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from ops.mapped import DEFAULT_TOKEN, MappedEmulator
from streams.cli import main
from streams.kafka.topics import ensure_topics
from streams.planning.decode import Change, decode_entity, decode_work_order
from streams.planning.places import EntityNode
from streams.settings import InputFormat, Settings
from tests.cli.topic import read

Start = Callable[..., MappedEmulator]
Run = Callable[..., Result]

LISTS: dict[str, list[dict[str, Any]]] = {
    "buildings": [{"id": "B1", "exactType": "Building", "name": "House"}],
    "things": [{"id": "T1", "exactType": "Pump", "name": "P-1", "hasLocation": {"id": "B1"}}],
    "workOrders": [
        {
            "id": f"WO{number:03}",
            "jobStatus": "WIP",
            "connectedDataSourceId": "CON1",
            "dateUpdated": f"2026-11-{number % 28 + 1:02}T09:00:00Z",
            "relatesTo": [{"id": "T1", "exactType": "Pump"}],
        }
        for number in range(250)
    ],
    "serviceRequests": [{"id": "SR1", "jobStatus": "New", "dateUpdated": "2026-11-02T09:00:00Z"}],
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(emulator, "--dry-run", token=…, settings=…)``; the broker is the settings', else one that is not there."""

    def run(
        emulator: MappedEmulator | str,
        *arguments: str,
        settings: Settings | None = None,
        token: str | None = DEFAULT_TOKEN,
        **more: Any,
    ) -> Result:
        plain: dict[str, Any] = {
            "willow": {"base_url": "http://127.0.0.1:9", "client_id": "x", "client_secret": "y"},
            "kafka": {"bootstrap_servers": "127.0.0.1:9"},
            "selected_sites": ["*"],
            "data_dir": str(tmp_path / "data"),
        }
        if settings is not None:
            plain = settings.model_dump(mode="json") | {"willow": plain["willow"]}
        url = emulator if isinstance(emulator, str) else emulator.url
        plain["mapped"] = {"url": url, "token": token, "requests_per_second": 1000}
        file = tmp_path / "given.json"  # JSON is YAML
        file.write_text(json.dumps(plain | more))
        return CliRunner().invoke(main, ["backfill", *arguments, "--config", str(file)])

    return run


class TestDryRun:
    def test_it_counts_each_kind_and_writes_nothing(self, mapped: Start, run: Run, tmp_path: Path) -> None:
        ended = run(mapped(LISTS), "--entities", "--dry-run", "--json")
        assert ended.exit_code == 0
        records = json.loads(ended.stdout)["records"]
        assert {kind: count for kind, count in records.items() if count} == {
            "buildings": 1,
            "things": 1,
            "workOrders": 250,
            "serviceRequests": 1,
        }
        assert not (tmp_path / "data").exists()

    def test_in_words(self, mapped: Start, run: Run) -> None:
        ended = run(mapped(LISTS), "--dry-run", "--connector", "CON1", "--since", "2026-11-28")
        assert ended.stdout.splitlines() == [
            "        8 workOrders would be written to mapped.work-orders",
            "        0 serviceRequests would be written to mapped.work-orders",
        ]

    def test_ids_from_options_and_a_file(self, mapped: Start, run: Run, tmp_path: Path) -> None:
        (tmp_path / "ids").write_text("WO001\n\n  SR1 \nWO001\n")
        ended = run(mapped(LISTS), "--dry-run", "--id", "WO002", "--ids", str(tmp_path / "ids"), "--json")
        assert json.loads(ended.stdout)["records"] == {"workOrders": 2, "serviceRequests": 1}

    def test_what_is_not_synced_is_not_asked_for(self, mapped: Start, run: Run) -> None:
        emulator = mapped(LISTS)
        run(emulator, "--dry-run", entity_types=["WORK_ORDER"])
        assert list(emulator.queries) == ["{ workOrders { id } }"]


async def _refuses(query: str) -> web.Response:
    return web.Response(status=400, text='{"errors": [{"message": "Unknown filter."}]}')


class TestErrors:
    """Each on stderr with a remedy, a non-zero exit code, and never the token."""

    @pytest.mark.parametrize(
        ("arguments", "token", "told", "remedy"),
        [
            ((), None, "mapped.token is not set", "WILLOW_SYNC_MAPPED__TOKEN"),
            ((), "s3cret", "Mapped refused the token", "Check mapped.token"),
            (("--id", "NOPE"), DEFAULT_TOKEN, "NOPE: Mapped has no such order", "Correct what is named"),
            (("--ids", "/dev/null"), DEFAULT_TOKEN, "the file holds no id", "one id a line"),
        ],
    )
    def test_what_the_operator_gave(
        self, mapped: Start, run: Run, arguments: tuple[str, ...], token: str | None, told: str, remedy: str
    ) -> None:
        ended = run(mapped(LISTS), "--dry-run", *arguments, token=token)
        assert ended.exit_code == 1
        assert told in ended.stderr
        assert remedy in ended.stderr.partition("remedy: ")[2]
        assert "s3cret" not in ended.output

    @pytest.mark.parametrize(
        "arguments", [("--since", "soon"), ("--since", "2026-11-02", "--until", "2026-11-01"), ("--from", "willow")]
    )
    def test_options_that_make_no_sense(self, run: Run, arguments: tuple[str, ...]) -> None:
        assert run("http://127.0.0.1:9", *arguments).exit_code == 2

    def test_ids_that_are_no_text(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "ids").write_bytes(b"\xff\xfe")
        ended = run("http://127.0.0.1:9", "--ids", str(tmp_path / "ids"))
        assert "not UTF-8" in ended.stderr
        assert "remedy: " in ended.stderr

    def test_graphql_errors(self, mapped: Start, run: Run) -> None:
        ended = run(mapped(LISTS, fault=_refuses), "--dry-run")
        assert "error: Mapped refused the query: Unknown filter." in ended.stderr
        assert "remedy: If it names what you gave" in ended.stderr

    def test_the_network(self, run: Run) -> None:
        ended = run("http://127.0.0.1:9/graphql", "--dry-run")
        assert ended.exit_code == 1
        assert "no connection to Mapped" in ended.stderr
        assert "remedy: Check the host name in mapped.url" in ended.stderr

    def test_an_address_that_is_not_mapped_s(self, mapped: Start, run: Run) -> None:
        ended = run(mapped(LISTS).url + "/other", "--dry-run")
        assert "Mapped answered 404" in ended.stderr
        assert "remedy: Correct mapped.url" in ended.stderr

    def test_a_pinned_form_that_the_records_do_not_have(self, mapped: Start, run: Run) -> None:
        ended = run(mapped(LISTS), input_format={"work_orders": "envelope", "entities": "auto"})
        assert "input_format.work_orders is envelope" in ended.stderr
        assert "remedy: Set input_format.work_orders to auto" in ended.stderr


@pytest.mark.kafka
class TestOnKafka:
    @pytest.fixture
    def settings(self, settings_for: Callable[..., Settings]) -> Settings:
        settings = settings_for()
        ensure_topics(settings)
        return settings

    def test_places_first_then_orders_once_each_though_interrupted(
        self, mapped: Start, run: Run, settings: Settings
    ) -> None:
        # Seven lists of entities, two of them with rows, then the list of orders and two batches of them.
        left = [12]

        async def fault(query: str) -> web.Response | None:
            left[0] -= 1
            return web.Response(status=404) if left[0] < 0 else None

        emulator = mapped(LISTS, fault=fault)
        interrupted = run(emulator, "--entities", settings=settings)
        assert interrupted.exit_code == 1
        assert "workOrders: 200 of 250 records" in interrupted.stderr
        left[0] = 100
        ended = run(emulator, "--entities", "--json", settings=settings)
        assert ended.exit_code == 0, ended.output
        assert "going on after 202 records" in ended.stderr
        # Both runs are counted, and what the first one did is not done again.
        assert json.loads(ended.stdout)["records"]["workOrders"] == 250
        assert list(Path(settings.data_dir).glob("backfill-*")) == []

        orders = read(settings, settings.topics.work_orders, 251)
        assert Counter(record.key() for record in orders) == Counter(row["id"].encode() for row in _ORDERS)
        for record in orders:
            change = decode_work_order(record.key(), record.value(), (), InputFormat.AUTO)
            assert isinstance(change, Change)
            assert not change.warnings
        entities = read(settings, settings.topics.entities, 2)
        decoded = [decode_entity(record.key(), record.value(), (), InputFormat.AUTO) for record in entities]
        assert {node.id: node.parent for node in decoded if isinstance(node, EntityNode)} == {"B1": None, "T1": "B1"}
        assert max(record.timestamp() for record in entities) <= min(record.timestamp() for record in orders)

    def test_restart_begins_anew(self, mapped: Start, run: Run, settings: Settings) -> None:
        left = [2]

        async def fault(query: str) -> web.Response | None:
            left[0] -= 1
            return web.Response(status=404) if left[0] < 0 else None

        emulator = mapped(LISTS, fault=fault)
        run(emulator, settings=settings)
        left[0] = 100
        ended = run(emulator, "--restart", settings=settings)
        assert "going on" not in ended.stderr
        assert len(read(settings, settings.topics.work_orders, 100 + 251)) == 351

    def test_rows_that_can_be_no_records_are_told_and_the_others_are_sent(
        self, mapped: Start, run: Run, settings: Settings
    ) -> None:
        orders = [
            {"id": "BAD", "dateUpdated": "soon"},
            {"id": "LARGE", "description": "x" * 2_000_000},
            {"id": "GOOD", "jobStatus": "WIP"},
        ]
        ended = run(mapped({"workOrders": orders}), settings=settings)
        assert "workOrders BAD: dateUpdated: " in ended.stderr
        assert "workOrders LARGE: refused: " in ended.stderr
        assert "error: 2 problems" in ended.stderr
        assert ended.exit_code == 1
        assert [record.key() for record in read(settings, settings.topics.work_orders, 1)] == [b"GOOD"]

    def test_a_topic_that_is_not_there_has_a_remedy(
        self, mapped: Start, run: Run, settings_for: Callable[..., Settings]
    ) -> None:
        ended = run(mapped(LISTS), settings=settings_for())
        assert "Unknown topic" in ended.stderr
        assert "remedy: Create it with `willow-sync topics`." in ended.stderr


_ORDERS = (*LISTS["workOrders"], *LISTS["serviceRequests"])
