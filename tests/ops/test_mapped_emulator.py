"""The Mapped emulator: what it reads, what it refuses and in which words, and the portfolio it serves."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.emulator import EmulatorError
from ops.mapped import DEFAULT_TOKEN, Graph, GraphQLFault, MappedEmulator, load_graph, parse, portfolio_graph
from ops.mapped.answer import Answerer
from ops.portfolio import build_portfolio
from streams.mapped import KINDS
from streams.mapped.query import Criteria, render
from tests.mapped.test_query import SEED_QUERY

Start = Callable[..., MappedEmulator]

LISTS: dict[str, list[dict[str, Any]]] = {
    "buildings": [{"id": "B1", "name": "House", "exactType": "Building", "identities": [{"value": "twin"}]}],
    "zones": [{"id": "Z1", "name": "North", "exactType": "HVACZone", "isPartOf": {"id": "B1"}}],
    "workOrders": [
        {
            "id": "WO1",
            "connectedDataSourceId": "CON1",
            "summary": "a",
            "dateUpdated": "2026-11-02T09:00:00Z",
            "relatesTo": [{"id": "B1"}, {"id": "Z1"}, {"id": "T1", "exactType": "Pump", "name": "P-1"}],
            "identities": [{"value": "3", "exactType": "FloorLevelIdentity"}, {"value": "x", "scope": "ORG"}],
        },
        {"id": "WO2", "connectedDataSourceId": "CON2", "summary": None, "dateUpdated": "2026-11-02T11:00:00+02:00"},
    ],
}


def ask(query: str, *, published_only: bool = False) -> Any:
    return Answerer(Graph(LISTS), published_only=published_only).answer(parse(query))


class TestAnswers:
    def test_aliases_typenames_comments_and_fragments(self) -> None:
        query = """query Orders {  # a comment
          found: workOrders(filter: {id: {eq: "WO1"}}) {
            key: id, relatesTo { __typename ... on Building { name identities { ... on ExternalIdentity { value } } }
                                 ... on Zone { id exactType } ... on Thing { name } }
            identities { ... on ExternalIdentity { scope } __typename }
          } }"""
        assert ask(query) == {
            "found": [
                {
                    "key": "WO1",
                    "relatesTo": [
                        {"__typename": "Building", "name": "House", "identities": [{"value": "twin"}]},
                        {"__typename": "Zone", "id": "Z1", "exactType": "HVACZone"},
                        {"__typename": "Thing", "name": "P-1"},
                    ],
                    "identities": [
                        {"__typename": "FloorLevelIdentity"},
                        {"scope": "ORG", "__typename": "ExternalIdentity"},
                    ],
                }
            ]
        }

    @pytest.mark.parametrize(
        ("criteria", "ids"),
        [
            ("", ["WO1", "WO2"]),
            ('(filter: {connectedDataSourceId: {eq: "CON2"}})', ["WO2"]),
            ('(filter: {id: {in: ["WO1", "WO9"]}})', ["WO1"]),
            ("(filter: {id: {in: []}})", []),
            ('(filter: {dateUpdated: {eq: "2026-11-02T09:00:00Z"}})', ["WO1", "WO2"]),
            ('(filter: {dateUpdated: {gt: "2026-11-02T09:00:00Z"}})', []),
            (
                '(filter: {dateUpdated: {gte: "2026-11-02T10:00:00+01:00", lt: "2026-11-02T09:00:00.001Z"}})',
                ["WO1", "WO2"],
            ),
            ('(filter: {dateUpdated: {lt: "2026-11-02T09:00:00Z"}})', []),
            ('(filter: {dateUpdated: {lte: "2026-11-02T09:00:00Z"}, id: {eq: "WO2"}})', ["WO2"]),
            ('(filter: {dateCreated: {lte: "2026-11-02T09:00:00Z"}})', []),
            ('(filter: {or: [{id: {eq: "WO1"}}, {id: {eq: "WO2"}}], not: {id: {eq: "WO1"}}})', ["WO2"]),
            ('(filter: {and: [{id: {eq: "WO1"}}, {id: {eq: "WO2"}}]})', []),
        ],
    )
    def test_filters(self, criteria: str, ids: list[str]) -> None:
        assert [row["id"] for row in ask(f"{{ workOrders{criteria} {{ id }} }}")["workOrders"]] == ids

    def test_the_seed_s_query(self) -> None:
        (row,) = ask(SEED_QUERY.replace("your-connector-Id", "CON1"), published_only=True)["workOrders"]
        assert row["relatesTo"] == [{"id": "B1", "name": "House"}, {}, {"id": "T1", "name": "P-1", "exactType": "Pump"}]
        assert row["isReportedBy"] is None


REFUSALS = [
    ("", "Expected '{', found '<EOF>'"),
    ("{", "Expected 'name', found '<EOF>'"),
    ("{ }", "A selection can't be empty"),
    ("{ workOrders { id } } }", "Expected the end"),
    ("mutation { x }", "answers queries only, not 'mutation'"),
    ("query Q($a: ID) { workOrders { id } }", "reads no variables"),
    ("{ workOrders(filter: {id: {eq: $a}}) { id } }", "reads no variables"),
    ("{ workOrders @include(if: true) { id } }", "reads no directives"),
    ("{ workOrders { ...Fields } }", "inline fragments only"),
    ('{ workOrders(filter: {id: {eq: """a"""}}) { id } }', "no block strings"),
    ("{ workOrders { id ; } }", "Unexpected character ';'"),
    ('{ workOrders(filter: {id: {eq: "a}) { id } }', "Unexpected character"),
    ('{ workOrders(filter: {id: {eq: "a"}, id: {eq: "b"}}) { id } }', "There can be only one 'id'"),
    ("{ a" + " { a" * 40, "Nested more than 32 levels"),
    ("{ workOrders(a: " + "[" * 4000, "Nested more than 32 levels"),
    ("{ orders { id } }", 'Cannot query field "orders" on type "Query"'),
    ("{ workOrders { colour } }", 'Cannot query field "colour" on type "WorkOrder"'),
    ("{ workOrders { id { x } } }", 'Field "id" must not have a selection'),
    ("{ workOrders { relatesTo } }", 'Field "relatesTo" of type "Related" must have a selection'),
    ("{ workOrders { relatesTo { id } } }", 'Cannot query field "id" on type "Related"'),
    ("{ workOrders { relatesTo { ... on Person { name } } } }", 'can never be of type "Person"'),
    ("{ workOrders { relatesTo { ... on Robot { name } } } }", 'Unknown type "Robot"'),
    ("{ workOrders { id(a: 1) } }", 'Unknown argument "a" on field "WorkOrder.id"'),
    ("{ workOrders(first: 10) { id } }", 'Unknown argument "first" on field "Query.workOrders"'),
    (
        '{ workOrders(filter: {jobStatus: {eq: "Open"}}) { id } }',
        'Field "jobStatus" is not defined by type "WorkOrderFilter"',
    ),
    ('{ workOrders(filter: {id: {contains: "a"}}) { id } }', 'Field "contains" is not defined by the filter of "id"'),
    ("{ workOrders(filter: {id: {eq: WO1}}) { id } }", '"id.eq" takes text'),
    ('{ workOrders(filter: {id: {in: "WO1"}}) { id } }', '"id.in" takes a list of text'),
    ('{ workOrders(filter: {id: "WO1"}) { id } }', 'Expected an object of operators for "id"'),
    ("{ workOrders(filter: 1) { id } }", 'Expected value of type "WorkOrderFilter"'),
    ('{ workOrders(filter: {dateUpdated: {gt: "yesterday"}}) { id } }', "takes an RFC 3339 instant"),
    ('{ workOrders(filter: {dateUpdated: {gt: "2026-11-02"}}) { id } }', "takes an RFC 3339 instant"),
]


@pytest.mark.parametrize(("query", "told"), REFUSALS, ids=[told for _, told in REFUSALS])
def test_what_is_wrong_is_refused_in_words(query: str, told: str) -> None:
    with pytest.raises(GraphQLFault) as caught:
        ask(query)
    assert told in str(caught.value)
    assert caught.value.at is not None


@given(st.text(alphabet='{}()[]:,."\\ab#$@!1-\n é') | st.text())
def test_any_text_is_a_query_or_a_fault(text: str) -> None:
    try:
        ask(text)
    except GraphQLFault:
        return


@pytest.mark.parametrize(
    "query",
    [
        "{ serviceRequests { id } }",
        "{ subBuildings { id } }",
        "{ workOrders { jobSubStatus } }",
        "{ workOrders { dueDate } }",
        "{ workOrders { isReportedBy { phones } } }",
        "{ sites { identities { ... on ExternalIdentity { value } } } }",
    ],
)
def test_what_is_only_guessed_at_can_be_switched_off(query: str) -> None:
    ask(query)
    with pytest.raises(GraphQLFault, match="Cannot query field"):
        ask(query, published_only=True)


class TestPortfolio:
    @pytest.fixture
    def graph(self) -> Graph:
        return portfolio_graph(build_portfolio())

    def test_every_list_of_backfill_has_rows(self, graph: Graph) -> None:
        answerer = Answerer(graph)
        for kind in KINDS.values():
            rows = answerer.answer(parse(render(kind.name, kind.fields, Criteria())))[kind.name]
            assert rows, kind.name
            assert len({row["id"] for row in rows}) == len(rows)

    def test_orders_are_in_their_newest_version_and_the_deleted_are_gone(self, graph: Graph) -> None:
        portfolio = build_portfolio()
        served = {row["id"]: row for kind in ("WorkOrder", "ServiceRequest") for row in graph.rows(kind)}
        cases = {order.case: order for order in portfolio.expected.values()}
        assert cases["deleted, ticket kept"].order_id not in served
        assert cases["deleted, never seen"].order_id not in served
        for order in portfolio.expected.values():
            if order.case == "ordinary":
                assert served[order.order_id]["summary"] == order.versions[-1].summary


class TestServer:
    def test_a_token_is_needed(self, mapped: Start) -> None:
        url = mapped(LISTS).url
        for header in ("", "token wrong", f"Bearer {DEFAULT_TOKEN}", "token"):
            answer = httpx.post(url, json={"query": "{ workOrders { id } }"}, headers={"authorization": header})
            assert answer.status_code == 401
            assert answer.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 1}', b'{"query": "{ x }", "variables": {"a": 1}}'])
    def test_a_body_that_is_no_query_is_a_graphql_error(self, mapped: Start, body: bytes) -> None:
        answer = httpx.post(mapped(LISTS).url, content=body, headers={"authorization": f"token {DEFAULT_TOKEN}"})
        assert (answer.status_code, len(answer.json()["errors"])) == (400, 1)

    def test_an_error_has_its_place_in_the_query(self, mapped: Start) -> None:
        query = "{\n  workOrders {\n    colour }}"
        answer = httpx.post(
            mapped(LISTS).url, json={"query": query}, headers={"authorization": f"token {DEFAULT_TOKEN}"}
        )
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["locations"] == [{"line": 3, "column": 5}]

    async def test_a_taken_port_has_a_remedy(self) -> None:
        first = MappedEmulator(Graph({}))
        await first.start()
        try:
            with pytest.raises(EmulatorError, match="is taken") as caught:
                await MappedEmulator(Graph({})).start(port=httpx.URL(first.url).port or 0)
            assert "--port" in caught.value.remedy
        finally:
            await asyncio.gather(first.stop(), first.stop())


@pytest.mark.parametrize("text", ["{", "[]", '{"orders": []}', '{"workOrders": {}}', '{"workOrders": [{"name": "x"}]}'])
def test_a_file_that_is_none_has_a_remedy(tmp_path: Path, text: str) -> None:
    file = tmp_path / "data.json"
    file.write_text(text)
    with pytest.raises(EmulatorError) as caught:
        load_graph(file)
    assert caught.value.remedy


def test_it_runs_as_a_process_from_a_file_and_ends_on_a_signal(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text('{"floors": [{"id": "F1"}]}')
    code = "from streams.cli.mapped_emulator import command; command()"
    arguments = ["--port", "0", "--token", "t", "--data", str(data)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            answer = httpx.post(url, json={"query": "{ floors { id } }"}, headers={"authorization": "token t"})
            assert answer.json() == {"data": {"floors": [{"id": "F1"}]}}
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
