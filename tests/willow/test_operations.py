"""The operations table: whole, as the documents have it, and each row with its method on the client."""

from typing import Any

import pytest

from streams.willow import WillowClient
from streams.willow.operations import GET_TICKET, OPERATIONS, Body, Group, Operation, Paging, RateGroup
from streams.willow.rate import LIMITS
from tests.willow.seeds import documented

EACH = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))

BY_CALL = {(operation.method, operation.path): operation for operation in OPERATIONS.values()}


@pytest.mark.parametrize("seed", ["001", "002"])
def test_the_table_holds_every_operation_of_a_document_and_no_other(seed: str) -> None:
    assert {call for call, operation in BY_CALL.items() if seed in operation.seeds} == documented(seed).keys()


@pytest.mark.parametrize("call", documented("001"), ids=" ".join)
def test_the_answers_are_those_that_the_older_document_lists(call: tuple[str, str]) -> None:
    statuses = {int(status) for status in documented("001")[call].statuses if status != "default"}
    operation = BY_CALL[call]

    assert {status for status in statuses if status >= 300} == set(operation.errors)
    assert {status for status in statuses if status < 300} <= {operation.status}


@EACH
def test_a_write_is_never_repeatable(operation: Operation[Any]) -> None:
    if operation.method in ("PUT", "PATCH", "DELETE"):
        assert not operation.repeatable


@EACH
def test_a_paged_operation_says_where_its_page_goes(operation: Operation[Any]) -> None:
    if operation.paging is Paging.PAGE:
        assert {"page", "page_size"} <= operation.request.model_fields.keys()
    if operation.paging is Paging.TOKEN:
        where = (operation.query or operation.request).model_fields
        assert {"continuation_token", "page_size"} <= where.keys()


@EACH
def test_a_json_body_has_a_schema(operation: Operation[Any]) -> None:
    assert (operation.request is not None) == (operation.body in (Body.JSON, Body.FORM))


@EACH
def test_each_row_says_where_it_comes_from_and_who_needs_it(operation: Operation[Any]) -> None:
    assert set(operation.seeds) <= {"001", "002"}
    assert operation.seeds
    assert operation.used_by


@EACH
def test_each_row_is_a_typed_method_of_the_client(operation: Operation[Any]) -> None:
    group = getattr(WillowClient("http://127.0.0.1:9", "client", "secret"), operation.group)

    method = getattr(type(group), operation.call)

    assert method.__annotations__.get("return", Any) is not Any


@EACH
def test_calls_that_willow_counts_together_wait_together(operation: Operation[Any]) -> None:
    expected = {"twins": RateGroup.TWINS, "time-series": RateGroup.TIME_SERIES}.get(operation.path.split("/")[1])

    assert operation.rate_group is expected
    assert expected is None or LIMITS[expected] == (20, 10.0)


def test_every_group_has_operations() -> None:
    assert {operation.group for operation in OPERATIONS.values()} == set(Group)


def test_no_two_rows_are_the_same_call() -> None:
    assert len(BY_CALL) == len(OPERATIONS)


@pytest.mark.parametrize(
    ("ticket_id", "path"),
    [
        ("497f6eca", "/tickets/497f6eca"),
        ("../twins", "/tickets/..%2Ftwins"),
        ("a?b#c d", "/tickets/a%3Fb%23c%20d"),
    ],
)
def test_an_id_cannot_change_the_path(ticket_id: str, path: str) -> None:
    assert GET_TICKET.url_path(ticket_id=ticket_id) == path


@pytest.mark.parametrize("ticket_id", ["", ".", ".."])
def test_an_id_that_is_a_step_of_a_path_is_refused(ticket_id: str) -> None:
    with pytest.raises(ValueError, match="expected an id"):
        GET_TICKET.url_path(ticket_id=ticket_id)
