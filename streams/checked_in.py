"""Documents that are made from the code and checked in."""

import sys
from pathlib import Path


def renew(file: Path, text: str, module: str, arguments: list[str]) -> int:
    """What ``python -m module`` does: write the file, or with ``--check`` only compare. Returns the exit code."""
    if "--check" not in arguments:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return 0
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return 0
    print(f"{file} is not what the code says; run: python -m {module}", file=sys.stderr)
    return 1
