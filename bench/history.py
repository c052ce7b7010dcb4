"""How fast is "as of" with a million changes behind it?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from bench.clocks import milliseconds
from bench.figures import Figure, at_most
from infradb import clock
from infradb.model.catalog import BY_TABLE
from infradb.queries import entities
from infradb.queries.entities import Listing
from infradb.store.apply import Writer
from infradb.store.chain import Entry
from infradb.store.database import Connection, Database
from infradb.store.schema import open_database

CHANGES = 10
"""Changes of each container: its making, and nine since."""
_START = datetime(2026, 1, 1, tzinfo=UTC)
_STATES = ("running", "exited")


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what questions about the past cost."""
    count = 5_000 if quick else 100_000
    database = open_database(f"sqlite:///{folder / 'history.db'}", create=True)
    with database.write() as connection:
        first = _fill(connection, count)
    thing = first + count // 2
    half = clock.to_instant(_START + timedelta(seconds=count * CHANGES / 2))
    late = clock.to_instant(_START + timedelta(seconds=count * CHANGES - 1000))
    containers = BY_TABLE["docker_containers"]

    def listed(sort: str, at: str) -> float:
        with database.read() as connection:
            return milliseconds(
                20, lambda: entities.rows(connection, Listing(containers, sort=(sort,), limit=50, as_of=at))
            )

    behind = f"{count * CHANGES / 1e6:g}M changes"
    return [
        at_most(f"one thing as of half of {behind} ago", _one(database, thing, half), 2, "ms", 2),
        at_most(f"one thing as of lately, of {behind}", _one(database, thing, late), 2, "ms", 2),
        at_most("50 of them by id, as of half ago", listed("id", half), 20, "ms"),
        at_most("50 of them by name, as of half ago", listed("container_name", half), 20, "ms"),
        at_most("50 of them by name, as of lately", listed("container_name", late), 20, "ms"),
    ]


def _one(database: Database, thing: int, at: str) -> float:
    with database.read() as connection:
        return milliseconds(50, lambda: entities.one(connection, "docker_containers", thing, at))


def _fill(connection: Connection, count: int) -> int:
    """Make a host, and containers that were changed round after round, one a second; return the first one's id."""
    host, first = 1, 2
    now = clock.to_instant(_START)
    entity = ("id", "kind", "uid", "created_at")
    connection.insert_many("entities", entity, [(host, "hosts", "host", now)])
    row = ("id", "hostname", "created_at", "updated_at")
    connection.insert_many("hosts", row, [(host, "docker1", now, now)])
    ids = range(first, first + count)
    connection.insert_many("entities", entity, ((i, "docker_containers", f"container-{i}", now) for i in ids))
    state = _STATES[(CHANGES - 1) % 2]
    connection.insert_many(
        "docker_containers",
        ("id", "docker_host_id", "container_name", "image", "image_tag", "status", "created_at", "updated_at"),
        ((i, host, _name(i), "nginx", f"1.{CHANGES - 1}", state, now, now) for i in ids),
    )
    writer = Writer(connection, now)
    for round_ in range(CHANGES):
        for start in range(0, count, 10_000):
            writer.chain.now = clock.to_instant(_START + timedelta(seconds=round_ * count + start))
            writer.append(_entries(ids[start : start + 10_000], host, round_))
    writer.finish()
    return first


def _entries(ids: range, host: int, round_: int) -> Iterator[Entry]:
    new = {"image_tag": f"1.{round_}", "status": _STATES[round_ % 2]}
    old = {"image_tag": f"1.{round_ - 1}", "status": _STATES[(round_ - 1) % 2]}
    for id_ in ids:
        if round_ == 0:
            said = {"docker_host_id": host, "container_name": _name(id_), "image": "nginx", **new}
            yield Entry(
                "create", "docker_containers", id_, None, orjson.dumps(said).decode(), change_source="discovery"
            )
        else:
            values = (orjson.dumps(old).decode(), orjson.dumps(new).decode())
            yield Entry("update", "docker_containers", id_, *values, change_source="discovery")


def _name(id_: int) -> str:
    """Return a name; by name they come in another order than by id."""
    return f"app-{id_ * 7919 % 1_000_003:07d}"
