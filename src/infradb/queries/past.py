"""Which thing a name meant at a time: one that is gone by now, or that has another name today."""

import orjson

from infradb.errors import NotFound
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.queries import entities, history
from infradb.queries.naming import Named, ambiguous, candidates, kind_and_name, not_found
from infradb.store.database import Connection


def find_at(connection: Connection, name: str, as_of: str) -> Named:
    """Return the one thing that was there at an instant under a name; raise `NotFound` or `Ambiguous`."""
    position = history.position_at(connection, as_of)
    today = candidates(connection, name)
    found = [c for c in today if _was_there(connection, c, position)]
    found = found or [c for c in _renamed(connection, name, position) if _was_there(connection, c, position)]
    if len(found) > 1:
        raise ambiguous(name, found)
    if found:
        return found[0]
    if today:
        raise NotFound(
            f"{today[0].label} was not known at {as_of}, or not alive",
            hint=f"`infradb changes {name}` shows since when",
        )
    raise not_found(name)


def _was_there(connection: Connection, named: Named, position: int) -> bool:
    rows = {r["id"]: r for r in entities.by_ids(connection, named.table, [named.id])}
    return named.id in history.undo(connection, named.table, rows, position)


def _renamed(connection: Connection, name: str, position: int) -> list[Named]:
    """Return the things whose own part of the name was changed away from `name` since."""
    kind, wanted = kind_and_name(name)
    last = wanted.rpartition("/")[2]
    found: dict[int, Named] = {}
    for entity_type in [BY_TABLE[kind]] if kind else ENTITY_TYPES:
        field = entity_type.fields[entity_type.name_field]
        if field.references or field.python_type is not str:
            continue
        sql = (
            "SELECT entity_id, old_values FROM infrastructure_changes WHERE position > ? AND entity_type = ?"
            " AND change_type <> 'create' AND imported_id IS NULL AND CAST(old_values AS TEXT) LIKE ?"
        )
        for id_, old in connection.query(sql, (position, entity_type.table, f'%"{field.name}":%')):
            if orjson.loads(old).get(field.name) == last:
                found[int(id_)] = Named(int(id_), entity_type.table, wanted, False)
    return list(found.values())
