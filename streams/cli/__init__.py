"""The command line: one file per command, imported only when it is the one that runs.

``willow-sync --help`` reads the table below and imports no command, so it answers at once and works even
where one command's dependencies (the demo's Java, for instance) are not installed.
"""

import importlib
import sys
from typing import IO, Any

import click

from streams.cli.common import CliError
from streams.entry import INTERRUPTED, interruptible

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (
        "streams.cli.demo",
        "Watch a sample portfolio become Willow tickets: Kafka, Willow emulator, two workers.",
    ),
    "worker": ("streams.cli.worker", "Run a worker: plan each change and bring Willow's tickets in step."),
    "check": (
        "streams.cli.check",
        "Try settings, broker, topics, Willow and mappings; a tick or a remedy each.",
    ),
    "config": ("streams.cli.config", "Print the effective settings and where each one comes from."),
    "topics": ("streams.cli.topics", "Create the topics that are missing and check the rest."),
    "enumerations": ("streams.cli.enumerations", "Suggest the enumerations' settings; add to Willow what it lacks."),
    "sites": ("streams.cli.sites", "List the sites and buildings to select, and which ones are."),
    "twins": ("streams.cli.twins", "Bring places and things to the entity topic from Willow's twins."),
    "status": ("streams.cli.status", "Show how far everything is, and what waits."),
    "outcomes": ("streams.cli.outcomes", "Count how the orders stand, by outcome and reason."),
    "explain": ("streams.cli.explain", "Tell the whole story of a work order, and what to do."),
    "parked": ("streams.cli.parked", "List the orders that wait, for what, and the remedy."),
    "dead-letters": ("streams.cli.dead_letters", "List, show and retry the records that could not be read."),
    "replay": ("streams.cli.replay", "Have orders planned and carried out again, or say what that would do."),
    "audit": ("streams.cli.audit", "Hold every order against its ticket in Willow, field by field."),
    "adopt": ("streams.cli.adopt", "Report the tickets that Willow has already, and have them adopted."),
    "produce": ("streams.cli.produce", "Send a file of changes (NDJSON) to an input topic."),
    "backfill": ("streams.cli.backfill", "Write what Mapped has already to the input topics (GraphQL)."),
    "resolve": ("streams.cli.resolve", "Say which ticket an order in doubt has, or that it has none."),
    "pause": ("streams.cli.pause", "Hold the calls of all workers to Willow, until resume."),
    "resume": ("streams.cli.resume", "Lift a pause, and the brake after too many rejections."),
    "broker": ("streams.cli.broker", "Run an Apache Kafka broker on this machine, without Docker."),
    "emulator": ("streams.cli.emulator", "Run the Willow emulator, with a page that shows its tickets."),
    "mapped-emulator": ("streams.cli.mapped_emulator", "Run a Mapped emulator (GraphQL) to try backfill against."),
}
"""Command → (module that has it as ``command``, its line in ``--help``), in the order of ``--help``."""


class Misuse(click.UsageError):
    """A command was called wrongly: told as any other error, with exit code 2."""

    def __init__(self, error: click.UsageError) -> None:
        super().__init__(error.format_message(), error.ctx)

    def show(self, file: IO[Any] | None = None) -> None:
        command = self.ctx.command_path if self.ctx is not None else "willow-sync"
        remedy = f"`{command} --help` says what it takes."
        CliError(self.message, remedy).show(file)


class LazyGroup(click.Group):
    """A group whose commands are the table's; an error with a remedy becomes ``CliError``, Ctrl-C exit code 130."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        interruptible()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # click would say "Aborted!" and exit with 1, as if the command had failed.
            click.echo("stopped", err=True)
            sys.exit(INTERRUPTED)
        except click.UsageError as error:
            raise Misuse(error) from error
        except click.ClickException:
            raise
        except Exception as error:
            remedy = getattr(error, "remedy", None)
            if not isinstance(remedy, str):
                raise
            raise CliError(str(error), remedy) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="willow-sync")
def main() -> None:
    """Keeps Mapped's work orders and Willow's tickets in step, over Apache Kafka.

    \b
    Start with:   willow-sync demo
    Then:         willow-sync check --config willow-sync.yml
    """
