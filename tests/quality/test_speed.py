"""Twenty thousand containers are judged in seconds: no rule compares everything with everything."""

from __future__ import annotations

import time
from typing import Any

import pytest

from infradb.model.catalog import BY_TABLE
from infradb.operations import findings
from infradb.operations.databases import Database
from infradb.settings import Settings
from infradb.store.rows import encoder, stored_columns

SINCE = "2026-11-20T00:00:00.000Z"
HOSTS, CONTAINERS_EACH, NETWORKS_EACH = 200, 100, 20
MOST_SECONDS = 30.0
"""Measured: under 3 s on two idle cores; the rest is for machines that run every test at once."""


class Filler:
    """Fills a database past the flow, which would take longer than what is measured."""

    def __init__(self) -> None:
        self.entities: list[tuple[Any, ...]] = []
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, table: str, **values: Any) -> int:
        id_ = len(self.entities) + 1
        row = encoder(table)({**BY_TABLE[table].defaults, **values})
        self.rows.setdefault(table, []).append({**row, "id": id_, "created_at": SINCE, "updated_at": SINCE})
        self.entities.append((id_, table, f"uid-{id_}", SINCE))
        return id_

    def write(self, database: Database) -> None:
        with database.write() as connection:
            connection.insert_many("entities", ("id", "kind", "uid", "created_at"), self.entities)
            for table, rows in self.rows.items():
                names = stored_columns(table)
                connection.insert_many(table, names, [tuple(map(row.get, names)) for row in rows])


def fill(filler: Filler) -> None:
    lans = [
        filler.add("networks", network_name=f"lan{n}", cidr=f"10.{n}.0.0/16", gateway=f"10.{n}.0.1") for n in range(20)
    ]
    last = 0
    for h in range(HOSTS):
        host = filler.add("hosts", hostname=f"h{h}", status="active")
        address = f"10.{h % 20}.{h // 20 + 1}.{h + 1}"
        filler.add("ip_addresses", ip_address=address, network_id=lans[h % 20], host_id=host)
        filler.add(
            "network_routes",
            host_id=host,
            destination_network="default",
            gateway_ip=f"10.{h % 20}.0.1",
            interface_name="e",
        )
        networks = [
            (
                # All of them in one address space, one inside the other: the worst case for what compares networks.
                filler.add("networks", network_name=f"n{n}", cidr=f"100.{h // 2}.{h % 2 * 128 + n}.0/24"),
                filler.add("docker_networks", docker_host_id=host, network_name=f"n{n}"),
            )
            for n in range(NETWORKS_EACH)
        ]
        for c in range(CONTAINERS_EACH):
            last = fill_container(filler, host, networks[c % NETWORKS_EACH], (h, c), last)


def fill_container(filler: Filler, host: int, network: tuple[int, int], place: tuple[int, int], needed: int) -> int:
    h, c = place
    container = filler.add(
        "docker_containers",
        docker_host_id=host,
        container_name=f"c{c}",
        image="example/app",
        image_tag="latest" if c % 10 == 0 else "1.2.3",
        status="running",
        ports=[{"container_port": 80, "protocol": "tcp", "host_ip": "0.0.0.0", "host_port": 8000 + c}],
        environment_vars={"TZ": "UTC", "DB_PASSWORD": "***"},
    )
    for path in ("/a", "/b", "/c"):
        filler.add("docker_container_volumes", docker_container_id=container, mount_path=path, host_path="/srv")
    filler.add("docker_container_networks", docker_container_id=container, docker_network_id=network[1])
    address = f"100.{h // 2}.{h % 2 * 128 + c % NETWORKS_EACH}.{c + 1}"
    filler.add("ip_addresses", ip_address=address, network_id=network[0], docker_container_id=container)
    service = filler.add("services", service_name=f"s{h}-{c}", docker_container_id=container, protocol="tcp", port=80)
    if needed:
        filler.add("service_dependencies", dependent_service_id=service, dependency_service_id=needed)
    return service


@pytest.mark.long
def test_twenty_thousand_containers_are_judged_in_seconds(database: Database) -> None:
    filler = Filler()
    fill(filler)
    filler.write(database)
    with database.write() as connection:
        # What both engines do by themselves within a minute; without it PostgreSQL takes 16 s.
        connection.execute("ANALYZE")
    started = time.monotonic()
    first = findings.refresh(database, Settings())
    second = findings.refresh(database, Settings())
    took = (time.monotonic() - started) / 2
    assert first.opened > 2 * HOSTS * CONTAINERS_EACH
    assert (second.opened, second.changed, second.closed) == (0, 0, 0)
    slowest = sorted(first.seconds.items(), key=lambda s: -s[1])[:3]
    assert took < MOST_SECONDS, f"{took:.1f} s, slowest: {slowest}"
