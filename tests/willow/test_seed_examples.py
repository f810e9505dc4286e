"""The models against the samples of the older document: nothing that it shows is lost or refused."""

from datetime import datetime
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, SecretStr, TypeAdapter

from streams.willow import reading
from streams.willow.answers import Answer
from streams.willow.errors import Call
from streams.willow.models import Ticket
from streams.willow.operations import OPERATIONS, Body, Operation, Paging
from tests.willow.seeds import documented, request_sample

SAMPLES = documented("001")
ROWS = {name: row for name, row in OPERATIONS.items() if (row.method, row.path) in SAMPLES}

ANSWERED = [
    name
    for name, row in ROWS.items()
    if SAMPLES[row.method, row.path].response is not None and row.response is not type(None)
]
ASKED = [name for name, row in ROWS.items() if row.body is Body.JSON]


def answer(row: Operation[Any], document: Any) -> Answer:
    return Answer(Call(row, row.path, "-"), row.status, orjson.dumps(document), None)


def read(row: Operation[Any], document: Any) -> Any:
    if row.paging is Paging.PAGE:
        return list(reading.page(row)(answer(row, document)).items)
    if row.paging is Paging.TOKEN:
        return list(reading.token_page(row)(answer(row, document)).items)
    if row.name == "put_events":
        return reading.the_event(answer(row, document))
    return reading.whole(row)(answer(row, document))


def items_of(document: Any) -> Any:
    return next((document[name] for name in ("items", "content", "data") if name in document), document)


# What a model calls otherwise, for the newer shape does.
RENAMED = {"Id": "id", "statusCode": "id"}
RENAMED_OF_STATUS = {**RENAMED, "status": "name"}


def shown(value: Any) -> Any:
    """What the client hands out, as JSON has it."""
    if isinstance(value, Ticket):
        value = value.details
    if isinstance(value, BaseModel):
        return {
            value.__class__.model_fields[name].alias or name: shown(item) for name, item in value if item is not None
        }
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    return [shown(item) for item in value] if isinstance(value, list | tuple) else value


def assert_holds(found: Any, sample: Any, names: dict[str, str], at: str = "$") -> None:
    """Everything in the sample is in what was read, with its value."""
    if isinstance(sample, dict):
        for name, value in sample.items():
            known = name if name in found else names.get(name, name)
            assert known in found, f"{at}.{name} was lost"
            assert_holds(found[known], value, names, f"{at}.{name}")
    elif isinstance(sample, list):
        assert len(found) == len(sample), at
        for number, value in enumerate(sample):
            assert_holds(found[number], value, names, f"{at}[{number}]")
    elif isinstance(found, datetime):
        assert found == datetime.fromisoformat(sample), at
    else:
        assert found == sample or str(found) == str(sample), at


@pytest.mark.parametrize("name", ANSWERED)
def test_an_answer_of_the_document_is_read_whole(name: str) -> None:
    row = ROWS[name]
    sample = SAMPLES[row.method, row.path].response

    found = shown(read(row, sample))

    names = RENAMED_OF_STATUS if name == "list_statuses" else RENAMED
    assert_holds(found, items_of(sample) if isinstance(sample, dict) else sample, names)


@pytest.mark.parametrize("name", ASKED)
def test_a_request_of_the_document_is_taken_and_sent_again_as_it_was(name: str) -> None:
    row = ROWS[name]
    sample = request_sample(SAMPLES[row.method, row.path])
    adapter: TypeAdapter[Any] = TypeAdapter(row.request)

    parsed = adapter.validate_json(orjson.dumps(sample), by_name=False)
    sent = adapter.dump_python(parsed, mode="json", by_alias=True, exclude_unset=True)

    assert_holds(_lower(sent), _lower(sample), {})


def _lower(value: Any) -> Any:
    """Names in one case, and instants without the digits that say nothing."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lower(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_lower(item) for item in value]
    if isinstance(value, str) and value[4:5] == "-" and "T" in value:
        return datetime.fromisoformat(value).isoformat()
    return value


def test_the_answers_of_every_documented_sample_are_looked_at() -> None:
    assert len(ANSWERED) == 30
    assert len(ASKED) == 25
