"""What only a worker knows: its readiness, pause, token and calls under way, from its own pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import PREFIX
from streams.settings import Web

ANSWER_SECONDS = 3.0
"""A worker answers from memory; one that takes longer is as good as gone."""

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
"""Addresses to bind → where to reach them on this machine."""


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """``problem``: it could not be asked, and the rest says nothing. ``missing``: why it is not ready.
    ``paused``: causes for which calls to Willow are held back. Figures are None where it does not tell them."""

    address: str
    problem: str | None = None
    ready: bool = False
    missing: tuple[str, ...] = ()
    paused: tuple[str, ...] = ()
    in_flight: float | None = None
    pending_records: float | None = None
    token_expires_seconds: float | None = None


def addresses_of(web: Web) -> list[str]:
    """Where the worker of these settings serves its pages; nothing where no port can be known."""
    return [f"http://{_ANYWHERE.get(web.host, web.host)}:{web.port}"] if web.port else []


def ask_workers(addresses: Sequence[str]) -> list[WorkerFacts]:
    """At most ANSWER_SECONDS for each page. Raises nothing: a worker that does not answer is a finding."""
    with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False) as client:
        return [_ask(client, address.rstrip("/")) for address in addresses]


def _ask(client: httpx.Client, address: str) -> WorkerFacts:
    try:
        # 503 is an answer too: it says what is missing.
        ready = client.get(f"{address}/readyz").json()
        text = client.get(f"{address}/metrics").raise_for_status().text
        missing: Iterable[str] = ready["missing"]
        figures = _figures(text)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        return WorkerFacts(address, problem=f"{type(error).__name__}: {error}")
    plain = {name: value for name, _, value in figures}
    paused = tuple(sorted(cause for name, cause, value in figures if name == "sink_paused" and value))
    return WorkerFacts(
        address,
        None,
        bool(ready["ready"]),
        tuple(missing),
        paused,
        plain.get("in_flight"),
        plain.get("pending_records"),
        plain.get("token_expires_seconds"),
    )


def _figures(text: str) -> list[tuple[str, str, float]]:
    """Name without our prefix, its first label's value, figure."""
    return [
        (sample.name.removeprefix(PREFIX), next(iter(sample.labels.values()), ""), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
