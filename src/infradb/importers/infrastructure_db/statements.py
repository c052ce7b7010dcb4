"""Old history and old health checks: what the file says happened, kept as statements and never replayed."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from infradb.importers.infrastructure_db.clean import clean_document, clean_text, readable, shown
from infradb.importers.infrastructure_db.convert import Blank, Unfit, converter, document, instant
from infradb.importers.infrastructure_db.faults import Faults
from infradb.importers.infrastructure_db.mapping import BY_NAME, ENTITIES
from infradb.importers.infrastructure_db.reader import OldFile, Row, quoted
from infradb.importers.infrastructure_db.report import Report
from infradb.model.catalog import RECORDS
from infradb.observation import Rejected
from infradb.redaction import REDACTED, redact_text

_CHANGE, _CHECK = RECORDS["infrastructure_changes"].fields, RECORDS["health_checks"].fields
_WORDS = {
    "container": "docker_containers",
    "interface": "network_interfaces",
    "vm": "virtual_machines",
    "lxc": "lxc_containers",
    "volume": "docker_volumes",
    "ip": "ip_addresses",
    "route": "network_routes",
    "dependency": "service_dependencies",
}
_TABLES = {
    **_WORDS,
    **{form: t.name for t in ENTITIES for form in (t.name, t.name.removesuffix("s"), t.name.removesuffix("es"))},
    "service_dependency": "service_dependencies",
}


class OldChange(NamedTuple):
    """A row of the old infrastructure_changes, secrets redacted."""

    imported_id: int
    entity_type: str
    """The old file's word, as written."""
    imported_entity_id: int | None
    native_key: str | None
    """Row that the change is about: table/id. None where the word is no table; nothing may be known by the key."""
    change_type: str
    change_timestamp: str
    changed_by: str | None
    change_source: str | None
    old_values: Any
    new_values: Any
    description: str | None


class OldHealthCheck(NamedTuple):
    """A row of the old health_checks, secrets redacted."""

    imported_id: int
    native_key: str
    """Service that was probed: services/id."""
    check_timestamp: str
    status: str
    response_time_ms: int | None
    status_code: int | None
    error_message: str | None
    response_body: str | None
    worker: str | None


class _Row:
    """One row on its way: takes values by column, notes what is bad."""

    __slots__ = ("at", "key", "rejected", "row")

    def __init__(self, key: str, row: Row, at: dict[str, int]) -> None:
        self.key, self.row, self.at = key, row, at
        self.rejected: list[Rejected] = []

    def raw(self, column: str) -> Any:
        index = self.at.get(column)
        return None if index is None else self.row[index]

    def needs(self, column: str, convert: Callable[[Any], Any]) -> Any:
        """Return a value without which the row cannot stand; raise `Unfit`."""
        try:
            return convert(self.raw(column) or "")
        except Blank:
            raise Unfit(f"has no {column}") from None
        except Unfit as unfit:
            raise Unfit(f"{column} {unfit.reason}") from unfit

    def may(self, column: str, convert: Callable[[Any], Any], *, json: bool = False) -> Any:
        """Return a value, or None where there is none or it goes to quarantine."""
        value = self.raw(column)
        if value is None:
            return None
        try:
            return convert(value)
        except Blank:
            return None
        except Unfit as unfit:
            self.rejected.append(Rejected(self.key, f"{column} {unfit.reason}", shown(value, json=json), column))
            return None


Statement = OldChange | OldHealthCheck
Read = Callable[[int, _Row], Statement]


