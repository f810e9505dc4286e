"""JSON Schema and AsyncAPI from the models: ``python -m schemas.generate [--check]``.

Writes ``schemas/generated``. With ``--check`` it writes nothing and exits with 1 when a file there is not
what the models say, is missing, or is none of ours.
"""

import json
import sys
from pathlib import Path
from typing import Any, cast

import yaml

from schemas.asyncapi import MESSAGES, document
from schemas.base import Record

FOLDER = Path(__file__).parent / "generated"
HEADING = "# Made from the models by `python -m schemas.generate`; do not edit.\n"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_file(record: type[Record]) -> str:
    """``TicketIdentity`` → ``ticket-identity.schema.json``."""
    kebab = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in record.__name__)
    return kebab.lstrip("-") + ".schema.json"


def json_schema(record: type[Record]) -> dict[str, Any]:
    """Draft 2020-12, names as on the wire."""
    schema = {"$schema": DIALECT, "$id": schema_file(record), **record.model_json_schema(by_alias=True)}
    # Docstrings quote code as reStructuredText does; readers of a schema know Markdown.
    plain = json.dumps(schema, ensure_ascii=False).replace("``", "`")
    return cast(dict[str, Any], json.loads(plain))


class _Plain(yaml.SafeDumper):
    """Writes shared parts out: an alias (`&id001`) is hard to read, and not every AsyncAPI tool takes one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render() -> dict[str, str]:
    """File name → text, the same for the same models."""
    records = {message.record for message in MESSAGES if message.record is not None}
    records |= {message.beside.record for message in MESSAGES if message.beside is not None}
    files = {
        schema_file(record): json.dumps(json_schema(record), indent=2, ensure_ascii=False) + "\n" for record in records
    }
    files["asyncapi.yaml"] = HEADING + yaml.dump(
        document(schema_file), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110
    )
    return dict(sorted(files.items()))


def stale() -> list[str]:
    """Names of files that differ, are missing or are none of ours."""
    wanted = render()
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*") if path.is_file()}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    wanted = render()
    for path in FOLDER.glob("*"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    if "--check" not in arguments:
        write()
        return 0
    names = stale()
    if names:
        print(
            f"schemas/generated is not what the models say: {', '.join(names)}\nrun: python -m schemas.generate",
            file=sys.stderr,
        )
    return 1 if names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
