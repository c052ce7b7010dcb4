"""Removes containers of `docker run --rm` for good, with everything that hangs on them.

Docker says of no container that is gone whether it was run with `--rm`; but such a one has no restart policy (Docker
refuses both together) and is of no compose project, so a retired container like that counts as one.

Of each entity its row in `entities` stays while the change log names it: the chain's hashes cover the reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from infradb.change import MANUAL
from infradb.model.catalog import ENTITY_TYPES, ORDER, RECORD_TYPES
from infradb.store.database import Connection

_KEPT_RECORDS = ("infrastructure_changes", "entities")


@dataclass(slots=True)
class _Hanging:
    """A container and what goes with it: table -> ids."""

    ids: dict[str, set[int]] = field(default_factory=dict)

    @property
    def all(self) -> set[int]:
        return {id_ for ids in self.ids.values() for id_ in ids}


def forgettable(connection: Connection, before: str, among: Sequence[int] | None = None) -> list[int]:
    """Return the containers that were run once, are retired since `before`, and of which no person said anything."""
    chosen = "" if among is None else f" AND id IN ({', '.join(map(str, among))})"
    sql = (
        "SELECT id FROM docker_containers WHERE retired_at < ? AND compose_project IS NULL"
        f" AND (restart_policy IS NULL OR restart_policy IN ('', 'no')){chosen} ORDER BY id"
    )
    found = [id_ for (id_,) in connection.query(sql, (before,))]
    return [id_ for id_ in found if _may_go(connection, _hanging(connection, id_))]


def purge(connection: Connection, *, ids: Sequence[int], before: str) -> dict[str, int]:
    """Remove containers, except those that came back or that a person spoke about since they were listed."""
    counts: dict[str, int] = {}
    for id_ in forgettable(connection, before, ids):
        hanging = _hanging(connection, id_)
        listed = ", ".join(map(str, sorted(hanging.all)))
        for record in RECORD_TYPES:
            for reference in record.references:
                if reference.references == "entities" and record.table not in _KEPT_RECORDS:
                    _let_go(connection, record.table, reference.name, listed, reference.owns or not reference.nullable)
        for table in sorted(hanging.ids, key=lambda t: -ORDER[t]):
            own = ", ".join(map(str, sorted(hanging.ids[table])))
            counts[table] = counts.get(table, 0) + connection.execute(f"DELETE FROM {table} WHERE id IN ({own})")
    return counts


def tombstones(connection: Connection) -> list[int]:
    """Return the retired entities whose row was purged and that nothing names any more."""
    names = " UNION ALL ".join(
        f"SELECT 1 FROM {r.table} x WHERE x.{f.name} = e.id"
        for r in RECORD_TYPES
        for f in r.references
        if f.references == "entities" and f.name != "retired_with"  # whatever went along goes along
    )
    found: list[int] = []
    for entity_type in ENTITY_TYPES:
        sql = (
            f"SELECT e.id FROM entities e LEFT JOIN {entity_type.table} t ON t.id = e.id"
            f" WHERE e.kind = ? AND e.retired_at IS NOT NULL AND t.id IS NULL AND NOT EXISTS ({names}) ORDER BY e.id"
        )
        found += [id_ for (id_,) in connection.query(sql, (entity_type.table,))]
    return found


def _hanging(connection: Connection, container: int) -> _Hanging:
    """Return a container with what it owns and the services in it, and what those own."""
    hanging = _Hanging({"docker_containers": {container}})
    wave = {"docker_containers": {container}}
    while wave:
        following: dict[str, set[int]] = {}
        for child in ENTITY_TYPES:
            for reference in child.references:
                owners = wave.get(reference.references or "", set())
                if not owners or not (reference.owns or child.table == "services"):
                    continue
                listed = ", ".join(map(str, owners))
                rows = connection.query(f"SELECT id FROM {child.table} WHERE {reference.name} IN ({listed})")
                new = {id_ for (id_,) in rows} - hanging.ids.get(child.table, set())
                if new:
                    following.setdefault(child.table, set()).update(new)
                    hanging.ids.setdefault(child.table, set()).update(new)
        wave = following
    return hanging


def _may_go(connection: Connection, hanging: _Hanging) -> bool:
    """Tell whether all of it is retired, nobody says it any more and no person ever said anything."""
    listed = ", ".join(map(str, hanging.all))
    if connection.query(f"SELECT 1 FROM entities WHERE id IN ({listed}) AND retired_at IS NULL LIMIT 1"):
        return False
    sql = (
        "SELECT 1 FROM claims c JOIN scopes s ON s.id = c.scope_id JOIN sources o ON o.id = s.source_id"
        f" WHERE c.entity_id IN ({listed}) AND (c.withdrawn_at IS NULL OR o.name = ?) LIMIT 1"
    )
    return not connection.query(sql, (MANUAL,))


def _let_go(connection: Connection, table: str, column: str, listed: str, owned: bool) -> None:
    if owned:
        connection.execute(f"DELETE FROM {table} WHERE {column} IN ({listed})")
    else:
        connection.execute(f"UPDATE {table} SET {column} = NULL WHERE {column} IN ({listed})")
