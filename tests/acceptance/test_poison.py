"""Records that can't be read: to the dead letters, untouched, and nothing stands behind them."""

import pytest

from ops.demo.evidence import Coordinates
from schemas import dead_letter
from tests.acceptance.records import as_json
from tests.acceptance.stage import Stage

pytestmark = [pytest.mark.acceptance, pytest.mark.kafka]

POISON: dict[str, tuple[bytes | None, bytes | None]] = {
    "not JSON": (b"P1", b"{not json"),
    "not UTF-8": (b"P2", b"\xff\xfe{}"),
    "a schema registry's format": (b"P3", b"\x00\x00\x00\x00\x07abc"),
    "a list": (b"P4", b"[1, 2]"),
    "a number": (b"P5", b"42"),
    "blank text": (b"P6", b"  "),
    "no id": (b"P7", as_json({"summary": "whose?"})),
    "a null id": (b"P8", as_json({"id": None, "jobStatus": "Open"})),
    "an object for text": (b"P9", as_json({"id": "P9", "summary": {"a": 1}})),
    "no instant": (b"P10", as_json({"id": "P10", "dateUpdated": "yesterday"})),
    "an unknown op": (b"P11", as_json({"op": "x", "before": None, "after": {"id": "P11"}})),
    "an upsert without after": (b"P12", as_json({"op": "u", "before": {"id": "P12"}, "after": None})),
    "a delete of nobody": (None, None),
    "a key that is no text": (b"\xff\x00", b"{"),
    "relatesTo is no edge": (b"P13", as_json({"id": "P13", "relatesTo": 7})),
    "wrapped too often": (b"P14", as_json({"schema": None, "payload": {"schema": None, "payload": "x"}})),
    "a long one": (b"P15", b'{"id": "' + b"x" * 20_000),
}
"""Name → key and value."""

HEADERS = (("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("own", b"\x00\xff"))


@pytest.mark.parametrize("name", POISON)
def test_poison_is_dead_lettered_untouched(shared: Stage, name: str) -> None:
    key, value = POISON[name]
    sent = shared.raw(key, value, HEADERS, poison=True)
    said = shared.final(sent)
    assert (said["outcome"], said["reason"]["code"]) == ("dead_lettered", "undecodable")
    letters = shared.tap.records["dead_letters"]

    def at(header: str) -> str:
        return next((text for letter in letters if (text := letter.header(header)) is not None), "")

    def buried() -> bool:
        return any(
            Coordinates(
                letter.header(dead_letter.TOPIC) or "",
                int(letter.header(dead_letter.PARTITION) or -1),
                int(letter.header(dead_letter.OFFSET) or -1),
            )
            == sent.at
            for letter in letters
        )

    shared.until(buried, f"the dead letter of {name}")
    assert at(dead_letter.CODE) == "undecodable"


def test_good_records_go_on_behind_poison(shared: Stage) -> None:
    for number in range(20):
        shared.raw(b"BEHIND", b"{%d" % number, poison=True)
    sent = shared.change("BEHIND")
    assert shared.final(sent)["outcome"] == "created"
    shared.until(lambda: len(shared.tap.records["dead_letters"]) >= 20, "20 dead letters")
