"""The console's pages, made from what was gathered: every part is told, in words, and nothing that came from outside is
markup."""

import re
from dataclasses import fields, replace
from html import unescape
from typing import Any

import httpx
import pytest

from streams.console.order import OrderView, Told, Waits
from streams.console.page import order_page, status_page
from streams.console.recent import Said
from streams.console.routes import MAX_ASKED, routes
from streams.console.snapshot import Hold, OutcomeCount, ParkedCount, PartitionLag, Snapshot, TopicLag
from streams.delivery.pause import BRAKE, OPERATOR, lifted_by
from streams.planning.reasons import REASONS, general_remedy
from streams.reading.overview import Site
from streams.settings import Web
from streams.web import Pages

NOW = "2026-11-02T09:14:11.733Z"

WELL = Snapshot(
    time=NOW,
    started="2026-11-01T08:00:00.000Z",
    group_id="willow-sync",
    willow="https://example.app.willowinc.com/api/v3",
    versions={"willow-sync": "0.1.0", "python": "3.12.1"},
    ready=True,
    missing=(),
    pauses=(),
    lag=(),
    oldest_unsynced_seconds=0.0,
    pending_records=0,
    in_flight=0,
    max_in_flight=64,
    token_expires_seconds=None,
    parked=(),
    in_doubt=0,
    in_doubt_remedy=general_remedy("create_in_doubt"),
    left=0,
    outcomes=(),
    entities=0,
    entities_with_twin=0,
    entities_to_read=0,
    sites=(),
    sites_selected=0,
    recent=(),
)

ILL = replace(
    WELL,
    ready=False,
    missing=("paused (tenant): 403", "selected site NOWHERE is unknown"),
    pauses=(Hold("tenant", "403 Forbidden", NOW, lifted_by("tenant")),),
    lag=(TopicLag("mapped.work-orders", 12, 8, (PartitionLag(3, 7), PartitionLag(0, 5), PartitionLag(1, 0))),),
    oldest_unsynced_seconds=731.0,
    pending_records=11,
    in_flight=9,
    token_expires_seconds=3349.0,
    parked=(ParkedCount("no_willow_twin", 4, general_remedy("no_willow_twin")),),
    in_doubt=2,
    left=3,
    outcomes=(OutcomeCount("created", None, 512), OutcomeCount("skipped", "willow_born", 17)),
    entities=40,
    entities_with_twin=30,
    entities_to_read=6,
    sites=(Site("NOWHERE", None, None), Site("TW-1", "BLDG1", "Marina Depot")),
    sites_selected=202,
    recent=(Said(NOW, "WO/1 a&b", "rejected", "invalid", "497f"), Said(NOW, "", "dead_lettered", "undecodable", None)),
)

VIEW = OrderView(
    "WO1",
    "willow-sync explain WO1",
    known=True,
    ticket_id="497f",
    last=Told(NOW, "rejected", "invalid", "Willow refuses the ticket", "Correct the named values"),
    waiting=Waits("parked", "no_willow_twin", "No Willow twin id yet", "Attach the twin ids", ("AHU-3",), NOW, 2),
    read_back=NOW,
    left="left_outside_selected_sites",
    gone=True,
    recent=(Said(NOW, "WO1", "updated", None, "497f"),),
)


def text_of(page: str) -> str:
    """As it is read: without markup, spaces made one."""
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", page.split("</style>")[1]).split()))


@pytest.mark.parametrize(
    "said",
    [
        "Worker of willow-sync: not ready",
        "started 2026-11-01 08:00:00 UTC",
        "paused (tenant): 403 selected site NOWHERE is unknown",
        "tenant 2026-11-02 09:14:11 UTC 403 Forbidden a probe of Willow that succeeds",
        "mapped.work-orders 12 3: 7, 0: 5, 6 more",
        "oldest unsynced 12 min",
        "records in work 11",
        "calls under way 9 of 64",
        "token good for 56 min",
        "parked 4",
        "no_willow_twin 4 Attach the twin ids in Mapped",
        "2 orders. Wait, or look in Willow and say what is there: `willow-sync resolve ORDER --ticket ID`",
        "3 orders. They have a ticket and no longer qualify",
        "created – 512 skipped willow_born 17",
        "holds 40 entities, 30 with a Willow twin. It is still being read: 6 records to go.",
        "NOWHERE – unknown: correct selected_sites",
        "TW-1 Marina Depot BLDG1 and 200 more",
        "2026-11-02 09:14:11 UTC WO/1 a&b rejected invalid 497f",
        "willow-sync 0.1.0 · python 3.12.1",
    ],
)
def test_what_a_worker_tells(said: str) -> None:
    assert said in text_of(status_page(ILL))


def test_a_worker_with_which_all_is_well() -> None:
    said = text_of(status_page(WELL))
    assert "Worker of willow-sync: ready" in said
    assert "Nothing holds calls to Willow back. lag (records) 0 oldest unsynced 0 s" in said
    assert "No order is parked." in said
    assert "No partition is this worker's." in said
    assert "Every site is selected." in said
    assert "no token yet" in said
    assert "Not ready" not in said
    assert "in doubt 0 left tickets 0" in said
    assert "Creates in doubt" not in said


def test_partitions_that_are_up_to_date_are_counted() -> None:
    lag = (TopicLag("t", 5, 3, (PartitionLag(2, 5), PartitionLag(0, 0), PartitionLag(1, 0))),)
    assert "t 5 2: 5, 2 up to date" in text_of(status_page(replace(WELL, lag=lag)))


