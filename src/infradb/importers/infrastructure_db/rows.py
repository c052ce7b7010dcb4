"""One old row at a time: secrets out first, then its digest, then, where it is asked for, what it says."""

from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import orjson

from infradb.importers.infrastructure_db.clean import clean_name, cleaner, extra_cleaner, holds_json, readable, shown
from infradb.importers.infrastructure_db.convert import Blank, Convert, NotText, Unfit, converter, instant, text_of
from infradb.importers.infrastructure_db.faults import Faults
from infradb.importers.infrastructure_db.mapping import Column, Table
from infradb.importers.infrastructure_db.parts import Draft, Part, context_of
from infradb.importers.infrastructure_db.reader import OldFile, Row, quoted
from infradb.importers.infrastructure_db.report import Report
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, Observation, Rejected

PARSER_VERSION = 1
"""Raise it when the same row is to be read otherwise: the next import then reads all rows anew."""
_HASH = blake2b(digest_size=8, salt=PARSER_VERSION.to_bytes(4, "big"))
_UNMEASURED: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
_NUL = b"\\u0000"


def fingerprint(blob: bytes) -> int:
    """Return the signed 64-bit digest of a redacted row; as `digest_of`, for rows of known order."""
    hashed = _HASH.copy()  # cheaper than making it anew
    hashed.update(blob)
    return int.from_bytes(hashed.digest(), "big", signed=True)


class TableRows:
    """The rows of one old table as answers; can be iterated again and again."""

    def __init__(self, file: OldFile, table: Table, faults: Faults, report: Report, part: Part | None) -> None:
        self.name = table.name
        self._file, self._report = file, report
        self._dead, self._faults = faults.dead.get(table.name, {}), faults.fields.get(table.name, {})
        self._kind = BY_TABLE[table.to]
        self._required = tuple(f.name for f in self._kind.fields.values() if f.required)
        present = [name.lower() for name in file.tables[table.name]]
        known = {c.name: c for c in table.columns}
        self._columns = ["id", *(c for c in present if c != "id")]
        self._at = {name: n for n, name in enumerate(self._columns)}
        self._part = part
        self._context = context_of(table.name, file)
        self._at.update({name: len(self._columns) + n for n, (name, _) in enumerate(self._context)})
        self._clean: list[tuple[int, Convert]] = []
        self._plan: list[tuple[int, str, str, Convert]] = []
        self._aside: list[tuple[int, str, str, Convert]] = []
        self._json: set[str] = set()
        for name in self._columns[1:]:
            self._prepare(name, known.get(name))
        self._clean += [(self._at[name], clean_name) for name, _ in self._context]
        self._shared = faults.shared_listeners if table.name == "services" else frozenset()

    def __iter__(self) -> Iterator[Answer]:
        expressions = [*map(quoted, self._columns), *(sql for _, sql in self._context)]
        count, stored = self._report.begin(self.name), self._report.stored(self.name)
        faults, shared, clean = self._faults, self._shared, self._clean
        unlike = {*faults, *shared, *self._dead}
        start, parse, unmeasured, digest = f"{self.name}/", self._parse, _UNMEASURED, fingerprint
        for raw in self._file.rows(self.name, expressions):
            row = raw
            for index, redact in clean:
                value = row[index]
                if value is not None and (redacted := redact(value)) is not value:
                    row = (*row[:index], redacted, *row[index + 1 :])
            try:
                blob = orjson.dumps(row)
            except TypeError:
                row = readable(row)
                blob = orjson.dumps(row)
            if _NUL in blob:
                row = readable(row)
            number = row[0]
            if number in unlike:
                blob += orjson.dumps((faults.get(number), number in shared))
            count.read += 1
            if number in stored:
                self._report.unchanged(self.name, number)
            yield Answer(f"{start}{number}", digest(blob), partial(parse, row), unmeasured)

    def _prepare(self, name: str, column: Column | None) -> None:
        index = self._at[name]
        if column is None:
            self._clean.append((index, extra_cleaner(name)))
            self._aside.append((index, name, name, _as_it_is))
            return
        spec = self._kind.fields.get(column.field)
        if column.via == "stamp":
            self._aside.append((index, name, column.field.removeprefix("custom."), instant))
            return
        clean = cleaner(column, spec)
        if clean is not None:
            self._clean.append((index, clean))
        if holds_json(clean):
            self._json.add(name)
        if column.via == "aside":
            self._aside.append((index, name, column.field.removeprefix("custom."), text_of))
            return
        if spec is not None and column.via not in ("members", "check", "nics"):
            self._plan.append((index, name, column.field, converter(spec, column.via)))

    def _parse(self, row: Row) -> list[Observation | Rejected]:
        number: int = row[0]
        key = f"{self.name}/{number}"
        if number in self._dead:
            return self._rejected(key, row, self._dead[number])
        rejected: list[Rejected] = []
        values: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        faults = self._faults.get(number)
        if faults is not None:
            row = self._without(key, row, faults, rejected)
        for plan, into in ((self._plan, values), (self._aside, custom)):
            for index, name, field, convert in plan:
                value = row[index]
                if value is not None:
                    try:
                        into[field] = convert(value)
                    except Blank:
                        pass
                    except Unfit as unfit:
                        content = shown(value, json=name in self._json)
                        rejected.append(Rejected(key, f"{name} {unfit.reason}", content, name))
        return self._complete(key, row, values, custom, rejected)

    def _complete(
        self, key: str, row: Row, values: dict[str, Any], custom: dict[str, Any], rejected: list[Rejected]
    ) -> list[Observation | Rejected]:
        """Add what follows from the columns, and make sure that nothing required is missing."""
        number, said = row[0], list[Observation | Rejected]()
        if self._part is not None:
            draft = Draft(key, number, row, self._at, values, custom, said, rejected, number in self._shared)
            try:
                self._part(draft)
            except Unfit as unfit:
                return self._rejected(key, row, unfit.reason)
        for field in self._required:
            if field not in values:
                return self._rejected(key, row, self._missing(field, rejected))
        if custom:
            if custom.get("updated_at") == custom.get("created_at"):
                custom.pop("updated_at", None)  # never updated: most rows, and it adds up in claims and rows
            values["custom"] = custom
        self._report.parsed(self.name, number, whole=False, fields=len(rejected))
        return [Observation(key, self._kind.table, values), *said, *rejected]

    def _without(self, key: str, row: Row, faults: Mapping[str, str], rejected: list[Rejected]) -> Row:
        """Return the row without the references that point nowhere."""
        values = list(row)
        for name, reason in faults.items():
            index = self._at[name]
            rejected.append(Rejected(key, reason, shown(values[index]), name))
            values[index] = None
        return tuple(values)

    def _rejected(self, key: str, row: Row, reason: str) -> list[Observation | Rejected]:
        self._report.parsed(self.name, row[0], whole=True, fields=0)
        content = {
            name: shown(row[n], json=name in self._json) for n, name in enumerate(self._columns) if row[n] is not None
        }
        return [Rejected(key, reason, content)]

    def _missing(self, field: str, rejected: list[Rejected]) -> str:
        columns = {name for _, name, target, _ in self._plan if target == field} or {field}
        return next((r.reason for r in rejected if r.field in columns), f"has no {min(columns)}")


def _as_it_is(value: Any) -> Any:
    if isinstance(value, NotText):
        raise Unfit("holds bytes that are no text")
    return value
