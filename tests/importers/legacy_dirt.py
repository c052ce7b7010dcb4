"""The damage that old infrastructure databases show, one kind a function; each yields what must end in quarantine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

SECRET = "Tr0ub4dor-and-3"
"""Stands in every place where people leave a password; it must be readable nowhere afterwards."""


class Writer:
    """Puts rows into the old tables, many at a time."""

    def __init__(self, database: sqlite3.Connection, layout: str) -> None:
        self.database, self.layout = database, layout

    def put(self, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
        names = columns.split()
        places = ", ".join("?" * len(names))
        self.database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows)

    def one(self, table: str, **row: Any) -> int:
        """Put one row and return its id."""
        names = ", ".join(row)
        places = ", ".join("?" * len(row))
        done = self.database.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(row.values()))
        assert done.lastrowid is not None
        return done.lastrowid


Expected = Iterator[tuple[str, str]]


def _ids(writer: Writer, table: str, where: str) -> list[int]:
    return [n for (n,) in writer.database.execute(f"SELECT id FROM {table} WHERE {where}")]


def host_gone(writer: Writer) -> Expected:
    """A Docker host that was deleted while foreign keys were off."""
    gone = _ids(writer, "hosts", "host_type = 'docker_host'")[-1]
    writer.database.execute("DELETE FROM hosts WHERE id = ?", (gone,))
    for table in ("docker_containers", "docker_volumes", "docker_networks"):
        for number in _ids(writer, table, f"docker_host_id = {gone}"):
            yield f"{table}/{number}", ""
    yield from ((f"network_interfaces/{n}", "") for n in _ids(writer, "network_interfaces", f"host_id = {gone}"))
    column = "container_id" if writer.layout == "before" else "docker_container_id"
    lost = f"(SELECT id FROM docker_containers WHERE docker_host_id = {gone})"
    yield from (
        (f"docker_container_volumes/{n}", "") for n in _ids(writer, "docker_container_volumes", f"{column} IN {lost}")
    )
    yield from ((f"services/{n}", "container_id") for n in _ids(writer, "services", f"container_id IN {lost}"))
    yield from ((f"services/{n}", "host_id") for n in _ids(writer, "services", f"host_id = {gone}"))
    yield from ((f"ip_addresses/{n}", "host_id") for n in _ids(writer, "ip_addresses", f"host_id = {gone}"))
    lost = f"(SELECT id FROM network_interfaces WHERE host_id = {gone})"
    yield from ((f"ip_addresses/{n}", "interface_id") for n in _ids(writer, "ip_addresses", f"interface_id IN {lost}"))


def service_gone(writer: Writer) -> Expected:
    """A service that was deleted while foreign keys were off."""
    writer.database.execute("DELETE FROM services WHERE id = 1")
    for n in _ids(writer, "service_dependencies", "1 IN (dependent_service_id, dependency_service_id)"):
        yield f"service_dependencies/{n}", ""
    yield from ((f"health_checks/{n}", "") for n in _ids(writer, "health_checks", "service_id = 1"))


def duplicate_route(writer: Writer) -> Expected:
    """A route that is there twice."""
    row = {"source_network_id": 1, "destination_network": "default", "gateway_ip": "10.0.0.1", "gateway_host_id": 1}
    writer.one("network_routes", **row, route_type="default", interface_name="vmbr0")
    yield from ()


def addresses(writer: Writer) -> Expected:
    """Addresses that are none, and one that is not in its network."""
    row = {"network_id": 1, "host_id": 2, "allocation_type": "static"}
    yield f"ip_addresses/{writer.one('ip_addresses', ip_address='10.99.0.7', **row)}", "network_id"
    yield f"ip_addresses/{writer.one('ip_addresses', ip_address='10.0.0.999', **row)}", ""
    writer.database.execute("UPDATE hosts SET management_ip = '192.168.10.999' WHERE id = 2")
    yield "hosts/2", "management_ip"
    writer.database.execute("UPDATE network_interfaces SET mac_address = 'bc:24' WHERE id = 2")
    yield "network_interfaces/2", "mac_address"
    route = {"destination_network": "10.1.2.3/8", "gateway_ip": "10.0.0.1"}
    yield f"network_routes/{writer.one('network_routes', **route)}", ""
    yield f"network_routes/{writer.one('network_routes', destination_network='default', gateway_ip='gw')}", ""
    network = writer.one("networks", network_name="bad", cidr="10.0.0.0/99")
    yield f"networks/{network}", ""
    row = {"ip_address": "10.200.0.7", "network_id": network, "allocation_type": "static"}
    yield f"ip_addresses/{writer.one('ip_addresses', **row)}", "network_id"


def malformed_json(writer: Writer) -> Expected:
    """JSON that is cut off, or not what it should be."""
    for n, column in enumerate(("ports", "environment_vars", "labels", "networks"), 1):
        writer.database.execute(
            f"UPDATE docker_containers SET {column} = ? WHERE id = ?", ('{"PASSWORD": "' + SECRET, n)
        )
        yield f"docker_containers/{n}", column
    writer.database.execute("UPDATE docker_containers SET ports = '[\"what\"]' WHERE id = 5")
    yield "docker_containers/5", "ports"
    writer.database.execute("UPDATE network_interfaces SET bridge_ports = 'eno1 eno2' WHERE id = 1")
    yield "network_interfaces/1", "bridge_ports"
    yield f"infrastructure_changes/{writer.one('infrastructure_changes', **_CHANGE, old_values='{{')}", "old_values"


def bad_values(writer: Writer) -> Expected:
    """Values of the wrong kind, which SQLite lets in."""
    for table, column, value in _BAD_FIELDS:
        writer.database.execute(f"UPDATE {table} SET {column} = ? WHERE id = 3", (value,))
        yield f"{table}/3", column
    blank = writer.one("hosts", hostname=" ", host_type="vm")
    yield f"hosts/{blank}", ""
    yield f"storage_devices/{writer.one('storage_devices', host_id=blank, device_name='sda', device_type='disk')}", ""
    yield f"firewall_rules/{writer.one('firewall_rules', firewall_host_id=1, action='allow', direction='up')}", ""
    yield (
        f"service_dependencies/{writer.one('service_dependencies', dependent_service_id=5, dependency_service_id=5)}",
        "",
    )
    yield f"infrastructure_changes/{writer.one('infrastructure_changes', **{**_CHANGE, 'change_type': 'wish'})}", ""
    yield f"health_checks/{writer.one('health_checks', service_id=2, check_timestamp='soon', status='healthy')}", ""


def undecodable(writer: Writer) -> Expected:
    """Text that is no UTF-8 or has a NUL in it."""
    writer.database.execute("UPDATE hosts SET notes = CAST(x'616263ff' AS TEXT) WHERE id = 5")
    yield "hosts/5", "notes"
    writer.database.execute("UPDATE hosts SET purpose = 'a' || char(0) || 'b' WHERE id = 6")
    yield "hosts/6", "purpose"
    writer.database.execute("UPDATE docker_volumes SET volume_name = CAST(x'ff' AS TEXT) WHERE id = 7")
    yield "docker_volumes/7", ""
    column = "volume_id" if writer.layout == "before" else "docker_volume_id"
    yield "docker_container_volumes/7", column


def passwords(writer: Writer) -> Expected:
    """Passwords in every place where people leave them."""
    for table, column, value in _HIDING_PLACES:
        first = f"(SELECT min(id) FROM {table})"
        writer.database.execute(f"UPDATE {table} SET {column} = ? WHERE id = {first}", (value,))
    writer.one(
        "infrastructure_changes",
        **_CHANGE,
        old_values=json.dumps({"password": SECRET}),
        new_values=json.dumps([{"api_token": SECRET}]),
    )
    writer.one("infrastructure_changes", **_CHANGE, description=f"set password={SECRET}")
    body = json.dumps({"db": {"password": SECRET}})
    writer.one("health_checks", service_id=2, check_timestamp="2025-01-01 00:00:00", status="down", response_body=body)
    row = {"service_id": 2, "check_timestamp": "2025-01-01 00:00:00", "status": "down"}
    writer.one(
        "health_checks",
        **row,
        error_message=f"postgresql://app:{SECRET}@db refused",
        response_body=f"<p>password={SECRET}</p>",
    )
    yield from ()


_CHANGE = {"change_type": "update", "entity_type": "host", "entity_id": 1, "change_timestamp": "2025-01-01 00:00:00"}
_BAD_FIELDS = (
    ("hosts", "status", "asleep"),
    ("hosts", "cpu_cores", "many"),
    ("hosts", "created_at", "long ago"),
    ("hosts", "parent_host_id", 3),
    ("network_interfaces", "vlan_id", 5000),
    ("network_interfaces", "parent_interface_id", 999999),
    ("storage_devices", "capacity_gb", -1),
    ("docker_containers", "container_id", "to do"),
    ("docker_containers", "cpu_limit", "half"),
    ("services", "port", 70000),
    ("services", "health_check_url", "ask Bob"),
    ("ip_addresses", "allocation_type", "found"),
)
_URL = f"https://admin:{SECRET}@db.lan/"
_TEXT = f"login admin password={SECRET}"
_HIDING_PLACES = (
    ("hosts", "notes", _TEXT),
    ("hosts", "purpose", f"pwd: {SECRET}, see {_URL}"),
    ("network_interfaces", "description", _TEXT),
    ("network_interfaces", "driver", f"psk={SECRET}"),
    ("storage_devices", "notes", f"cifs options password={SECRET}"),
    ("docker_volumes", "options", json.dumps({"o": f"username=nas,password={SECRET}", "type": "cifs"})),
    ("docker_volumes", "labels", json.dumps({"backup.token": SECRET})),
    ("docker_networks", "labels", json.dumps({"secret": SECRET})),
    ("docker_containers", "environment_vars", json.dumps({"POSTGRES_PASSWORD": SECRET, "TZ": "UTC"})),
    ("docker_containers", "labels", json.dumps([f"DB_PASSWORD={SECRET}"])),
    ("docker_containers", "command", f"serve --password={SECRET}"),
    ("docker_containers", "networks", json.dumps({"proxy": {"token": SECRET}})),
    ("services", "endpoint_url", _URL),
    ("services", "health_check_url", _URL),
    ("services", "description", _TEXT),
    ("services", "documentation_url", _URL),
    ("services", "status", f"password={SECRET}"),
    ("service_dependencies", "description", _TEXT),
    ("firewall_rules", "description", _TEXT),
    ("network_routes", "description", _TEXT),
    ("networks", "notes", _TEXT),
    ("ip_addresses", "notes", _TEXT),
    ("ip_addresses", "purpose", _TEXT),
)
DIRT: dict[str, Callable[[Writer], Expected]] = {
    "host_gone": host_gone,
    "service_gone": service_gone,
    "duplicate_route": duplicate_route,
    "addresses": addresses,
    "malformed_json": malformed_json,
    "bad_values": bad_values,
    "undecodable": undecodable,
    "passwords": passwords,
}
