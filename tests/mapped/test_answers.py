"""Which answer means what: statuses, GraphQL errors in all places, rows that are not whole."""

import json
from typing import Any

import pytest

from streams.mapped.answers import Rows, read_rows
from streams.mapped.errors import (
    MAX_WORDS,
    AnswerTooLarge,
    MappedError,
    NotMapped,
    Passing,
    QueryRefused,
    TokenRefused,
)


def read(status: int, body: Any, retry_after: float | None = None) -> Rows:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_rows(
        "workOrders", status, text, retry_after=retry_after, scrub=lambda said: said.replace("s3cret", "***")
    )


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"errors": [{"message": message, **more}]}


def test_rows() -> None:
    assert read(200, {"data": {"workOrders": [{"id": "1"}]}}) == Rows(({"id": "1"},))
    assert read(200, {"data": {"workOrders": None}, "errors": []}) == Rows(())


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", TokenRefused),
        (403, b"Forbidden", TokenRefused),
        (401, said("bad token"), TokenRefused),
        (200, said("who are you", extensions={"code": "UNAUTHENTICATED"}), TokenRefused),
        (400, said('Cannot query field "x" on type "WorkOrder".'), QueryRefused),
        (200, said('Cannot query field "x" on type "WorkOrder".'), QueryRefused),
        (200, {**said("database down", path=["workOrders"]), "data": {"workOrders": None}}, QueryRefused),
        (200, {"errors": ["plain text"]}, QueryRefused),
        (301, b"", NotMapped),
        (404, b"", NotMapped),
        (405, b"", NotMapped),
        (200, b"<html>Welcome</html>", NotMapped),
        (200, {"data": {"other": []}}, NotMapped),
        (200, {"data": {"workOrders": ["1"]}}, NotMapped),
        (200, b"", NotMapped),
        (413, b"", AnswerTooLarge),
        (408, b"", Passing),
        (429, b"slow down", Passing),
        (500, b"", Passing),
        (503, said("upstream"), Passing),
    ],
)
def test_which_error_with_a_remedy(status: int, body: Any, kind: type[MappedError]) -> None:
    with pytest.raises(MappedError) as caught:
        read(status, body)
    assert type(caught.value) is kind
    assert caught.value.remedy


def test_retry_after_is_kept() -> None:
    with pytest.raises(Passing) as caught:
        read(429, b"", retry_after=7.0)
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_no_error_shows_the_token_or_is_long(status: int) -> None:
    for body in (said("token s3cret " + "x" * 5000), b"token s3cret " + b"x" * 5000):
        with pytest.raises(MappedError) as caught:
            read(status, body)
        assert "s3cret" not in str(caught.value)
        assert len(str(caught.value)) < MAX_WORDS + 200


def test_rows_that_mapped_could_not_give_whole_are_told_and_kept_back() -> None:
    answer = {
        "data": {"workOrders": [{"id": "1"}, {"id": "2", "relatesTo": None}, None]},
        "errors": [
            {"message": "edge lost", "path": ["workOrders", 1, "relatesTo"]},
            {"message": "row lost", "path": ["workOrders", 2]},
        ],
    }
    assert read(200, answer) == Rows(({"id": "1"},), ("2: edge lost", "row 2: row lost"))
