"""The operations table."""

import pytest

from streams.willow.operations import GET_TICKET, OPERATIONS, Body, Operation, Paging

EACH = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))


@EACH
def test_a_write_is_never_repeatable(operation: Operation) -> None:
    if operation.method in ("PUT", "PATCH"):
        assert not operation.repeatable


@EACH
def test_a_paged_operation_carries_its_page_in_a_json_body(operation: Operation) -> None:
    if operation.paging is Paging.PAGE:
        assert operation.body is Body.JSON


@EACH
def test_each_row_says_where_it_comes_from_and_who_needs_it(operation: Operation) -> None:
    assert set(operation.seeds) <= {"001", "002"}
    assert operation.seeds
    assert operation.used_by


def test_no_two_rows_are_the_same_call() -> None:
    calls = [(operation.method, operation.path) for operation in OPERATIONS.values()]

    assert len(calls) == len(set(calls))


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
