"""Writes every generated file where it belongs."""

from pathlib import Path

from infradb.generate.rules import rules_reference
from infradb.store.ddl import schema

ROOT = Path(__file__).parents[3]


def outputs() -> dict[Path, str]:
    """Return every generated file with its content."""
    store = ROOT / "src/infradb/store"
    return {
        store / "schema.sqlite.sql": schema("sqlite"),
        store / "schema.postgresql.sql": schema("postgresql"),
        # Version 0.1.0 is unreleased: until then the first migration follows the model, from then on it is frozen.
        store / "migrations/versions/0001_initial.sqlite.sql": schema("sqlite"),
        store / "migrations/versions/0001_initial.postgresql.sql": schema("postgresql"),
        ROOT / "docs/reference/rules.md": rules_reference(),
    }


if __name__ == "__main__":
    for path, text in outputs().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
