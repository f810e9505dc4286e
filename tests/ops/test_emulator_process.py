"""``willow-sync emulator`` as a process: its addresses, its switches, its end."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
import pytest

from ops.emulator import Emulator, EmulatorError

ROOT = Path(__file__).parents[2]
RUN = "from streams.cli.emulator import command; command()"
WAIT = 30.0
"""Seconds; a bound, never a measure."""


@contextmanager
def emulator_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its first line."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def token_of(base_url: str, secret: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": "me", "client_secret": secret}
    return httpx.post(f"{base_url}/oauth2/token", data=form)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_obeys_its_switches_and_ends_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    twins, lists, journal = tmp_path / "twins.json", tmp_path / "lists.json", tmp_path / "journal.ndjson"
    twins.write_text('["TW1"]')
    lists.write_text('{"statuses": [{"name": "Neu"}]}')
    world = tmp_path / "world.json"
    world.write_text('{"twins": [{"id": "TW3", "modelId": "dtmi:a;1", "contents": {"name": "Roof"}}]}')
    switches = (
        "--port 0 --page-base 0 --no-filters --read-shape old --latency 0.01 --token-lifetime 120 "
        f"--client-id me --client-secret x --twins {twins} --lists {lists} --world {world} --journal {journal}"
    )
    with emulator_process(*switches.split()) as (process, line):
        base_url, page_url = (word.rstrip(",\n") for word in line.split() if word.startswith("http://"))
        assert base_url.endswith("/api/v3")
        assert httpx.get(page_url).status_code == 200
        assert token_of(base_url, "wrong").status_code == 401
        token = token_of(base_url, "x").json()
        assert token["expires_in"] == 120
        with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token['access_token']}"}) as client:
            for twin, status in (("TW1", 201), ("TW2", 400)):
                answer = client.put("/tickets", json={"summary": "a", "twinId": twin})
                assert answer.status_code == status
            page = client.post(
                "/tickets",
                json={"page": 0, "filterSpecifications": [{"field": "summary"}]},
            ).json()
            assert [item["status"] for item in page["items"]] == ["Neu"]
            assert client.get("/twins/TW3").json()["contents"] == {"name": "Roof"}
            # Written as it goes: a judge reads the file while the emulator runs.
            assert [orjson.loads(row)["status"] for row in journal.read_bytes().splitlines()] == [
                401,
                200,
                201,
                400,
                200,
                200,
            ]
        process.send_signal(number)
        _, errors = process.communicate(timeout=WAIT)
        assert (process.returncode, errors) == (0, "")


def test_it_takes_faults_from_a_file_and_while_it_runs(tmp_path: Path) -> None:
    file, journal = tmp_path / "faults.yml", tmp_path / "journal.ndjson"
    file.write_text("rules: [{name: lost, operations: [put_ticket], nth: 1, fault: commit_then_reset}]")
    switches = ("--port", "0", "--client-id", "me", "--client-secret", "x", "--journal", str(journal))
    with emulator_process(*switches, "--faults", str(file)) as (_, line):
        base_url, page_url = (word.rstrip(",\n") for word in line.split() if word.startswith("http://"))
        headers = {"Authorization": "Bearer " + token_of(base_url, "x").json()["access_token"]}
        with httpx.Client(base_url=base_url, headers=headers) as client:
            document = {"summary": "a", "twinId": "TW1"}
            with pytest.raises(httpx.ReadError, match="reset"):
                client.put("/tickets", json=document)
            assert client.put("/tickets", json=document).status_code == 201
            rules = "rules: [{fault: refuse, until: 0.5}]"
            assert httpx.put(f"{page_url}_emulator/faults", content=rules).status_code == 200
            deadline = time.monotonic() + WAIT
            refused = answered = False
            while not (refused and answered) and time.monotonic() < deadline:
                try:
                    answered = client.get("/tickets/status").status_code == 200 and refused
                except httpx.ConnectError:
                    refused = True
                except httpx.TransportError:
                    # The connection that was there, reset.
                    pass
                time.sleep(0.02)
            assert (refused, answered) == (True, True)
        lost = [orjson.loads(row) for row in journal.read_bytes().splitlines()][1]
        assert (lost["faults"], lost["status"]) == ([{"rule": "lost", "kind": "commit_then_reset"}], None)
        assert (lost["committed"], lost["acknowledged"]) == (True, False)


def test_a_faults_file_with_a_mistake_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "faults.yml"
    file.write_text("rules: [{fault: drizzle}]")
    with emulator_process("--port", "0", "--faults", str(file)) as (process, _):
        _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 1
    assert "rules.0.fault" in errors
    assert "docs/emulator.md" in errors.partition("remedy:")[2]


def test_an_error_at_the_start_has_a_remedy(tmp_path: Path) -> None:
    with (
        emulator_process("--port", "0") as (_, line),
        emulator_process("--port", str(httpx.URL(line.split()[4].rstrip(",")).port)) as (second, _),
    ):
        _, errors = second.communicate(timeout=WAIT)
    assert second.returncode == 1
    assert "is taken by another program" in errors
    assert "--port" in errors.partition("remedy:")[2]


async def test_starting_on_a_taken_port_or_a_foreign_address_leaves_nothing_open() -> None:
    first = Emulator()
    await first.start()
    try:
        port = httpx.URL(first.base_url).port
        assert port is not None
        with pytest.raises(EmulatorError, match="is taken"):
            await Emulator().start(port=port)
        with pytest.raises(EmulatorError, match="can't listen on"):
            await Emulator().start(host="192.0.2.1")
    finally:
        await first.stop()
        await first.stop()


async def test_several_run_side_by_side_and_know_nothing_of_each_other() -> None:
    emulators = [Emulator(), Emulator()]
    try:
        await asyncio.gather(*(emulator.start() for emulator in emulators))
        assert emulators[0].base_url != emulators[1].base_url
    finally:
        await asyncio.gather(*(emulator.stop() for emulator in emulators))


def test_a_page_base_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="page_base is 0 or 1, got 2"):
        Emulator(page_base=2)


def test_it_can_have_the_portfolio_s_twins_and_lists() -> None:
    with emulator_process("--port", "0", "--portfolio", "--client-id", "me", "--client-secret", "x") as (_, line):
        base_url = next(word.rstrip(",\n") for word in line.split() if word.startswith("http://"))
        headers = {"authorization": f"Bearer {token_of(base_url, 'x').json()['access_token']}"}
        site = httpx.get(f"{base_url}/twins/TW-HAF-SITE", headers=headers).json()
        types = httpx.post(f"{base_url}/tickets/job-types", headers=headers, json={}).json()
        unknown = httpx.get(f"{base_url}/twins/TW-NOWHERE", headers=headers)
    assert site["contents"]["externalID"] == "SITE02"
    assert [item["name"] for item in types["items"]].count("Calibration") == 2
    assert unknown.status_code == 404
