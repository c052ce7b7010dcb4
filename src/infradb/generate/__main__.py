"""Writes every generated file where it belongs."""

import json
from pathlib import Path

from infradb import run_file
from infradb.generate.cli_reference import cli_reference
from infradb.generate.model_reference import model_reference, schema_reference
from infradb.generate.reference import collectors_reference, errors_reference, settings_reference
from infradb.generate.rules import rules_reference
from infradb.store.ddl import schema

ROOT = Path(__file__).parents[3]


def outputs() -> dict[Path, str]:
    """Return every generated file with its content."""
    store, reference = ROOT / "src/infradb/store", ROOT / "docs/reference"
    return {
        store / "schema.sqlite.sql": schema("sqlite"),
        store / "schema.postgresql.sql": schema("postgresql"),
        # Version 0.1.0 is unreleased: until then the first migration follows the model, from then on it is frozen.
        store / "migrations/versions/0001_initial.sqlite.sql": schema("sqlite"),
        store / "migrations/versions/0001_initial.postgresql.sql": schema("postgresql"),
        reference / "rules.md": rules_reference(),
        reference / "cli.md": cli_reference(),
        reference / "model.md": model_reference(),
        reference / "schema.md": schema_reference(),
        reference / "settings.md": settings_reference(),
        reference / "errors.md": errors_reference(),
        reference / "collectors.md": collectors_reference(),
        reference / "run.schema.json": json.dumps(run_file.schema(), indent=2) + "\n",
    }


if __name__ == "__main__":
    for path, text in outputs().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
