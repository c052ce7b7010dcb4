"""Writes the reference of the command line from click's own help."""

from collections.abc import Iterator

import click

from infradb.generate.reference import WRITTEN
from infradb.interfaces.cli.main import COMMANDS, cli

WIDTH = 100
_HEAD = """# Command line

{written} It is what `infradb COMMAND --help` says.

```
{help}
```

- **Names.** `NAME` is what people call a thing (`pve1`, `pve1/vmbr0`, `nas/immich`, `10.0.0.5`), `KIND/NAME`, its id or
  its uid. A name that several things have is an error that lists them.
- **Kinds.** `KIND` is a table of [the model](model.md), singular or plural, with `-` or `_`. Some have short names:
  `containers`, `guests`, `ips`, `interfaces`.
- **References** are given by name and without `_id`: `host=pve1`.
- **Times** are ISO 8601 or relative: `7d`, `12h`, `today`, `yesterday 14:00`. Without a zone they are UTC.
- **Output.** At a terminal a table fits the width; in a pipe it is plain and complete. `--output json` is stable.
- **Exit codes** are those of [errors.md](errors.md#exit-codes).

| Command | What it does |
|---|---|
{table}
"""


def cli_reference() -> str:
    """Return the page that documents every command and subcommand."""
    context = _context(cli, None, "infradb")
    table = "\n".join(f"| [{name}](#infradb-{name}) | {text} |" for name, (_, text) in COMMANDS.items())
    parts = [_HEAD.format(written=WRITTEN, help=_help(context), table=table)]
    for name, found in commands():
        level = "##" if name.count(" ") == 1 else "###"
        parts.append(f"\n{level} {name}\n\n```\n{_help(found)}\n```\n")
    return "".join(parts)


def commands() -> Iterator[tuple[str, click.Context]]:
    """Yield every command and subcommand with its whole name."""
    return _below(_context(cli, None, "infradb"))


def _below(parent: click.Context) -> Iterator[tuple[str, click.Context]]:
    group = parent.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is not None and not command.hidden:
            context = _context(command, parent, name)
            yield context.command_path, context
            yield from _below(context)


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    given = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    return click.Context(command, parent=parent, info_name=name, **given)


def _help(context: click.Context) -> str:
    return "\n".join(line.rstrip() for line in context.get_help().strip().splitlines())