def test_an_order_of_the_newest_can_be_looked_at() -> None:
    assert '<a href="orders?id=WO%2F1%20a%26b">WO/1 a&amp;b</a>' in status_page(ILL)


@pytest.mark.parametrize(
    "said",
    [
        "Order WO1",
        "Ticket 497f",
        "Willow no longer has the ticket.",
        "Under left_outside_selected_sites .",
        "parked since 2026-11-02 09:14:11 UTC; 2 later records wait with it",
        "reason no_willow_twin found No Willow twin id yet what to do Attach the twin ids waits for AHU-3",
        "the ticket is read at 2026-11-02 09:14:11 UTC",
        "outcome rejected time 2026-11-02 09:14:11 UTC reason invalid found Willow refuses the ticket",
        "what to do Correct the named values",
        "2026-11-02 09:14:11 UTC WO1 updated – 497f",
        "The whole story, with a fresh plan and Willow's word: willow-sync explain WO1",
    ],
)
def test_what_is_told_of_an_order(said: str) -> None:
    assert said in text_of(order_page(VIEW))


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (OrderView("X", "c", elsewhere="it is another's"), "This worker can't tell: it is another's."),
        (OrderView("X", "c"), "in this worker's partition, and no record of it came"),
        (
            OrderView("X", "c", known=True),
            "No ticket. Outcome of its last applied record No record of it has been carried",
        ),
    ],
)
def test_an_order_of_which_little_is_known(view: OrderView, said: str) -> None:
    assert said in text_of(order_page(view))


EVIL = "<script>alert('x')</script>\"&"


def poisoned(value: Any) -> Any:
    """The same with every text, however deep, replaced by one that is markup."""
    if isinstance(value, str):
        return EVIL
    if isinstance(value, tuple):
        return tuple(map(poisoned, value))
    if isinstance(value, dict):
        return {EVIL + key: EVIL for key in value}
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{item.name: poisoned(getattr(value, item.name)) for item in fields(value)})
    return value


@pytest.mark.parametrize("page", [status_page(poisoned(ILL)), order_page(poisoned(VIEW))], ids=["worker", "order"])
def test_no_text_from_outside_is_markup(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    # Nor does one end the attribute that it stands in.
    assert re.search(r'="[^"]*<', page) is None
    assert '"&<' not in page


def test_the_pages_need_nothing_from_elsewhere() -> None:
    for page in (status_page(ILL), order_page(VIEW)):
        assert re.findall(r"<(?:script|link|img|iframe)\b|\bsrc=|url\(|@import", page) == []
        assert "prefers-color-scheme:dark" in page
        assert 'name="viewport"' in page
    assert '<meta http-equiv="refresh" content="10">' in status_page(WELL)
    # It would take away what is being typed, or read.
    assert "refresh" not in order_page(VIEW)


@pytest.mark.parametrize("cause", ["outage", "rate", "tenant", BRAKE, OPERATOR])
def test_what_lifts_a_pause(cause: str) -> None:
    assert ("willow-sync resume" in lifted_by(cause)) == (cause in (BRAKE, OPERATOR))
    assert ("probe" in lifted_by(cause)) == (cause not in (BRAKE, OPERATOR))


def test_each_reason_has_a_remedy_without_an_order_at_hand() -> None:
    assert [code for code in REASONS if not general_remedy(code) or re.search(r"[{}]", general_remedy(code))] == []
    assert general_remedy("left_willow_born") == general_remedy("willow_born")


async def test_over_http() -> None:
    asked: list[str] = []

    def order(order_id: str) -> OrderView:
        asked.append(order_id)
        return replace(VIEW, order_id=order_id)

    more = routes(lambda: ILL, order)
    async with Pages(Web(port=0), ready=list, metrics=lambda: b"", more=more) as pages, httpx.AsyncClient() as client:

        async def get(path: str, **parameters: str) -> httpx.Response:
            return await client.get(f"{pages.address}{path}", params=parameters)

        page = await get("/")
        assert page.status_code == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert page.headers["Cache-Control"] == "no-store"
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.text == status_page(ILL)

        document = (await get("/status.json")).json()
        assert document["groupId"] == "willow-sync"
        assert (document["lagRecords"], document["missing"]) == (12, list(ILL.missing))
        assert document["pauses"][0]["liftedBy"] == lifted_by("tenant")
        assert document["recent"][0] == {
            "time": NOW,
            "orderId": "WO/1 a&b",
            "outcome": "rejected",
            "reason": "invalid",
            "ticketId": "497f",
        }

        found = await get("/orders", id=" Wärme/1&2 ")
        assert (found.status_code, asked) == (200, ["Wärme/1&2"])
        assert "Order Wärme/1&amp;2" in found.text
        for wrong, said in (("  ", "Give the order's id"), ("x" * (MAX_ASKED + 1), "at most 512")):
            refused = await get("/orders", id=wrong)
            assert refused.status_code == 400
            assert said in text_of(refused.text)
        assert (await get("/orders")).status_code == 200
        assert (await client.get(f"{pages.address}/orders?id=%ED%A0%80%ff")).status_code == 200
        assert asked[1].encode()
        for path in ("/", "/orders", "/status.json"):
            assert (await client.post(f"{pages.address}{path}")).status_code == 405
