"""The fault table, row by row, as delivery.md §2 and §3 say it."""

import pytest

from streams.delivery.answers import (
    Answer,
    Failure,
    Fault,
    ForbiddenSites,
    Operation,
    fault_of,
    proves_not_executed,
    refused_fields,
)
from streams.willow import PROPERTIES

PUT, PATCH, READ = Operation.PUT, Operation.PATCH, Operation.READ
EVERY = (PUT, PATCH, READ)

#: delivery.md §3: statuses, operations, whose fault.
STATUSES = (
    ((400, 413, 422), EVERY, Fault.RECORD),
    ((404,), (PATCH, READ), Fault.TICKET_GONE),
    ((401, 415), EVERY, Fault.TENANT),
    ((404, 405), (PUT,), Fault.TENANT),
    ((403,), EVERY, Fault.SITE),
    ((408, 425, 429, 500, 502, 503, 504, 599), EVERY, Fault.MOMENT),
    ((409,), EVERY, Fault.CONFLICT),
)
ROWS = [
    (status, operation, fault) for codes, operations, fault in STATUSES for status in codes for operation in operations
]


@pytest.mark.parametrize(("status", "operation", "fault"), ROWS)
def test_whose_fault_a_status_is(status: int, operation: Operation, fault: Fault) -> None:
    assert fault_of(Answer(operation, status)) is fault


@pytest.mark.parametrize(
    ("failure", "fault"),
    [
        (Failure.NO_ANSWER, Fault.MOMENT),
        (Failure.NOT_CONNECTED, Fault.MOMENT),
        (Failure.UNREACHABLE, Fault.TENANT),
        (Failure.TOKEN_REFUSED, Fault.TENANT),
    ],
)
@pytest.mark.parametrize("operation", EVERY)
def test_whose_fault_no_status_is(failure: Failure, operation: Operation, fault: Fault) -> None:
    assert fault_of(Answer(operation, failure=failure)) is fault


def test_every_failure_has_its_row() -> None:
    assert all(isinstance(fault_of(Answer(PUT, failure=failure)), Fault) for failure in Failure)


#: delivery.md §2, "proof that it was not executed".
PROOF = {400, 401, 403, 404, 405, 413, 415, 422, 429}


def test_only_these_statuses_prove_that_no_ticket_was_made() -> None:
    assert {status for status in range(100, 600) if proves_not_executed(Answer(PUT, status))} == PROOF


def test_a_put_that_got_no_answer_proves_nothing() -> None:
    proofs = {failure for failure in Failure if proves_not_executed(Answer(PUT, failure=failure))}
    assert proofs == set(Failure) - {Failure.NO_ANSWER}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("dueDate", "dueDate"),
        ("DueDate", "dueDate"),
        (" dueDate", "dueDate"),
        ("/dueDate", "dueDate"),
        ("/dueDate/1", "dueDate"),
        ("dueDate[1]", "dueDate"),
        ("$.reporter.email", "reporter"),
        ("request.DueDate", "dueDate"),
        ("ticket.dueDate", "dueDate"),
        ("request.CustomProperties[mappingKey]", "customProperties"),
        ("ticketStatus", "statusId"),
        ("userAssignee.email", "assignee"),
        ("[0].value", None),
        ("cause", None),
        ("somethingElse", None),
        ("$", None),
        ("", None),
    ],
)
def test_a_refused_field_is_found_in_whatever_spelling_of_its_path(path: str, name: str | None) -> None:
    sent = ["summary", "dueDate", "reporter", "customProperties", "statusId", "assignee"]
    assert refused_fields([path], sent, PROPERTIES, listed=False) == ([name] if name else [])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("[1].value", "dueDate"),
        ("1.value", "dueDate"),
        ("/1/value", "dueDate"),
        ("$[1].Value", "dueDate"),
        ("request.operations[0].value", "summary"),
        ("/0/value/2", "summary"),
        ("dueDate[0]", "dueDate"),
        ("[2].value", None),
        ("[-1].value", None),
        ("9" * 5000, None),
        ("value", None),
    ],
)
def test_a_place_in_a_patch_names_the_field_that_stood_there(path: str, name: str | None) -> None:
    assert refused_fields([path], ["summary", "dueDate"], PROPERTIES, listed=True) == ([name] if name else [])


def test_refused_fields_are_told_once_each_as_they_were_sent() -> None:
    errors = {"reporter.name": (), "cause": (), "reporter.email": ()}
    assert refused_fields(errors, ["cause", "summary", "reporter"], PROPERTIES, listed=False) == ["cause", "reporter"]


def test_one_forbidden_site_is_the_records_fault_and_two_are_the_tenants() -> None:
    sites = ForbiddenSites()
    assert sites.forbidden("A") is Fault.RECORD
    assert sites.forbidden("A") is Fault.RECORD
    assert sites.forbidden("B") is Fault.TENANT


def test_a_site_that_answers_again_is_no_longer_counted() -> None:
    sites = ForbiddenSites()
    sites.forbidden("A")
    sites.allowed("A")
    sites.allowed("never asked")
    assert sites.forbidden("B") is Fault.RECORD
