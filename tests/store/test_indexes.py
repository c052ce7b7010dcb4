"""No common question walks through a whole table, on either engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infradb.model.catalog import ENTITY_TYPES
from infradb.store.database import Connection, Database
from infradb.store.schema import open_database
from tests.store.full_tables import fill

LIVE = "retired_at IS NULL"
QUESTIONS = {
    "an entity by its uid": "SELECT id FROM entities WHERE uid = 'x'",
    "what went along with an owner": "SELECT id FROM entities WHERE retired_with = 1",
    "guests of a host": f"SELECT * FROM hosts WHERE parent_host_id = 1 AND {LIVE}",
    "hosts by name": f"SELECT * FROM hosts WHERE hostname = 'x' AND {LIVE}",
    "guests on a node": "SELECT * FROM proxmox_containers WHERE proxmox_host_id = 1",
    "the guest that is a host": "SELECT * FROM proxmox_containers WHERE host_id = 1",
    "interfaces of a host": f"SELECT * FROM network_interfaces WHERE host_id = 1 AND {LIVE}",
    "an interface by its hardware address": "SELECT * FROM network_interfaces WHERE mac_address = 'x'",
    "disks of a host": f"SELECT * FROM storage_devices WHERE host_id = 1 AND {LIVE}",
    "links from an interface": f"SELECT * FROM links WHERE interface_a_id = 1 AND {LIVE}",
    "links to an interface": "SELECT * FROM links WHERE interface_b_id = 1",
    "containers of a host by status": "SELECT * FROM docker_containers WHERE docker_host_id = 1 AND status = 'running'",
    "containers of an image": "SELECT * FROM docker_containers WHERE image = 'x'",
    "mounts of a container": f"SELECT * FROM docker_container_volumes WHERE docker_container_id = 1 AND {LIVE}",
    "containers of a volume": "SELECT * FROM docker_container_volumes WHERE docker_volume_id = 1",
    "networks of a container": f"SELECT * FROM docker_container_networks WHERE docker_container_id = 1 AND {LIVE}",
    "containers of a network": "SELECT * FROM docker_container_networks WHERE docker_network_id = 1",
    "services of a host": "SELECT * FROM services WHERE host_id = 1",
    "services of a container": "SELECT * FROM services WHERE docker_container_id = 1",
    "services by status": "SELECT * FROM services WHERE status = 'down' AND criticality = 'critical'",
    "what a service needs": f"SELECT * FROM service_dependencies WHERE dependent_service_id = 1 AND {LIVE}",
    "what needs a service": "SELECT * FROM service_dependencies WHERE dependency_service_id = 1",
    "checks of a service": f"SELECT * FROM checks WHERE service_id = 1 AND {LIVE}",
    "checks that are due": "SELECT * FROM checks WHERE enabled = {true} AND next_due_at < '2026-01-01T00:00:00.000Z'",
    "results of a service over time": (
        "SELECT * FROM health_checks WHERE service_id = 1 AND check_timestamp >= '2026-01-01T00:00:00.000Z'"
        " ORDER BY check_timestamp"
    ),
    "results that are too old": "SELECT * FROM health_checks WHERE check_timestamp < '2026-01-01T00:00:00.000Z'",
    "sums of a service": (
        "SELECT * FROM health_check_rollups WHERE service_id = 1 AND resolution = 'day'"
        " AND starts_at >= '2026-01-01T00:00:00.000Z'"
    ),
    "outages of a service": "SELECT * FROM incidents WHERE service_id = 1 ORDER BY started_at DESC",
    "outages that go on": "SELECT * FROM incidents WHERE ended_at IS NULL",
    "changes of a type since a time": (
        "SELECT * FROM infrastructure_changes WHERE change_timestamp >= '2026-01-01T00:00:00.000Z'"
        " AND entity_type = 'hosts'"
    ),
    "changes of an entity": "SELECT * FROM infrastructure_changes WHERE entity_id = 1 ORDER BY change_timestamp DESC",
    "changes of a run": "SELECT * FROM infrastructure_changes WHERE run_id = 1",
    "the end of the chain": "SELECT position, hash FROM infrastructure_changes ORDER BY position DESC LIMIT 1",
    "addresses of a network by allocation": (
        "SELECT * FROM ip_addresses WHERE network_id = 1 AND allocation_type = 'dhcp'"
    ),
    "addresses of a host": "SELECT * FROM ip_addresses WHERE host_id = 1",
    "addresses of an interface": "SELECT * FROM ip_addresses WHERE interface_id = 1",
    "addresses of a container": "SELECT * FROM ip_addresses WHERE docker_container_id = 1",
    "addresses in a range": (
        "SELECT * FROM ip_addresses WHERE vrf = 'default' AND ip_key BETWEEN {low} AND {high} ORDER BY ip_key"
    ),
    "the networks that hold an address": (
        "SELECT * FROM networks WHERE vrf = 'default' AND first_key <= {high} AND last_key >= {high}"
    ),
    "routes of a host": f"SELECT * FROM network_routes WHERE host_id = 1 AND {LIVE}",
    "rules of a firewall": "SELECT * FROM firewall_rules WHERE firewall_host_id = 1 ORDER BY chain, rule_number",
    "claims of an entity": "SELECT * FROM claims WHERE entity_id = 1",
    "a claim by its native key": "SELECT * FROM claims WHERE native_key = 'x' AND scope_id = 1",
    "parts of an answer": "SELECT * FROM claims WHERE scope_id = 1 AND answer = 'x'",
    "who has a hard key": "SELECT entity_id FROM identifiers WHERE scheme = 'serial' AND value = 'x'",
    "hard keys of an entity": "SELECT * FROM identifiers WHERE entity_id = 1",
    "runs of a source": "SELECT * FROM discovery_runs WHERE source_id = 1 ORDER BY id DESC LIMIT 50",
    "samples of a field": (
        "SELECT * FROM samples WHERE entity_id = 1 AND field = 'x' AND sampled_at >= '2026-01-01T00:00:00.000Z'"
    ),
    "open findings by severity": "SELECT * FROM findings WHERE closed_at IS NULL AND severity = 'high'",
    "findings about an entity": "SELECT * FROM findings WHERE entity_id = 1",
    "a token": "SELECT * FROM api_tokens WHERE token_hash = 'x'",
}
for _type in ENTITY_TYPES:
    for _key in _type.natural_keys:
        _numeric = {f.name for f in _type.fields.values() if f.python_type is int}
        _where = " AND ".join(f"{f} = {1 if f in _numeric else chr(39) + 'x' + chr(39)}" for f in _key.fields)
        _sql = f"SELECT id FROM {_type.table} WHERE {_where} AND {LIVE}"
        QUESTIONS[f"{_type.table} by {', '.join(_key.fields)}"] = _sql


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return filled(str(tmp_path_factory.mktemp("indexes") / "a.db"))


@pytest.fixture
def postgresql(fresh_postgresql: str) -> Database:
    return filled(fresh_postgresql, 300)  # with a handful of rows any index would do


def filled(url: str, per_table: int = 3) -> Database:
    database = open_database(url, create=True)
    with database.write() as connection:
        fill(connection, per_table)
        if connection.dialect == "postgresql":
            connection.script("ANALYZE;\n")
    return database


@pytest.mark.parametrize("question", QUESTIONS)
def test_sqlite_answers_by_an_index(sqlite: Database, question: str) -> None:
    sql = QUESTIONS[question].format(true="1", low="x'00'", high="x'ff'")
    with sqlite.read() as connection:
        plan = [row[3] for row in connection.query(f"EXPLAIN QUERY PLAN {sql}")]
    backwards = re.compile(r"SCAN infrastructure_changes$") if "ORDER BY position DESC LIMIT 1" in sql else None
    scans = [step for step in plan if step.startswith("SCAN") and not (backwards and backwards.match(step))]
    assert scans == [], plan


@pytest.mark.long
def test_postgresql_answers_by_an_index(postgresql: Database) -> None:
    scanned = {}
    with postgresql.read() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        for question, template in QUESTIONS.items():
            sql = template.format(true="true", low=r"'\x00'::bytea", high=r"'\xff'::bytea")
            plan = explain(connection, sql)
            if "Seq Scan" in plan or not re.search(r"Index Cond|Index (Only )?Scan Backward", plan):
                scanned[question] = plan
    assert scanned == {}


def explain(connection: Connection, sql: str) -> str:
    return "\n".join(str(row[0]) for row in connection.query(f"EXPLAIN {sql}"))


def test_a_question_without_an_index_would_be_noticed(sqlite: Database) -> None:
    with sqlite.read() as connection:
        plan = [row[3] for row in connection.query("EXPLAIN QUERY PLAN SELECT * FROM hosts WHERE notes = 'x'")]
    assert plan[0].startswith("SCAN")


def test_every_index_is_somebodys(tmp_path: Path) -> None:
    """Two indexes of which one begins like the other cost every insert and help nobody."""
    database = filled(str(tmp_path / "a.db"))
    with database.read() as connection:
        found: dict[str, list[tuple[str, str]]] = {}
        for name, table, sql in connection.query("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'index'"):
            if sql and " WHERE " not in sql:
                found.setdefault(table, []).append((sql.partition(f" ON {table} (")[2].rstrip(")"), name))
    doubled = [
        (longer, shorter)
        for indexes in found.values()
        for shorter, short_name in indexes
        for longer, long_name in indexes
        if long_name != short_name and longer.startswith(f"{shorter},")
    ]
    assert doubled == []
