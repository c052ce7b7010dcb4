"""The command `infradb`. Commands are named here and loaded when they are called, so that `--help` is quick."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from infradb import __version__
from infradb.errors import InfradbError

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up:up", "Discover, serve, and keep doing it."),
    "serve": ("up:serve", "Serve without discovering."),
    "demo": ("demo:demo", "A lab of invented data in a database of its own."),
    "discover": ("discover:discover", "Read the sources and show what changed."),
    "sources": ("sources:sources", "What is read: list, kinds, add, test, doctor, calls, order, remove."),
    "coverage": ("coverage:coverage", "Blind spots, and the command that closes each."),
    "collect": ("runs:collect", "Read a source into a file, without a database."),
    "ingest": ("runs:ingest", "Take in a run that was collected elsewhere."),
    "token": ("tokens:token", "Secrets of programs that bring runs."),
    "list": ("entities:list_", "Many things of one kind."),
    "show": ("show:show", "Everything about one thing."),
    "add": ("edit:add", "Say that something exists."),
    "set": ("edit:set_", "Say what a field is."),
    "unset": ("edit:unset", "Take back what was said."),
    "retire": ("edit:retire", "Say that something is gone."),
    "merge": ("identity:merge", "Say that two things are one."),
    "split": ("identity:split", "Say that one thing is two."),
    "keep-apart": ("identity:keep_apart", "Say that two things stay two."),
    "why": ("why:why", "Which source says what, and which rule decided."),
    "impact": ("impact:impact", "What breaks if these die, and why."),
    "depends": ("impact:depends", "What a thing needs, down to the hardware."),
    "spof": ("spof:spof", "Single points of failure, and what would mend them."),
    "shutdown-order": ("orders:shutdown_order", "In which order to stop things."),
    "boot-order": ("orders:boot_order", "In which order to start things."),
    "changes": ("history:changes", "What changed."),
    "diff": ("history:diff", "What differs between two times."),
    "search": ("entities:search", "Find things by any text."),
    "findings": ("findings:findings", "What is wrong, by rule."),
    "drift": ("drift:drift", "Where notes and the world differ."),
    "import": ("import_:import_", "Take in what people have."),
    "export": ("export:export", "Write out what is known."),
    "erd": ("drawings:erd", "The entity relationship diagram, with row counts."),
    "map": ("drawings:map_", "A map of hosts, guests, containers and services."),
    "sql": ("sql:sql", "Ask in SQL, read-only."),
    "prune": ("care:prune", "Remove what is past its retention."),
    "redact": ("care:redact", "Remove a secret that slipped through, everywhere."),
    "verify": ("care:verify", "Check the change log's chain and the database."),
    "backup": ("care:backup", "Write a consistent copy."),
    "restore": ("care:restore", "Put a copy back."),
    "doctor": ("care:doctor", "What is wrong with this installation."),
}
EXIT_CODES: dict[str, int] = {
    "usage": 2,
    "settings": 2,
    "invalid-value": 2,
    "import-refused": 2,
    "before-history": 2,
    "not-found": 3,
    "database-missing": 3,
    "ambiguous": 4,
    "conflict": 4,
    "findings": 5,
    "partly": 6,
}
"""Exit code by an error's code; 1 for any other."""


class Commands(click.Group):
    """Lists every command from `COMMANDS`; imports only the one that is called."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call a command; a reader that has seen enough (head, less) ends it silently."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # click would make an error of it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; an unknown one is click's to report, with what comes near."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command: click.Command = getattr(import_module(f"infradb.interfaces.cli.{module}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog='Start with `infradb up`. Completion: `eval "$(_INFRADB_COMPLETE=bash_source infradb)"` (or zsh, fish).',
)
@click.option("--database", metavar="PATH|URL", help="Where the database is (INFRADB_DATABASE).")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
@click.version_option(__version__, prog_name="infradb")
@click.pass_context
def cli(ctx: click.Context, database: str | None, debug: bool) -> None:
    """infradb knows what you run, where it runs, what needs it, and what changed."""
    ctx.obj = {"database": database, "debug": debug}


def main() -> None:
    """Run the command line; errors of ours become one sentence, a hint and an exit code."""
    debug = "--debug" in sys.argv or bool(os.environ.get("INFRADB_DEBUG"))
    if sys.stdout is None:
        _report("standard output is closed", "send it to /dev/null where nobody wants it")
        sys.exit(1)
    try:
        code = cli.main(prog_name="infradb", standalone_mode=False)
        sys.stdout.flush()
    except InfradbError as error:
        if debug:
            raise
        _report(str(error), error.hint)
        code = EXIT_CODES.get(error.code, 1)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _report("stopped; nothing was half-written", "")
        _let_go_of_output()
        # Sources that are still being read by threads would keep the process until their time is over.
        os._exit(130)
    except UnicodeError as error:
        if debug:
            raise
        _report(f"a text is not UTF-8: {error}", "write it in UTF-8; `locale` shows how the terminal is set")
        code = 2
    except OSError as error:
        if debug:
            raise
        what = "the output could not be written" if error.filename is None else str(error.filename)
        _report(f"{what}: {error.strerror or error}", "")
        code = 1
    except Exception as error:
        if debug:
            raise
        _report(f"unexpected {type(error).__name__}: {error}", "this is a mistake in infradb; `--debug` shows where")
        code = 1
    _let_go_of_output()
    sys.exit(code if isinstance(code, int) else 0)


def _let_go_of_output() -> None:
    """Write what is left to write; what cannot be written now must not fail again when Python ends."""
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _report(message: str, hint: str) -> None:
    click.echo(f"infradb: {message}", err=True)
    if hint:
        click.echo(f"  → {hint}", err=True)
