"""Writes the reference pages of settings, errors and collectors, each from its definitions."""

import ast
import inspect
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from infradb import errors, settings
from infradb.collectors.registry import COLLECTORS, collector_class
from infradb.errors import InfradbError
from infradb.interfaces.cli.main import EXIT_CODES

WRITTEN = "This file is written by `make generate`. Do not edit it."


def settings_reference() -> str:
    """Return the page that documents every setting."""
    defaults, docs = settings.Settings(), attribute_docs(settings.Settings)
    rows = [
        (f"`{name}`", f"`INFRADB_{name.upper()}`", f"`{value}`" if (value := getattr(defaults, name)) else "", doc)
        for name, doc in docs.items()
    ]
    return f"""# Settings

{WRITTEN}

All settings have a default. They come from, the later one winning:

1. `{settings.FILE_NAME}` in the XDG configuration folder (`~/.config/infradb/{settings.FILE_NAME}`), or the file that
   `INFRADB_CONFIG` names;
2. the environment;
3. options of the command, such as `--database` and `--listen`.

An unknown setting is an error that names its place, and so is a value of the wrong kind. Lengths of time are a number
and one of `s`, `min`, `h`, `d`, `w`, `y`.

{table_of(("Setting", "In the environment", "Default", "Meaning"), rows)}

`INFRADB_DEBUG=1` shows tracebacks, as `--debug` does.

```toml
# {settings.FILE_NAME}
listen = "127.0.0.1"
interval = "5m"
keep_changes = "5y"
```

How a source is reached is not set here but with `infradb sources add`: [collectors.md](collectors.md).
"""


def errors_reference() -> str:
    """Return the page that documents every error: its code, its meaning, what to do, and the exit code."""
    classes = sorted(_errors(), key=lambda c: c.code)
    rows = [(f"`{c.code}`", one_line(c.__doc__ or ""), c.hint, str(EXIT_CODES.get(c.code, 1))) for c in classes]
    return f"""# Errors

{WRITTEN}

An error is written to stderr: what went wrong, about what, and on a second line what to do next. A traceback is shown
only with `--debug`.

## Exit codes

| Code | Meaning |
|---|---|
| 0 | done |
| 1 | failed; from `infradb doctor`: something is wrong |
| 2 | wrong usage, settings or value |
| 3 | not found |
| 4 | ambiguous, or a conflict |
| 5 | findings at or over the level asked for with `--fail-on` |
| 6 | partly done: a source could not be read, or not wholly |
| 130 | stopped by Ctrl-C |

## Every error

Codes are stable. The hint is the general one; where more is known, the error itself says more.

{table_of(("Code", "Meaning", "What to do", "Exit code"), rows)}
"""


def _errors() -> list[type[InfradbError]]:
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, InfradbError)]
    return [c for c in found if c is not InfradbError]


def collectors_reference() -> str:
    """Return the page that documents every collector and its settings."""
    parts = [
        f"""# Collectors

{WRITTEN}

A collector reads one kind of source. `infradb sources add KIND NAME key=value…` adds a source,
`infradb sources doctor NAME` proves the rights that it needs, `infradb sources calls NAME` lists every call that it
makes. None of them writes to what it reads. The first run adds a source of each kind for this machine by itself.

Where two sources contradict each other, the one with the lower rank wins; what a person said stands above both, where
it is for people to say ([concepts](../concepts.md#which-value-wins)).
"""
    ]
    for kind, registered in COLLECTORS.items():
        cls = collector_class(kind)
        fields = cls.Settings.model_fields
        rows = [(f"`{n}`", _default(f), one_line(f.description or "")) for n, f in fields.items()]
        parts.append(
            f"\n## {kind}\n\n{one_line(inspect.getdoc(cls) or '')} Rank {registered.rank}. What it reads, the rights it"
            f" needs and its limits: [README](../../src/infradb/collectors/{kind}/README.md).\n\n"
            f"{table_of(('Setting', 'Default', 'Meaning'), rows)}\n"
        )
    return "".join(parts)


def _default(info: Any) -> str:
    if info.is_required():
        return "needed"
    if info.default_factory is not None or info.default is None:
        return ""
    return f"`{str(info.default).lower() if isinstance(info.default, bool) else info.default}`"


def attribute_docs(cls: type) -> dict[str, str]:
    """Return attribute -> the docstring below it, from the source of a class."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    found: dict[str, str] = {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, following in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            found[statement.target.id] = one_line(str(following.value.value))
    return found


def table_of(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())
