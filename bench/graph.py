"""What breaks: how long does impact take with loading, and single points of failure, beside graph libraries and SQL?"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.clocks import milliseconds
from bench.figures import Figure, at_most, skipped
from infradb.graph.impact import Effect, impact
from infradb.graph.single_points import single_points
from infradb.model.catalog import BY_TABLE
from infradb.operations import graph as operations
from infradb.operations.absorb import without_garbage_collector
from infradb.queries.needs import NeedsReader, users_services
from infradb.store.database import Connection, Database
from infradb.store.ddl import columns
from infradb.store.schema import open_database

NOW = "2026-01-01T00:00:00.000Z"
APPLICATION = 20
"""Services that need each other; of their needs one in fifty goes to another application."""
_EDGES = (
    "SELECT dependent_service_id, dependency_service_id FROM service_dependencies WHERE retired_at IS NULL"
    " UNION ALL SELECT id, docker_container_id FROM services WHERE retired_at IS NULL"
    " UNION ALL SELECT id, docker_host_id FROM docker_containers WHERE retired_at IS NULL"
    " UNION ALL SELECT id, parent_host_id FROM hosts WHERE retired_at IS NULL AND parent_host_id IS NOT NULL"
)


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Return what questions about needs cost."""
    nodes, edges = (1_000, 4_000) if quick else (5_000, 20_000)
    small = _estate(folder / "small.db", nodes, edges)
    hosts = _hosts(small)
    with small.read() as connection:
        hit = {h: len(_hit(connection, h)) for h in hosts}
    usual, worst = sorted(hosts, key=hit.__getitem__)[len(hosts) // 2], max(hosts, key=hit.__getitem__)
    size = f"{nodes:,} things, {edges:,} needs"
    figures = [
        at_most(f"impact of a usual host ({hit[usual]} hit), with loading; {size}", _impact(small, usual), 25, "ms"),
        at_most(f"impact of the worst host ({hit[worst]} hit), with loading; {size}", _impact(small, worst), 25, "ms"),
        at_most("the same with names and reasons", _answer(small, worst), 100, "ms"),
        at_most("impact of the worst host, graph at hand", _at_hand(small, worst), 25, "ms"),
    ]
    figures += [_peer(name, folder / "small.db", worst) for name in PEERS]
    nodes, edges = (5_000, 20_000) if quick else (100_000, 400_000)
    large = _estate(folder / "large.db", nodes, edges)
    loading, seconds, points = _single_points(large)
    size = f"{nodes:,} things, {edges:,} needs"
    host = _hosts(large)[0]
    return [
        *figures,
        at_most(f"impact of one host, with loading; {size}", _impact(large, host), 25, "ms"),
        at_most(f"single points ({points:,} found), with loading ({loading:.1f} s); {size}", loading + seconds, 5, "s"),
    ]


def _impact(database: Database, host: int) -> float:
    def ask() -> None:
        with database.read() as connection:
            _hit(connection, host)

    return milliseconds(9, ask)


def _hit(connection: Connection, host: int) -> dict[int, Effect]:
    needs, load = NeedsReader(connection).growing()
    return impact(needs.graph, [host], load)


def _answer(database: Database, host: int) -> float:
    return milliseconds(5, lambda: operations.impact(database, [str(host)]))


def _at_hand(database: Database, host: int) -> float:
    with database.read() as connection:
        graph = NeedsReader(connection).whole().graph
    return milliseconds(9, lambda: impact(graph, [host]))


def _single_points(database: Database) -> tuple[float, float, int]:
    start = time.perf_counter()
    with database.read() as connection, without_garbage_collector():
        graph = NeedsReader(connection).whole().graph
        watched = users_services(connection, ("critical", "high"))
        loaded = time.perf_counter()
        found = single_points(graph, watched)
    return loaded - start, time.perf_counter() - loaded, len(found)


# --- peers: they know no redundancy, and answer only what hangs on a thing -------------------------------------------


def _networkx(library: Any, edges: list[tuple[int, int]], host: int) -> int:
    graph = library.DiGraph()
    graph.add_edges_from(edges)
    return len(library.ancestors(graph, host))


def _rustworkx(library: Any, edges: list[tuple[int, int]], host: int) -> int:
    graph = library.PyDiGraph()
    graph.extend_from_edge_list(edges)
    return len(library.ancestors(graph, host))


def _igraph(library: Any, edges: list[tuple[int, int]], host: int) -> int:
    graph = library.Graph(edges=edges, directed=True)
    return len(graph.subcomponent(host, mode="in")) - 1


PEERS: dict[str, Callable[[Any, list[tuple[int, int]], int], int] | None] = {
    "networkx": _networkx,
    "rustworkx": _rustworkx,
    "igraph": _igraph,
    "recursive CTE": None,
}


def _peer(name: str, path: Path, host: int) -> Figure:
    question = f"what hangs on the worst host, with loading: {name}"
    count = PEERS[name]
    found: list[int] = []
    if count is None:
        sql = f"WITH RECURSIVE e(a, b) AS MATERIALIZED ({_EDGES}), hit(id) AS (VALUES(?) UNION SELECT e.a FROM e"
        sql += " JOIN hit ON e.b = hit.id) SELECT count(*) - 1 FROM hit"

        def ask() -> None:
            found.append(sqlite3.connect(path).execute(sql, (host,)).fetchone()[0])
    else:
        try:
            library = import_module(name)
        except ImportError:
            return skipped(question, f"{name} is not installed")

        def ask() -> None:
            found.append(count(library, sqlite3.connect(path).execute(_EDGES).fetchall(), host))

    return Figure(question, "-", f"{milliseconds(5, ask):.1f} ms", f"{found[0]} hang on it")


# --- an estate of this size ------------------------------------------------------------------------------------------


def _hosts(database: Database) -> list[int]:
    with database.read() as connection:
        sql = "SELECT id FROM hosts WHERE parent_host_id IS NOT NULL ORDER BY id LIMIT 60"
        return [i for (i,) in connection.query(sql)]


def _estate(path: Path, nodes: int, edges: int) -> Database:
    """Make machines with guests, containers on these, a service in each, and needs between services."""
    database = open_database(f"sqlite:///{path}", create=True)
    chance = random.Random(7)
    machines, guests = nodes // 250, nodes // 25
    services = (nodes - machines - guests) // 2
    first_guest, first_container = machines + 1, machines + guests + 1
    first_service = first_container + services
    with database.write(fill=True) as connection:
        hosts = [{"id": i, "hostname": f"m{i}", "host_type": "physical"} for i in range(1, first_guest)]
        hosts += [
            {"id": i, "hostname": f"g{i}", "host_type": "vm", "parent_host_id": 1 + i % machines}
            for i in range(first_guest, first_container)
        ]
        _fill(connection, "hosts", hosts)
        containers = (
            {"id": i, "docker_host_id": first_guest + i % guests, "container_name": f"c{i}", "image": "x"}
            for i in range(first_container, first_service)
        )
        _fill(connection, "docker_containers", containers)
        offered = (
            {"id": first_service + n, "service_name": f"s{n}", "docker_container_id": first_container + n, "port": 80,
             "criticality": ("critical", "high", "low", None)[n % 4]}
            for n in range(services)
        )  # fmt: skip
        _fill(connection, "services", offered)
        wanted = edges - 2 * services - guests
        _fill(connection, "service_dependencies", _dependencies(chance, first_service, services, wanted))
    return database


def _dependencies(chance: random.Random, first: int, services: int, wanted: int) -> Iterator[dict[str, Any]]:
    made: set[tuple[int, int]] = set()
    id_ = first + services
    while len(made) < wanted:
        a = chance.randrange(services)
        near = min(a - a % APPLICATION + chance.randrange(APPLICATION), services - 1)
        b = near if chance.random() > 0.02 else chance.randrange(services)
        a, b = max(a, b), min(a, b)
        if a == b or (a, b) in made:
            continue
        made.add((a, b))
        row = {"id": id_, "dependent_service_id": first + a, "dependency_service_id": first + b}
        kind = chance.choice(("hard", "hard", "soft", "optional"))
        group = {"redundancy_group": "pair", "redundancy_rule": "any"} if chance.random() < 0.2 else {}
        yield {**row, "dependency_type": kind, "origin": "declared", **group}
        id_ += 1


def _fill(connection: Connection, table: str, rows: Any) -> None:
    described = BY_TABLE[table]
    names = columns(described)
    usual = {f.name: f.default for f in described.fields.values()} | {"created_at": NOW, "updated_at": NOW}
    listed = [{**usual, **row} for row in rows]
    entities = [(r["id"], table, f"{r['id']:036}", NOW) for r in listed]
    connection.insert_many("entities", ("id", "kind", "uid", "created_at"), entities)
    connection.insert_many(table, names, [tuple(map(r.get, names)) for r in listed])
