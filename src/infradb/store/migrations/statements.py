"""The words that migrations are written in."""

from pathlib import Path

from alembic import op
from sqlalchemy.engine import Connection


def run_file(migration: str) -> None:
    """Carry out the statements beside a migration's file: `0002_….sqlite.sql` or `0002_….postgresql.sql`."""
    connection = op.get_bind()
    path = Path(migration)
    run_script(connection, path.with_name(f"{path.stem}.{connection.dialect.name}.sql").read_text(encoding="utf-8"))


def run_script(connection: Connection, script: str) -> None:
    """Carry out statements that each end with a semicolon and a line break."""
    for statement in script.split(";\n"):
        if statement.strip():
            # psycopg takes a percent sign for the beginning of a value.
            text = statement.replace("%", "%%") if connection.dialect.name == "postgresql" else statement
            connection.exec_driver_sql(text)


def rebuild_table(table: str, script: str, kept: dict[str, str]) -> None:
    """Give a SQLite table a new definition: `script` makes `new_<table>` and its indexes.

    `kept` says what each new column takes from the old row: a column's name or an expression. Views and foreign keys
    go on naming the table as before (sqlite.org/lang_altertable.html, 7).
    """
    connection = op.get_bind()
    create, _, indexes = script.partition(";\n")
    run_script(connection, create + ";\n")
    columns, sources = ", ".join(kept), ", ".join(kept.values())
    connection.exec_driver_sql(f"INSERT INTO new_{table} ({columns}) SELECT {sources} FROM {table}")
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE new_{table} RENAME TO {table}")
    run_script(connection, indexes)
