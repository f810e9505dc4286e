"""Audit and adoption of a portfolio that was written into the topics by hand, against a Willow with tickets."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from click.testing import CliRunner, Result

from ops.emulator import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Answer, Call, Perform
from ops.emulator import Kind as ListKind
from schemas.claim import claim_key
from streams.agents.takeover import NoExternalIds
from streams.cli import main
from streams.delivery.state import OrderState, hashes_of
from streams.reading.adoption import Adoption, Against, look_for_adoptions
from streams.reading.audit import Audit, Scope, audit
from streams.reading.findings import Kind
from streams.reading.ledger import Ledger
from streams.reading.log import Log
from streams.reading.survey import client_of, take_survey
from tests.acceptance.willow import Willow
from tests.reading.conftest import Make, Topics

pytestmark = pytest.mark.kafka

TICKET, TWIN = "urn:willowinc:ticket:id:", "urn:willowinc:twin:id:"


class Portfolio:
    """One site, SITE1, with twin TW-AHU1; ``place`` is where orders lie."""

    def __init__(self, topics: Topics, willow: Willow) -> None:
        self.topics, self.willow = topics, willow
        self.status: str = willow.ask(lambda emulator: emulator.lists.id_of(ListKind.STATUSES, "Open"))
        site = {"id": "SITE1", "exactType": "Site", "identities": [{"value": TWIN + "TW-AHU1"}]}
        topics.put("entities", b"SITE1", orjson.dumps(site))

    def order(self, order_id: str, **fields: Any) -> tuple[int, int]:
        whole = {"summary": "Leak", "jobStatus": "Open", "relatesTo": [{"id": "SITE1"}], **fields}
        return self.topics.input(order_id, **{"exactType": "WorkOrder", **whole})

    def ticket(self, order_id: str | None, **fields: Any) -> str:
        """As the order wants it."""
        return self.willow.add_ticket(**self._sent(order_id), **fields)

    def _sent(self, order_id: str | None) -> dict[str, Any]:
        return {
            "externalId": order_id,
            "sourceName": "Mapped",
            "summary": "Leak",
            "statusId": self.status,
            "twinId": "TW-AHU1",
            "customProperties": {"relatedEntities": "SITE1"},
        }

    def synced(self, order_id: str, ticket_id: str, *, identity: str | None = None) -> None:
        """Its record, and the state of an order that has this ticket; the identity may name another."""
        at = self.order(order_id)
        fields = self._sent(order_id)
        bound: dict[str, Any] = {"ticket_id": ticket_id, "hashes": hashes_of(fields), "clear": {"twinId": "TW-AHU1"}}
        self.topics.decided(order_id, at, "created", **bound)
        if identity is not None:
            self.identity(order_id, identity)

    def identity(self, order_id: str, ticket_id: str) -> None:
        value = {"identity": {"value": TICKET + ticket_id}, "instance": self.willow.base_url}
        self.topics.put("ticket_identities", order_id.encode(), orjson.dumps(value))

    def audit(self, *orders: str) -> Audit:
        settings, scope = self.topics.settings, Scope(orders or None)
        with Ledger() as ledger:
            with Log(settings) as log:
                survey = take_survey(log, settings, ledger, only=scope.orders)

            async def run() -> Audit:
                async with client_of(settings) as client:
                    return await audit(survey, client, scope, lambda: None)

            return asyncio.run(run())

    def adoption(self) -> Adoption:
        settings = self.topics.settings
        with Ledger() as ledger:
            with Log(settings) as log:
                survey = take_survey(log, settings, ledger)

            async def run() -> Adoption:
                async with client_of(settings) as client:
                    return await look_for_adoptions(survey, client, lambda: None)

            return asyncio.run(run())


@pytest.fixture
def portfolio(settings_for: Make, tmp_path: Path) -> Iterator[Portfolio]:
    willow = Willow(tmp_path / "willow.ndjson", twins=())
    willow.start()
    access = {"client_id": DEFAULT_CLIENT_ID, "client_secret": DEFAULT_CLIENT_SECRET}
    try:
        yield Portfolio(Topics(settings_for(willow={"base_url": willow.base_url, **access})), willow)
    finally:
        willow.close()


def told(found: Audit) -> list[tuple[Kind, str | None, str]]:
    return [(item.kind, item.order_id, item.evidence) for item in found.findings]


def test_state_identities_and_willow_must_agree(portfolio: Portfolio) -> None:
    good = portfolio.ticket("GOOD")
    portfolio.synced("GOOD", good, identity=good)
    portfolio.synced("UNPUBLISHED", portfolio.ticket("UNPUBLISHED"))
    portfolio.synced("TORN", portfolio.ticket("TORN"), identity=portfolio.ticket(None))
    portfolio.synced("GONE", "no-such-ticket", identity="no-such-ticket")
    portfolio.identity("ALONE", portfolio.ticket("ALONE"))
    found = portfolio.audit()
    kinds = [(kind, order) for kind, order, _ in told(found)]
    assert kinds == [
        (Kind.DUPLICATE, "TORN"),
        (Kind.GONE, "GONE"),
        (Kind.IDENTITY, "TORN"),
        (Kind.IDENTITY, "UNPUBLISHED"),
        (Kind.DRIFT, "TORN"),
    ]
    assert found.findings[3].evidence.startswith("published: none, in its state: ")
    totals = found.totals
    assert (totals.orders, totals.tickets, totals.compared, totals.by_hash, totals.others) == (5, 5, 4, 1, 0)
    assert {item.site for item in found.findings} == {"SITE1"}


def test_what_is_not_settled_is_no_finding(portfolio: Portfolio) -> None:
    portfolio.order("NEW")
    ticket = portfolio.ticket("NEWER")
    portfolio.synced("NEWER", ticket, identity=ticket)
    portfolio.order("NEWER", summary="Flood")
    portfolio.order("DELETED")
    portfolio.topics.put("work_orders", b"DELETED", None)
    found = portfolio.audit()
    assert told(found) == []
    assert (found.totals.under_way, found.totals.compared, found.totals.orders) == (3, 1, 3)


def test_a_ticket_that_the_list_does_not_show_is_asked_for(portfolio: Portfolio) -> None:
    ticket = portfolio.ticket(None)
    portfolio.synced("WO", ticket, identity=ticket)
    found = portfolio.audit("WO")
    # Looked up by its externalId it is not found, for it has none.
    assert [(item.kind, [one.field for one in item.differences]) for item in found.findings] == [
        (Kind.DRIFT, ["externalId"])
    ]
    assert portfolio.willow.calls("get_ticket") == 1


def test_the_twins_that_orders_want_are_asked_for(portfolio: Portfolio) -> None:
    for name in ("ONE", "TWO"):
        ticket = portfolio.ticket(name)
        portfolio.synced(name, ticket, identity=ticket)
    assert portfolio.audit().totals.twins_problem == "Willow shows none of them: may this client read twins?"
    site = {"id": "SITE2", "exactType": "Site", "identities": [{"value": TWIN + "TW-2"}]}
    portfolio.topics.put("entities", b"SITE2", orjson.dumps(site))
    portfolio.willow.ask(lambda emulator: emulator.twins.add(["TW-2"]))
    at = portfolio.order("MOVED", relatesTo=[{"id": "SITE2"}])
    moved = portfolio.ticket("MOVED")
    portfolio.topics.decided("MOVED", at, "created", ticket_id=moved)
    portfolio.identity("MOVED", moved)
    found = portfolio.audit()
    assert told(found)[0] == (Kind.TWIN_UNKNOWN, "ONE", "Willow has no twin TW-AHU1; so 2 orders")
    assert [(kind, order) for kind, order, _ in told(found)[1:]] == [
        (Kind.TWIN_MOVED, "MOVED"),
        (Kind.NOT_SENT, "MOVED"),
    ]
    assert (found.totals.twins, found.totals.twins_problem) == (2, None)


def test_what_stands_against_an_adoption(portfolio: Portfolio) -> None:
    at = portfolio.order("DECIDED")
    portfolio.topics.decided("DECIDED", at, "skipped", "unmapped_job_status")
    first = portfolio.ticket("DECIDED")
    portfolio.order("FRESH")
    fresh = portfolio.ticket("FRESH")
    portfolio.order("DOUBT")
    portfolio.topics.put("create_claims", claim_key("DOUBT", "c"), b'{"state":"open"}', partition=0)
    doubt = portfolio.ticket("DOUBT")
    portfolio.topics.state("SILENT", OrderState(watermark="2026-01-01T00:00:00Z"))
    silent = portfolio.ticket("SILENT")
    portfolio.order("LOST", identities=[{"value": TICKET + "no-such-ticket"}])
    owned = portfolio.ticket("ELSEWHERE")
    portfolio.order("THIEF", identities=[{"value": TICKET + owned}])
    found = portfolio.adoption()
    assert [(pair.order_id, pair.ticket_id, pair.decided, pair.site) for pair in found.pairs] == [
        ("DECIDED", first, True, "SITE1"),
        ("FRESH", fresh, False, "SITE1"),
    ]
    assert [(item.why, item.order_id, item.ticket_id) for item in found.conflicts] == [
        (Against.OWNED_BY_OTHER, "THIEF", owned),
        (Against.IN_DOUBT, "DOUBT", doubt),
        (Against.NO_RECORD, "SILENT", silent),
        (Against.GONE, "LOST", "no-such-ticket"),
    ]
    assert found.conflicts[0].detail == "it is ELSEWHERE's"
    assert (found.tickets, found.bound, found.unknown, found.nameless) == (5, 0, 1, 0)


class HidesExternalIds:
    """Lists tickets without their externalId."""

    async def __call__(self, call: Call, perform: Perform) -> Answer:
        answer = perform()
        if call.operation != "list_tickets":
            return answer
        page = orjson.loads(answer.body)
        items = [{name: value for name, value in item.items() if name != "externalId"} for item in page["items"]]
        return Answer(answer.status, orjson.dumps({**page, "items": items}), answer.headers)


def test_where_willow_hides_whose_a_ticket_is_only_a_person_can_tell(portfolio: Portfolio) -> None:
    ticket = portfolio.ticket("WO")
    portfolio.synced("WO", ticket, identity=ticket)
    portfolio.willow.script.now = HidesExternalIds()
    found = portfolio.audit()
    assert (told(found), found.totals.hidden) == ([], {"externalId": 1})
    portfolio.ticket("LATE")
    with pytest.raises(NoExternalIds, match="only a person"):
        portfolio.adoption()


def run(portfolio: Portfolio, tmp_path: Path, *words: str) -> Result:
    settings = portfolio.topics.settings
    values = settings.model_dump(mode="json", include={"kafka": {"bootstrap_servers", "group_id"}})
    values["topics"] = {
        **{name: getattr(settings.topics, name) for name in ("prefix", "work_orders", "entities")},
        "partitions": settings.topics.partitions,
    }
    values["willow"] = {
        "base_url": portfolio.willow.base_url,
        "client_id": DEFAULT_CLIENT_ID,
        "client_secret": DEFAULT_CLIENT_SECRET,
    }
    config = tmp_path / "given.yml"
    config.write_text(yaml.safe_dump({**values, "selected_sites": ["SITE1"]}))
    return CliRunner().invoke(main, [*words, "--config", str(config)])


def test_the_command_tells_its_findings_and_ends_with_the_worst(portfolio: Portfolio, tmp_path: Path) -> None:
    ticket = portfolio.ticket("WO")
    portfolio.synced("WO", ticket, identity=ticket)
    ended = run(portfolio, tmp_path, "audit")
    assert (ended.exit_code, ended.stdout.splitlines()[-1]) == (0, "no findings")
    portfolio.willow.change_ticket(ticket, summary="Their\x1b[31m own")
    ended = run(portfolio, tmp_path, "audit")
    assert ended.exit_code == 18
    assert f"    WO  {ticket}  changed in Willow: summary" in ended.stdout.splitlines()
    assert "\x1b" not in ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("willow-sync replay --key WO --force")
    document = json.loads(run(portfolio, tmp_path, "audit", "--json").stdout)
    assert (document["exitCode"], document["counts"]) == (18, {"drift": 1})
    unknown = run(portfolio, tmp_path, "audit", "--order", "wo")
    assert (unknown.exit_code, unknown.stderr.splitlines()[0].partition(";")[0]) == (1, "error: unknown: wo")
    nowhere = run(portfolio, tmp_path, "audit", "--site", "BLDG")
    assert (nowhere.exit_code, "Mapped id or Willow twin id" in nowhere.stderr) == (1, True)


def test_adopt_reports_and_without_workers_says_what_is_left(
    portfolio: Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.cli.adopt.STALL_SECONDS", 0.0)
    at = portfolio.order("WO")
    portfolio.topics.decided("WO", at, "skipped", "unmapped_job_status")
    ticket = portfolio.ticket("WO")
    ended = run(portfolio, tmp_path, "adopt")
    assert ended.stdout.splitlines()[1:3] == ["would adopt 1", f"    WO  {ticket}  by its externalId"]
    replans = portfolio.topics.settings.topics.name("replans")
    with Log(portfolio.topics.settings) as log:
        assert list(log.read(replans)) == []
        portfolio.ticket("STRANGER")
        only = json.loads(run(portfolio, tmp_path, "adopt", "--order", "WO", "--json").stdout)
        assert (only["tickets"]["all"], only["adopts"][0]["ticketId"], only["sent"]) == (1, ticket, None)
        assert run(portfolio, tmp_path, "adopt", "--order", "wo").exit_code == 1
        ended = run(portfolio, tmp_path, "adopt", "--yes")
        assert "0 of 1 adopted" in ended.stdout
        assert "the rest is written down" in ended.stdout
        sent = [
            json.loads(record.value or b"") for record in log.read(portfolio.topics.settings.topics.name("replans"))
        ]
    assert [item["cause"] for item in sent] == ["signal", "replay"]
    assert sent[0]["signal"] == {"cause": "adopt", "result": {"ticketId": ticket}}
    assert sent[1]["source"]["offset"] == at[1]
