"""What is wrong between rows: parents that are gone, and what that does to their children.

It is looked up before any row is read, with questions that the old file answers itself: what is in order costs
no memory, and each row's parse knows at once what of it can stand.
"""

from collections import defaultdict
from collections.abc import Iterator

from infradb.importers.infrastructure_db.convert import Blank, Unfit, converter
from infradb.importers.infrastructure_db.mapping import ENTITIES, Table
from infradb.importers.infrastructure_db.reader import OldFile, Row, quoted
from infradb.model.catalog import BY_TABLE
from infradb.model.describe import EntityType, FieldSpec

Reference = tuple[str, FieldSpec]
# All but short ASCII without a NUL: only of those is Python asked whether they are names.
_ODD = (
    "{0} IS NULL OR typeof({0}) <> 'text' OR {0} NOT GLOB '[!-~]*' OR {0} GLOB '*[^ -~]*' "
    "OR length({0}) <> length(CAST({0} AS BLOB)) OR length({0}) > {1}"
)


class Faults:
    """The rows that cannot be taken in for what they point at, and the fields that point nowhere."""

    def __init__(self, file: OldFile) -> None:
        self._file = file
        self.dead: dict[str, dict[int, str]] = defaultdict(dict)
        """Old table -> id -> why the row cannot stand; of rows without children only for their owners' sake."""
        self.fields: dict[str, dict[int, dict[str, str]]] = defaultdict(dict)
        """Old table -> id -> old column -> why it points nowhere."""
        referenced = {spec.references for table in ENTITIES for _, spec in _references(table)}
        for table in ENTITIES:
            if table.name in file.tables:
                if table.name in referenced:
                    self._nameless(table)
                self._dangling(table)
        if "services" in file.tables:
            self._two_places()
        self.shared_listeners: frozenset[int] = frozenset(self._shared_listeners())
        """Services that differ only in their name: many names behind one port."""

    def _nameless(self, table: Table) -> None:
        """Find the rows whose required fields are bad: their children have to know."""
        kind = BY_TABLE[table.to]
        present = {c.lower() for c in self._file.tables[table.name]}
        wanted = [(c.name, kind.fields[c.field]) for c in table.columns if _is_named(c.field, kind)]
        dead = self.dead[table.name]
        for missing, _ in [w for w in wanted if w[0] not in present]:
            dead.update((number, f"has no {missing}") for (number,) in self._file.rows(table.name, ["id"]))
            return
        checks = [(column, converter(spec)) for column, spec in wanted]
        names = [quoted(column) for column, _ in wanted]
        odd = " OR ".join(f"({_ODD.format(quoted(column), spec.max_length or 0)})" for column, spec in wanted)
        for row in self._file.rows(table.name, ["id", *names], where=odd):
            for value, (column, convert) in zip(row[1:], checks, strict=True):
                try:
                    if value is None or type(value) is bytes or "\0" in str(value):
                        raise Blank
                    convert(value)
                except Blank:
                    dead[row[0]] = f"has no {column}" if value is None else f"{column} cannot be read"
                except Unfit as unfit:
                    dead[row[0]] = f"{column} {unfit.reason}"

    def _dangling(self, table: Table) -> None:
        present = {c.lower() for c in self._file.tables[table.name]}
        for column, spec in _references(table):
            if column not in present:
                continue
            for number, parent in self._lost(table.name, column, spec):
                self._note(table.name, number, column, spec, _gone(column, number, parent, spec, table))
            lost = self.dead.get(spec.references or "")
            if lost:
                sql = (
                    f"SELECT id, {quoted(column)} FROM {quoted(table.name)} WHERE typeof({quoted(column)}) = 'integer'"  # noqa: S608
                )
                for number, parent in self._file.ask(sql):
                    if parent in lost:
                        reason = f"{column} names {spec.references}/{parent}, which cannot be imported: {lost[parent]}"
                        self._note(table.name, number, column, spec, reason)

    def _lost(self, table: str, column: str, spec: FieldSpec) -> Iterator[Row]:
        name, parents = quoted(column), spec.references or ""
        gone = f"{name} NOT IN (SELECT id FROM {quoted(parents)})" if parents in self._file.tables else "1"  # noqa: S608
        own = f" OR {name} = id" if parents == table else ""
        null = "1" if spec.required else "0"
        sql = (
            f"SELECT id, CASE typeof({name}) WHEN 'integer' THEN {name} END FROM {quoted(table)} "  # noqa: S608
            f"WHERE CASE WHEN {name} IS NULL THEN {null} ELSE typeof({name}) <> 'integer' OR {gone}{own} END"
        )
        yield from self._file.ask(sql)

    def _note(self, table: str, number: int, column: str, spec: FieldSpec, reason: str) -> None:
        if spec.required:
            self.dead[table].setdefault(number, reason)
        else:
            self.fields[table].setdefault(number, {})[column] = reason

    def _two_places(self) -> None:
        """Find services that name a container and another host than the container's."""
        if not self._has("services", "container_id", "host_id") or not self._has("docker_containers", "docker_host_id"):
            return
        sql = (
            "SELECT s.id, s.container_id, c.docker_host_id FROM services s "
            "JOIN docker_containers c ON c.id = s.container_id WHERE s.host_id <> c.docker_host_id"
        )
        for number, container, host in self._file.ask(sql):
            if container not in self.dead["docker_containers"] and isinstance(host, int):
                reason = f"host_id is not where it runs: docker_containers/{container} is on hosts/{host}"
                self.fields["services"].setdefault(number, {}).setdefault("host_id", reason)

    def _shared_listeners(self) -> Iterator[int]:
        if not self._has("services", "service_name", "host_id", "container_id", "protocol", "port"):
            return
        containers = "SELECT id FROM docker_containers" if "docker_containers" in self._file.tables else "NULL"
        sql = (
            "SELECT id FROM (SELECT id, min(service_name) OVER w AS first, max(service_name) OVER w AS last "  # noqa: S608
            "FROM services WHERE port IS NOT NULL WINDOW w AS (PARTITION BY "
            f"CASE WHEN container_id IN ({containers}) THEN 'c' || container_id ELSE coalesce('h' || host_id, '') END, "
            "lower(protocol), port)) WHERE first <> last"
        )
        for (number,) in self._file.ask(sql):
            yield number

    def _has(self, table: str, *columns: str) -> bool:
        return {c.lower() for c in self._file.tables.get(table, ())}.issuperset(columns)


def _references(table: Table) -> Iterator[Reference]:
    kind = BY_TABLE[table.to]
    for column in table.columns:
        spec = kind.fields.get(column.field)
        if spec is not None and spec.references and column.via == "field":
            yield column.name, spec


def _is_named(field: str, kind: EntityType) -> bool:
    spec = kind.fields.get(field)
    return spec is not None and spec.required and not spec.references and field != "network_name"


def _gone(column: str, number: int, parent: int | None, spec: FieldSpec, table: Table) -> str:
    if parent is None:
        return f"{column} names no row of {spec.references}"
    if (parent, spec.references) == (number, table.name):
        return f"{column} names the row itself"
    return f"{column} names {spec.references}/{parent}, which is gone"
