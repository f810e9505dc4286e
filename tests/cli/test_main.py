"""The group: fast help, commands from the table, errors with a remedy; and what the commands share."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from streams.cli import COMMANDS, LazyGroup, main
from streams.cli.common import PLAIN_INTERVAL, CliError, json_option, progress, with_settings
from streams.settings import Settings
from streams.words import counted


def test_help_names_every_command_and_imports_none() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from streams.cli import main;"
        "print(CliRunner().invoke(main, ['--help']).output);"
        "print([name for name in sys.modules if name.startswith(('pydantic', 'faust', 'confluent_kafka'))])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout.rstrip().endswith("[]")
    assert all(f"  {name} " in shown.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_s_help_has_an_example(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"willow-sync {name}" in shown.output.partition("Example")[2]


class _Remedied(Exception):
    remedy = "turn it off and on"


def _group_with(command: click.Command) -> click.Group:
    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return command

    return Group("test")


@pytest.mark.parametrize(
    ("arguments", "said", "command"),
    [
        (["nonsense"], "No such command 'nonsense'.", "willow-sync"),
        (["explain"], "Missing argument 'ORDER'.", "willow-sync explain"),
        (["status", "--nonsense"], "No such option: --nonsense", "willow-sync status"),
        (["dead-letters", "list", "--nonsense"], "No such option: --nonsense", "willow-sync dead-letters list"),
        (["produce", "no-such-file"], "", "willow-sync produce"),
    ],
)
def test_a_wrong_call_ends_as_any_other_error(arguments: list[str], said: str, command: str) -> None:
    ended = CliRunner().invoke(main, arguments, prog_name="willow-sync")
    assert (ended.exit_code, ended.stdout) == (2, "")
    error, remedy = ended.stderr.splitlines()
    assert error.startswith(f"error: {said}")
    assert remedy == f"remedy: `{command} --help` says what it takes."


@pytest.mark.parametrize("error", [_Remedied("it stopped"), CliError("it stopped", "turn it off and on")])
def test_an_error_with_a_remedy_ends_in_two_lines_on_stderr(error: Exception) -> None:
    @click.command("x")
    def failing() -> None:
        raise error

    ended = CliRunner().invoke(_group_with(failing), ["x"])
    assert ended.exit_code == 1
    assert ended.stdout == ""
    assert ended.stderr == "error: it stopped\nremedy: turn it off and on\n"


def test_an_error_without_a_remedy_is_a_bug_and_stays_one() -> None:
    @click.command("x")
    def failing() -> None:
        raise KeyError("x")

    assert isinstance(CliRunner().invoke(_group_with(failing), ["x"]).exception, KeyError)


class TestWithSettings:
    @pytest.fixture
    def command(self) -> click.Command:
        @click.command("x")
        @json_option
        @with_settings
        def shows(settings: Settings, as_json: bool) -> None:
            click.echo(f"{settings.willow.client_id} {as_json}")

        return _group_with(shows)

    @pytest.fixture(autouse=True)
    def _no_settings_of_this_machine(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
        for name in [name for name in os.environ if name.startswith("WILLOW_SYNC_")]:
            monkeypatch.delenv(name)

    def test_passes_what_it_read(self, command: click.Command) -> None:
        with open("given.yml", "w") as file:
            file.write("{willow: {base_url: 'http://x', client_id: me, client_secret: s}, selected_sites: ['*']}")
        assert CliRunner().invoke(command, ["x", "--config", "given.yml", "--json"]).output == "me True\n"

    def test_wrong_settings_end_with_a_remedy(self, command: click.Command) -> None:
        ended = CliRunner().invoke(command, ["x"])
        assert ended.exit_code == 1
        assert "willow.client_id: not set" in ended.stderr
        assert "remedy: " in ended.stderr


class TestProgress:
    def test_plain_lines_come_at_intervals_and_at_the_end(self, capsys: pytest.CaptureFixture[str]) -> None:
        times = _clock(0.0, 1.0, PLAIN_INTERVAL, PLAIN_INTERVAL, PLAIN_INTERVAL + 1)
        with progress(10, "reading", clock=lambda: next(times)) as advance:
            advance()
            advance(4)
            advance()
        assert capsys.readouterr().err == "reading: 5 of 10 records\nreading: 6 of 10 records\n"

    def test_the_last_line_comes_also_when_the_work_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(ValueError, match="broken"), progress(None, "reading", unit="line"):
            raise ValueError("broken")
        assert capsys.readouterr().err == "reading: 0 lines\n"

    def test_one_is_told_as_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        with progress(None, "reading") as advance:
            advance()
        assert capsys.readouterr().err == "reading: 1 record\n"
        assert [counted(count, "entity") for count in (0, 1, 2)] == ["0 entities", "1 entity", "2 entities"]


def _clock(*readings: float) -> Iterator[float]:
    return iter(readings)


def test_ctrl_c_ends_a_command_with_130_and_one_word() -> None:
    @click.command("x")
    def interrupted() -> None:
        raise KeyboardInterrupt

    ended = CliRunner().invoke(_group_with(interrupted), ["x"])
    assert (ended.exit_code, ended.stdout, ended.stderr) == (130, "", "stopped\n")


_SLOW = """
import sys, time
from streams.entry import main

class Slow:
    def find_spec(self, name, *_):
        if name == slow:
            print("importing", flush=True)
            time.sleep(30)

slow, sys.argv = sys.argv[1], ["willow-sync", *sys.argv[2:]]
sys.meta_path.insert(0, Slow())
main()
"""


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("click", ""),  # the command line itself
        ("streams.cli.demo", ""),  # a command
        ("streams.settings_source", "stopped\n"),  # what a command imports when it has begun
    ],
)
def test_ctrl_c_while_modules_are_imported_leaves_no_traceback(module: str, said: str) -> None:
    command = "worker" if module == "streams.settings_source" else "demo"
    # Tests that run in the background of a shell are started with a SIGINT that is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    started = subprocess.Popen(
        [sys.executable, "-c", _SLOW, module, command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    signal.signal(signal.SIGINT, before)
    assert started.stdout is not None
    assert started.stdout.readline() == "importing\n"
    started.send_signal(signal.SIGINT)
    _, stderr = started.communicate(timeout=20)
    assert (started.returncode, stderr) == (130, said)
