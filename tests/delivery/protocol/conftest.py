"""The protocol with some of its rules replaced."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from streams.delivery import create as protocol
from tests.delivery.protocol import views

Patch = Callable[[Mapping[str, Callable[..., Any]]], None]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patch]:
    def patch(changes: Mapping[str, Callable[..., Any]]) -> None:
        for name, function in changes.items():
            monkeypatch.setattr(protocol, name, function)
        views.forget()

    yield patch
    views.forget()
