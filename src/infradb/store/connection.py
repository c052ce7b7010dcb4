"""What both engines offer: transactions and SQL as text with `?` for values."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from infradb.store.ddl import Dialect

Row = tuple[Any, ...]
WAYS_TO_WRITE = "`infradb add`, `set`, `unset` and `retire` write, and keep the history"


class Connection(Protocol):
    """One transaction on either engine."""

    dialect: Dialect

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a question."""
        ...

    def stream(self, sql: str, values: Sequence[Any] = ()) -> Iterator[Row]:
        """Yield the rows of a question without holding them all."""
        ...

    def columns(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[Row]]:
        """Return the names of the columns and all rows of a question."""
        ...

    def ask(self, sql: str) -> tuple[list[str], list[Row]]:
        """Return the names of the columns and all rows of a question that a person wrote; raise `UsageError`."""
        ...

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Carry out one statement and return how many rows it touched."""
        ...

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one statement for each row of values."""
        ...

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Insert rows the fastest way that the engine has."""
        ...

    def script(self, sql: str) -> None:
        """Carry out several statements without values."""
        ...


class Database(Protocol):
    """A database on either engine."""

    dialect: Dialect
    url: str

    def read(self) -> "ContextConnection":
        """Open a transaction that sees one state and changes nothing."""
        ...

    def write(self, *, fill: bool = False) -> "ContextConnection":
        """Open the one transaction that may write; others wait for it. Committed at the end, undone on an error.

        `fill` says that much is written where nothing is yet, so that readers may wait as well.
        """
        ...

    def size_bytes(self) -> int:
        """Return the space that the database takes."""
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...


class ContextConnection(Protocol):
    """A connection that is entered with `with`."""

    def __enter__(self) -> Connection: ...
    def __exit__(self, *details: Any) -> bool | None: ...
