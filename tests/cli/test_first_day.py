"""The commands of a first day on a real topic and the emulator, over the demo's portfolio."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from confluent_kafka import Producer

from ops.emulator import Emulator, Rule, WorldFile
from ops.emulator.faults import kinds
from ops.emulator.lists import Kind, lists_of
from ops.portfolio import Portfolio, build_portfolio
from streams.cli.twins_run import Run
from streams.config.yaml_text import read_yaml
from streams.kafka.topics import ensure_topics
from streams.planning.places import PlaceKind
from streams.pulling import Walk
from streams.reading.log import Log
from streams.reading.states import read_twins
from streams.settings import Enumerations, InputFormat, Settings
from streams.shadow_settings import ShadowSettings
from streams.willow import Forbidden, WillowClient

pytestmark = pytest.mark.kafka

Make = Callable[..., Settings]
Invoke = Callable[..., Result]
WillowAt = Callable[[Emulator], dict[str, str]]


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    return build_portfolio()


@pytest.fixture
def emulator(portfolio: Portfolio) -> Emulator:
    world = WorldFile.model_validate(portfolio.world)
    return Emulator(world=world, twins=portfolio.twins, lists=lists_of(portfolio.lists))


@pytest.fixture
def settings(settings_for: Make, emulator: Emulator, willow_at: WillowAt) -> Settings:
    given = settings_for(willow=willow_at(emulator), selected_sites=["BLDG01", "TW-HAF-SITE"], org_id="ORGdemo")
    ensure_topics(given)
    return given


def send(settings: Settings, portfolio: Portfolio, *, entities: bool = True) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for message in (*portfolio.entities_now, *portfolio.entities_late) if entities else ():
        producer.produce(settings.topics.entities, message.value, message.key, headers=list(message.headers))
    for message in portfolio.changes:
        producer.produce(settings.topics.work_orders, message.value, message.key, headers=list(message.headers))
    assert producer.flush(20) == 0


class TestEnumerations:
    def test_the_block_can_be_pasted_and_create_missing_completes_it(
        self, settings: Settings, portfolio: Portfolio, emulator: Emulator, invoke: Invoke
    ) -> None:
        send(settings, portfolio, entities=False)
        ended = invoke(settings, "enumerations", "suggest")
        assert ended.exit_code == 0
        tree = read_yaml(ended.stdout)
        assert not tree.problems
        read = Enumerations.model_validate(tree.root["enumerations"])
        assert read.job_status.values["On Hold"] == "On Hold"
        assert '      # "Waiting for parts": ""  #' in ended.stdout
        assert "complete their lines" in ended.stderr

        planned = invoke(settings, "enumerations", "create-missing")
        assert "sector: create 'Pest control'" in planned.stdout
        assert planned.stdout.endswith("nothing was created; --yes creates them\n")
        assert not [item for item in emulator.lists[Kind.CATEGORIES] if item.name == "Pest control"]

        made = json.loads(invoke(settings, "enumerations", "create-missing", "--yes", "--json").stdout)
        assert {item["name"]: item["setting"] for item in made["entries"] if item["id"]} == {
            "Pest control": "sector",
            "Vandalism repair": "job_type",
        }
        again = invoke(settings, "enumerations", "create-missing", "--yes")
        assert "nothing to create" in again.stdout

    def test_a_refusal_tells_what_was_made_before(
        self, settings: Settings, portfolio: Portfolio, emulator: Emulator, invoke: Invoke
    ) -> None:
        send(settings, portfolio, entities=False)
        emulator.faults.replace([Rule(operations=("put_category",), fault=kinds.Refusal(status=403))])
        ended = invoke(settings, "enumerations", "create-missing", "--yes")
        assert ended.exit_code == 1
        assert "sector 'Pest control'" in ended.stderr
        assert "created before: 1" in ended.stderr
        assert "not created twice" in ended.stderr

    def test_an_empty_topic_is_no_suggestion(self, settings: Settings, invoke: Invoke) -> None:
        ended = invoke(settings, "enumerations", "suggest")
        assert ended.exit_code == 1
        assert "holds no record" in ended.stderr
        assert "backfill" in ended.stderr


class TestSites:
    def test_candidates_and_an_unknown_selection(
        self, settings: Settings, portfolio: Portfolio, invoke: Invoke
    ) -> None:
        send(settings, portfolio)
        ended = invoke(settings, "sites", "--json")
        assert ended.exit_code == 0
        found = {item["id"]: item for item in json.loads(ended.stdout)["candidates"]}
        assert found["BLDG02"]["selectedBy"] == "TW-HAF-SITE"
        assert found["BLDG09"]["selectedBy"] is None
        assert found["SITE02"]["orders"] == found["BLDG02"]["orders"] + found["BLDG04"]["orders"]

        wrong = settings.model_copy(update={"selected_sites": ["BLDG1", "Marina Depot"]})
        ended = invoke(wrong, "sites")
        assert ended.exit_code == 1
        assert "'BLDG1', 'Marina Depot'" in ended.stderr
        assert "'Marina Depot': is it BLDG09?" in ended.stderr
        assert "- BLDG09" in ended.stdout

    def test_without_entities(self, settings: Settings, invoke: Invoke) -> None:
        ended = invoke(settings, "sites")
        assert ended.exit_code == 1
        assert "twins pull" in ended.stderr


class TestTwinsPull:
    def test_what_is_pulled_is_what_mapped_s_own_feed_says(
        self, settings: Settings, settings_for: Make, portfolio: Portfolio, emulator: Emulator, invoke: Invoke
    ) -> None:
        dry = json.loads(invoke(settings, "twins", "pull", "--dry-run", "--json").stdout)
        assert entities_of(settings) == {}
        ended = json.loads(invoke(settings, "twins", "pull", "--json").stdout)
        assert ended["written"] == dry["written"]
        pulled = entities_of(settings)
        assert len(pulled) == sum(ended["written"].values()) > 200

        fed = settings.model_copy(
            update={"topics": settings.topics.model_copy(update={"entities": f"{settings.topics.entities}.fed"})}
        )
        ensure_topics(fed)
        send(fed, portfolio)
        told = entities_of(fed)
        same = [entity for entity, node in pulled.items() if told[entity] == node]
        # In Willow's twins a thing in a room without a twin is on its floor.
        assert {entity: told[entity].twin_id for entity in pulled} == {e: node.twin_id for e, node in pulled.items()}
        # A row says HVACZone, which is a subclass to the planner and so a Thing; Willow's models say that it is a Zone.
        other = {node.kind for entity, node in pulled.items() if told[entity].kind is not node.kind}
        assert other == {PlaceKind.ZONE}
        assert len(same) > 0.85 * len(pulled)

        again = invoke(settings, "twins", "pull")
        assert "        0 written to" in again.stdout
        assert f"{len(pulled)} are there already" in again.stdout

    async def test_an_interrupted_one_goes_on(self, settings: Settings, emulator: Emulator) -> None:
        # Places are some hundred twins, six pages of 20: the eighth is the second one of things.
        emulator.faults.replace([Rule(operations=("list_twins",), nth=8, fault=kinds.Refusal(status=403))])
        with pytest.raises(Forbidden):
            await pulled(settings)
        before = len(entities_of(settings))
        tally = await pulled(settings)
        assert before < len(entities_of(settings)) == tally.written.total()

    async def test_a_place_that_willow_forgot_begins_anew(
        self, settings: Settings, emulator: Emulator, capsys: pytest.CaptureFixture[str]
    ) -> None:
        emulator.faults.replace([Rule(operations=("list_twins",), nth=8, fault=kinds.Refusal(status=403))])
        with pytest.raises(Forbidden):
            await pulled(settings)
        emulator.faults.replace([Rule(operations=("list_twins",), nth=7, fault=kinds.Refusal(status=400))])
        await pulled(settings)
        assert "no longer knows where the last run stopped" in capsys.readouterr().err
        assert len(entities_of(settings)) > 200

    def test_twins_without_mapped_ids_are_no_entities(
        self, settings_for: Make, willow_at: WillowAt, portfolio: Portfolio, invoke: Invoke
    ) -> None:
        bare: Any = {
            **portfolio.world,
            "twins": [{**twin, "contents": {"name": "x"}} for twin in portfolio.world["twins"]],
        }
        settings = settings_for(willow=willow_at(Emulator(world=WorldFile.model_validate(bare), twins=[])))
        ensure_topics(settings)
        ended = invoke(settings, "twins", "pull")
        assert ended.exit_code == 1
        assert "not tied to Mapped's ids" in ended.stderr

    def test_a_willow_without_models_is_told(self, settings_for: Make, willow_at: WillowAt, invoke: Invoke) -> None:
        settings = settings_for(willow=willow_at(Emulator()))
        ensure_topics(settings)
        ended = invoke(settings, "twins", "pull")
        assert ended.exit_code == 1
        assert "error: Willow lists 0 models, and none of a place" in ended.stderr
        assert "remedy: May this client read models and twins" in ended.stderr

    def test_a_form_that_it_does_not_write_is_refused(self, settings: Settings, invoke: Invoke) -> None:
        form = settings.input_format.model_copy(update={"entities": InputFormat.ENVELOPE})
        ended = invoke(settings.model_copy(update={"input_format": form}), "twins", "pull")
        assert ended.exit_code == 1
        assert "twins pull writes the flat form" in ended.stderr


def entities_of(settings: Settings) -> dict[str, Any]:
    with Log(settings) as log:
        return {node.id: node for node in read_twins(log, settings).nodes()}


async def pulled(settings: Settings) -> Any:
    willow = settings.willow
    with Log(settings) as log:
        run = Run(settings, read_twins(log, settings), dry_run=False, rewrite=True)
    async with WillowClient(willow.base_url, willow.client_id, willow.client_secret.get_secret_value()) as client:
        return await run(Walk(client, None, page=20), restart=False)


class TestCheck:
    def test_it_tells_what_the_newest_orders_lack(
        self, settings: Settings, portfolio: Portfolio, invoke: Invoke
    ) -> None:
        send(settings, portfolio)
        ended = invoke(settings, "check", "--json")
        assert ended.exit_code == 0, ended.output
        findings = json.loads(ended.stdout)["findings"]
        notes = {(item["probe"], item["message"].split(":")[0]) for item in findings if item["state"] == "note"}
        assert ("coverage", "enumerations.job_status") in notes
        assert ("twins", "Willow does not know 1 of") in {(probe, said[:25]) for probe, said in notes}
        (orders,) = (item for item in findings if item["probe"] == "orders")
        assert "would have a ticket" in orders["message"]
        assert "skip unmapped_job_status" in orders["message"]

    def test_a_mapping_that_fits_no_order_fails(
        self, settings_for: Make, emulator: Emulator, willow_at: WillowAt, portfolio: Portfolio, invoke: Invoke
    ) -> None:
        wrong = {"job_status": {"mode": "map", "values": {"Nonsense": "Open"}}}
        settings = settings_for(willow=willow_at(emulator), enumerations=wrong)
        ensure_topics(settings)
        send(settings, portfolio)
        ended = invoke(settings, "check", "--orders", "50")
        assert ended.exit_code == 1
        assert "✗ orders: of the newest 50 orders 0 would have a ticket" in ended.stdout
        assert "✗ coverage: enumerations.job_status" in ended.stdout

    def test_orders_can_be_left_out(self, settings: Settings, portfolio: Portfolio, invoke: Invoke) -> None:
        send(settings, portfolio)
        ended = invoke(settings, "check", "--orders", "0")
        assert ended.exit_code == 0
        assert "coverage" not in ended.stdout


def test_outcomes_of_workers_and_of_a_shadow_are_two_topics(settings: Settings, invoke: Invoke) -> None:
    ensure_topics(ShadowSettings.of(settings))
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    said = {"outcomeId": "1", "workOrderId": "WO1", "outcome": "would_create", "reason": None}
    producer.produce(f"{settings.topics.prefix}shadow-outcomes", json.dumps(said), "WO1")
    producer.produce(settings.topics.name("outcomes"), b"something else")
    assert producer.flush(20) == 0
    assert "would_create, for example WO1" in invoke(settings, "outcomes", "--shadow").stdout
    real = invoke(settings, "outcomes").stdout
    assert real.startswith("0 orders in")
    assert invoke(settings, "outcomes", "--history").stdout.startswith("0 outcomes in")
    assert "1 record there is none" in real


@pytest.mark.parametrize("words", [("enumerations", "suggest"), ("enumerations", "create-missing"), ("twins", "pull")])
def test_a_willow_that_refuses_the_credentials_ends_in_a_remedy(
    settings_for: Make, emulator: Emulator, willow_at: WillowAt, portfolio: Portfolio, invoke: Invoke, words: Any
) -> None:
    settings = settings_for(willow={**willow_at(emulator), "client_secret": "wrong-secret"})
    ensure_topics(settings)
    send(settings, portfolio, entities=False)
    ended = invoke(settings, *words)
    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: ")
    assert "remedy: " in ended.stderr


@pytest.mark.parametrize("words", [("sites",), ("enumerations", "suggest"), ("twins", "pull"), ("outcomes",)])
def test_a_topic_that_is_missing_ends_in_a_remedy(settings_for: Make, invoke: Invoke, words: Any) -> None:
    ended = invoke(settings_for(), *words)
    assert ended.exit_code == 1
    assert "willow-sync topics" in ended.stderr


def test_a_code_that_none_has_is_told_from_one_that_nothing_has(settings: Settings, invoke: Invoke) -> None:
    ended = invoke(settings, "dead-letters", "list", "--code", "boredom")
    assert ended.exit_code == 1
    assert "'boredom' is no reason code" in ended.stderr
    assert invoke(settings, "dead-letters", "list", "--code", "undecodable").exit_code == 0
    ended = invoke(settings, "dead-letters", "retry", "--all")
    assert ended.stdout == f"nothing to retry in {settings.topics.name('dead_letters')}\n"
