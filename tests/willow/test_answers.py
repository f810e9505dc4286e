"""Retry-After, problem documents and what an error keeps of an answer."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.willow.answers import MASK, MAX_TEXT_BYTES, Exchange, read_problem, read_retry_after, refusal
from streams.willow.errors import Call, Refused
from streams.willow.operations import PUT_TICKET

NOW = 1_793_610_000.0  # Mon, 02 Nov 2026 09:00:00 GMT


def same(text: str) -> str:
    return text


def refused(status: int, body: bytes, headers: dict[str, str] | None = None) -> Refused:
    exchange = Exchange(Call(PUT_TICKET, "/tickets", "ws-1"), headers=headers or {}, body=bytearray(body))
    return refusal(exchange, status, now=NOW, scrub=lambda text: text.replace("s3cret", MASK))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("-3", 0.0),
        ("Mon, 02 Nov 2026 09:01:30 GMT", 90.0),
        ("Monday, 02-Nov-26 09:00:05 GMT", 5.0),
        ("Mon, 02 Nov 2026 08:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


@given(st.text())
def test_no_retry_after_raises(value: str) -> None:
    seconds = read_retry_after(value, NOW)

    assert seconds is None or seconds >= 0


def test_a_validation_problem_is_read_with_its_errors() -> None:
    body = {
        "title": "Bad",
        "status": 400,
        "detail": "No",
        "errors": {"twinId": ["unknown", "short"], "x": "y"},
    }

    error = refused(400, orjson.dumps(body))

    assert error.errors == {"twinId": ("unknown", "short"), "x": ("y",)}
    assert error.problem
    assert (error.problem.title, error.problem.detail) == ("Bad", "No")
    assert "twinId: unknown short" in str(error)
    assert (error.method, error.path, error.status, error.request_id) == ("PUT", "/tickets", 400, "ws-1")


@pytest.mark.parametrize("body", [b"", b"Too many calls", b"[1]", b"{}", b'{"errors":[1]}', b"\xff\xfe", b"<html>"])
def test_what_is_no_problem_document_is_kept_as_text(body: bytes) -> None:
    error = refused(429, body)

    assert error.problem is None
    assert error.text == body.decode(errors="replace")


@given(st.binary(max_size=4000))
def test_any_body_makes_a_bounded_error(body: bytes) -> None:
    error = refused(500, body)

    assert len(error.text.encode()) <= MAX_TEXT_BYTES
    read_problem(body, same)


def test_a_page_of_a_proxy_is_cut_to_one_kibibyte() -> None:
    assert len(refused(502, "ü".encode() * 5000).text.encode()) <= MAX_TEXT_BYTES


def test_an_answer_that_repeats_the_secret_does_not_carry_it_on() -> None:
    for body in (
        b"your s3cret is wrong",
        orjson.dumps({"detail": "s3cret", "errors": {"s3cret": ["s3cret"]}}),
    ):
        error = refused(400, body)

        assert "s3cret" not in f"{error} {error!r} {error.text} {error.problem}"


def test_a_secret_across_the_cut_does_not_survive_in_part() -> None:
    error = refused(400, b"x" * (MAX_TEXT_BYTES - 3) + b"s3cret")

    assert "s3" not in error.text


def test_a_redirect_names_its_goal() -> None:
    error = refused(301, b"", {"location": "https://other/api/v3/tickets"})

    assert "https://other/api/v3/tickets" in str(error)
    assert "willow.base_url" in error.remedy


def test_willows_own_request_id_is_preferred() -> None:
    assert refused(500, b"", {"x-request-id": "theirs"}).request_id == "theirs"


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 500, 503, 599])
def test_every_refusal_has_a_remedy(status: int) -> None:
    assert refused(status, b"").remedy