class Statements:
    """The rows of one table of statements past a cursor, in the order of their ids; re-iterable."""

    def __init__(self, file: OldFile, table: str, read: Read, report: Report, cursor: int) -> None:
        self.table = table
        self._file, self._read, self._report, self._cursor = file, read, report, cursor
        known = {c.name for c in BY_NAME[table].columns}
        if more := [c for c in file.tables[table] if c.lower() not in known]:
            report.ignored_columns[table] = more
        self._columns = ["id", *(c for c in (name.lower() for name in file.tables[table]) if c != "id")]

    def __iter__(self) -> Iterator[Statement | Rejected]:
        count = self._report.begin(self.table)
        count.read = self._file.count(self.table, self._cursor) if self._cursor else 0
        self._count_stored()
        at = {name: n for n, name in enumerate(self._columns)}
        for row in self._file.rows(self.table, [*map(quoted, self._columns)], after=self._cursor):
            count.read += 1
            number = row[0]
            key = f"{self.table}/{number}"
            draft = _Row(key, readable(row), at)
            try:
                said = self._read(number, draft)
            except Unfit as unfit:
                self._report.parsed(self.table, number, whole=True, fields=0)
                yield Rejected(key, unfit.reason, self._content(draft))
                continue
            if draft.rejected:
                self._report.parsed(self.table, number, whole=False, fields=len(draft.rejected))
                yield from draft.rejected
            yield said

    @property
    def cursor(self) -> str:
        """Return how far the table reaches: what to pass as the cursor of the next import."""
        ((last,),) = self._file.ask(f"SELECT max(id) FROM {quoted(self.table)}")  # noqa: S608 (a name of the mapping)
        return str(max(last or 0, self._cursor))

    def _count_stored(self) -> None:
        """Count what an earlier import kept aside of rows that are still there and not read again."""
        for number in self._report.stored(self.table):
            sql = f"SELECT 1 FROM {quoted(self.table)} WHERE id = ? AND id <= ?"  # noqa: S608 (a name of the mapping)
            if list(self._file.ask(sql, (number, self._cursor))):
                self._report.unchanged(self.table, number)

    def _content(self, draft: _Row) -> dict[str, Any]:
        """Return a row as quarantine may show it; what is no JSON counts as text."""
        return {
            name: _body(value) if name not in _DOCUMENTS else shown(clean_document(value), json=True)
            for name, value in zip(self._columns, draft.row, strict=True)
            if value is not None
        }


def changes(file: OldFile, report: Report, cursor: int) -> Statements:
    """Return the old history past a cursor."""
    return Statements(file, "infrastructure_changes", _change, report, cursor)


def health_checks(file: OldFile, faults: Faults, report: Report, cursor: int) -> Statements:
    """Return the old results past a cursor; those of a service that is gone are rejected."""
    present = "services" in file.tables
    services = frozenset(number for (number,) in file.ask("SELECT id FROM services")) if present else frozenset()
    lost = faults.dead.get("services", {})

    def read(number: int, row: _Row) -> OldHealthCheck:
        service = row.raw("service_id")
        if service not in services or service in lost:
            named = f"services/{service}" if isinstance(service, int) else "no service"
            raise Unfit(f"service_id names {named}, which {'could not be imported' if service in lost else 'is gone'}")
        return _check(number, row)

    return Statements(file, "health_checks", read, report, cursor)


def _change(number: int, row: _Row) -> OldChange:
    word, about = row.needs("entity_type", _NAME), row.may("entity_id", _ID)
    table = _TABLES.get(word.lower().replace(" ", "_"))
    return OldChange(
        number,
        word,
        about,
        None if table is None or about is None else f"{table}/{about}",
        row.needs("change_type", _CHANGE_TYPE),
        row.needs("change_timestamp", instant),
        row.may("changed_by", _text),
        row.may("change_source", _SOURCE),
        row.may("old_values", _document, json=True),
        row.may("new_values", _document, json=True),
        row.may("description", _text),
    )


def _check(number: int, row: _Row) -> OldHealthCheck:
    return OldHealthCheck(
        number,
        f"services/{row.raw('service_id')}",
        row.needs("check_timestamp", instant),
        row.needs("status", _STATUS),
        row.may("response_time_ms", _MILLISECONDS),
        row.may("status_code", _ID),
        row.may("error_message", _text),
        row.may("response_body", lambda value: _text(_body(value))),
        row.may("check_source", _text),
    )


def _text(value: Any) -> str:
    text: str = _TEXT(clean_text(value))
    return text


def _document(value: Any) -> Any:
    return document(clean_document(value))


def _body(value: Any) -> Any:
    """Return the text of an answer without its secrets, whether it is JSON or not."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith(("{", "[")) and (redacted := clean_document(str(value))) != REDACTED:
        return redact_text(redacted)
    return redact_text(str(value))


_DOCUMENTS = ("old_values", "new_values")
_NAME = converter(_CHANGE["entity_type"])
_ID = converter(_CHANGE["imported_entity_id"])
_CHANGE_TYPE, _SOURCE = converter(_CHANGE["change_type"]), converter(_CHANGE["change_source"])
_TEXT = converter(_CHECK["error_message"])
_STATUS, _MILLISECONDS = converter(_CHECK["status"]), converter(_CHECK["response_time_ms"])
