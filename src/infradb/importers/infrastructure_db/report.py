"""Counts what became of each row: read = imported + merged + quarantined, for every table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class TableCount:
    """What is known of one old table so far."""

    read: int = 0
    rows: set[int] = field(default_factory=set)
    """Ids of the rows that are kept in quarantine whole."""
    fields: dict[int, int] = field(default_factory=dict)
    """Id of an imported row -> how many of its fields are kept in quarantine."""


class Report:
    """Filled in while the run is consumed; whole once it has been.

    A row whose digest is the known one is read but not parsed. What of it lies in quarantine is then taken from
    the quarantine as it was before the run: a parse replaces that, and a row that is no longer in the file does
    not count. Parsing a row twice, or reading a table twice, counts once.
    """

    def __init__(self, ignored: Mapping[str, int], stored: Iterable[tuple[str, str]]) -> None:
        self.ignored = dict(ignored)
        self.ignored_columns: dict[str, list[str]] = {}
        """Columns that only this file has, of tables whose rows have no place for them."""
        self._counts: dict[str, TableCount] = {}
        self._stored: dict[str, dict[int, list[str]]] = defaultdict(dict)
        for key, column in stored:
            table, _, number = key.rpartition("/")
            if number.lstrip("-").isdigit():
                self._stored[table].setdefault(int(number), []).append(column)

    def begin(self, table: str) -> TableCount:
        """Start counting a table, anew where it is read again."""
        count = self._counts.setdefault(table, TableCount())
        count.read = 0
        return count

    def stored(self, table: str) -> Set[int]:
        """Return the ids of the table's rows of which something lay in quarantine before the run."""
        return self._stored[table].keys() if table in self._stored else frozenset()

    def unchanged(self, table: str, number: int) -> None:
        """Note that such a row is still in the file; what is parsed of it afterwards says more."""
        columns = self._stored[table][number]
        if "" in columns:
            self._counts[table].rows.add(number)
        else:
            self._counts[table].fields[number] = len(columns)

    def parsed(self, table: str, number: int, *, whole: bool, fields: int) -> None:
        """Note what the parse of a row found."""
        count = self._counts.get(table)
        if count is None:
            count = self._counts[table] = TableCount()
        count.rows.discard(number)
        count.fields.pop(number, None)
        if whole:
            count.rows.add(number)
        elif fields:
            count.fields[number] = fields

    def finish(self, merged: Mapping[str, int]) -> dict[str, Any]:
        """Return the report; `merged` says for each old table how many rows turned out to be another row's thing.

        Rows that an earlier import merged and that have left the file since may be among these: no more are
        counted than were read.
        """
        tables = {}
        for name, count in self._counts.items():
            kept = len(count.rows)
            both = min(merged.get(name, 0), count.read - kept)
            tables[name] = {
                "read": count.read,
                "imported": count.read - both - kept,
                "merged": both,
                "quarantined": kept,
                "fields_quarantined": sum(count.fields.values()),
            }
        return {"tables": tables, "ignored_tables": self.ignored, "ignored_columns": self.ignored_columns}
