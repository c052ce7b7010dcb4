"""Whole tables, for maps and exports."""

from collections.abc import Iterator, Sequence
from typing import Any

from infradb.model.catalog import BY_TABLE
from infradb.queries import entities
from infradb.store.database import Connection

MAP_TABLES = ("hosts", "docker_containers", "services", "service_dependencies", "networks", "ip_addresses")


def tables(connection: Connection, names: Sequence[str], as_of: str | None = None) -> dict[str, list[dict[str, Any]]]:
    """Return the live rows of tables, now or as of a time."""
    return {name: entities.rows(connection, entities.Listing(BY_TABLE[name], as_of=as_of)) for name in names}


def labelled(
    connection: Connection, names: Sequence[str], as_of: str | None = None
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield table after table with its live rows and the names of what they refer to."""
    for name in names:
        rows = entities.rows(connection, entities.Listing(BY_TABLE[name], as_of=as_of))
        yield name, entities.with_labels(connection, BY_TABLE[name], rows)
