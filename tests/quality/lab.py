"""A small lab in which nothing is wrong, and ways to break it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

import psycopg

from infradb import clock
from infradb.model.catalog import BY_TABLE
from infradb.model.docker import (
    DockerContainer,
    DockerContainerNetwork,
    DockerContainerVolume,
    DockerNetwork,
    DockerVolume,
)
from infradb.model.entity import Entity
from infradb.model.network import FirewallRule, IpAddress, Network, NetworkRoute
from infradb.model.physical import Host, NetworkInterface, Site, StorageDevice
from infradb.model.proxmox import ProxmoxContainer
from infradb.model.services import Certificate, Check, ProxyRoute, Service, ServiceDependency
from infradb.observation import Answer, CollectionRun, ScopeResult, digest_of, observe
from infradb.operations import findings
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.operations.databases import Database
from infradb.operations.findings import FindingView
from infradb.settings import Settings
from infradb.store import runs
from infradb.store.database import Row, SqliteDatabase

ENGINE = "docker:engine1"


def machine(name: str, address: str, mac: str, **more: Any) -> dict[str, Entity]:
    """A host with one interface, its address in the network `lan`, and its routes."""
    host, nic = f"host/{name}", f"nic/{name}"
    return {
        host: Host(hostname=name, status="active", **more),
        nic: NetworkInterface(host_id=host, interface_name="eth0", interface_type="physical", mac_address=mac),
        f"address/{name}": IpAddress(ip_address=address, host_id=host, interface_id=nic, network_id="network/lan"),
        f"route/{name}": NetworkRoute(
            host_id=host, destination_network="default", gateway_ip="10.0.0.1", interface_name="eth0"
        ),
        f"link-route/{name}": NetworkRoute(
            host_id=host, destination_network="10.0.0.0/24", interface_name="eth0", route_type="connected"
        ),
    }


def container(name: str, address: str, **more: Any) -> dict[str, Entity]:
    """A running container of a compose project on docker1."""
    values: dict[str, Any] = {
        "image": f"example/{name}",
        "image_tag": "1.2.3",
        "status": "running",
        "restart_policy": "unless-stopped",
        "health_status": "healthy",
        "privileged": False,
        "container_id": digest_name(name),
        "environment_vars": {"TZ": "UTC", "PASSWORD_FILE": "/run/secrets/password"},
        "ports": [{"container_port": 80, "protocol": "tcp", "host_ip": "127.0.0.1", "host_port": 8080}],
        **more,
    }
    key = f"container/{name}"
    return {
        key: DockerContainer(docker_host_id="host/docker1", container_name=name, **values),
        f"{key}/net": DockerContainerNetwork(docker_container_id=key, docker_network_id="dnet/apps"),
        f"{key}/mount": DockerContainerVolume(
            docker_container_id=key, mount_path="/data", docker_volume_id="volume/data"
        ),
        f"{key}/address": IpAddress(
            ip_address=address,
            vrf=ENGINE,
            network_id="network/apps",
            docker_container_id=key,
            allocation_type="docker",
        ),
    }


def digest_name(name: str) -> str:
    return f"{digest_of(name, 1) & (2**63 - 1):016x}" * 4


def clean_lab() -> dict[str, Entity]:
    """Router, node, guest with an engine, two containers, two services: parents before children."""
    things: dict[str, Entity] = {
        "site/home": Site(name="home"),
        "site/cabin": Site(name="cabin"),
        "network/lan": Network(
            network_name="lan",
            cidr="10.0.0.0/24",
            gateway="10.0.0.1",
            dhcp_enabled=True,
            dhcp_range_start="10.0.0.100",
            dhcp_range_end="10.0.0.199",
        ),
        "network/plan": Network(network_name="plan", cidr="10.0.0.0/8"),
        "network/apps": Network(network_name="apps", cidr="172.18.0.0/16", vrf=ENGINE, gateway="172.18.0.1"),
    }
    owned = {"criticality": "critical", "owner": "ann"}
    things |= machine("router", "10.0.0.1", "00:11:22:33:44:01", host_type="network_device", **owned)
    del things["route/router"]
    things |= machine(
        "pve1", "10.0.0.10", "00:11:22:33:44:10", host_type="physical", warranty_until="2999-01-31", **owned
    )
    things["bridge/pve1"] = NetworkInterface(
        host_id="host/pve1", interface_name="vmbr0", interface_type="bridge", mac_address="00:11:22:33:44:10"
    )
    things |= machine(
        "docker1",
        "10.0.0.20",
        "bc:24:11:00:00:20",
        host_type="vm",
        parent_host_id="host/pve1",
        vmid=101,
        is_docker_host=True,
    )
    things["guest/101"] = ProxmoxContainer(
        host_id="host/docker1", proxmox_host_id="host/pve1", vmid=101, container_type="vm", last_backup_status="OK"
    )
    things["disk/sda"] = StorageDevice(
        host_id="host/pve1",
        device_name="/dev/sda",
        smart_status="passed",
        capacity_gb=100.0,
        used_gb=50.0,
        available_gb=50.0,
    )
    things["disk/tank"] = StorageDevice(
        host_id="host/pve1", device_name="tank", device_type="zfs", health_status="ONLINE", parent_device_id="disk/sda"
    )
    things["rule/1"] = FirewallRule(
        firewall_host_id="host/router",
        native_id="r1",
        action="allow",
        direction="in",
        protocol="tcp",
        source_network="any",
        destination_network="10.0.0.20",
        destination_port="443",
        description="HTTPS",
    )
    things["dnet/apps"] = DockerNetwork(docker_host_id="host/docker1", network_name="apps", subnet="172.18.0.0/16")
    things["volume/data"] = DockerVolume(docker_host_id="host/docker1", volume_name="data")
    things |= container("db", "172.18.0.2") | container("web", "172.18.0.3")
    for name, port in (("db", 5432), ("web", 80)):
        things[f"service/{name}"] = Service(
            service_name=name,
            docker_container_id=f"container/{name}",
            protocol="tcp",
            port=port,
            criticality="critical",
        )
        things[f"check/{name}"] = Check(service_id=f"service/{name}", check_type="tcp", target=f"10.0.0.20:{port}")
    things["needs/web-db"] = ServiceDependency(
        dependent_service_id="service/web", dependency_service_id="service/db", dependency_type="hard"
    )
    things["certificate/web"] = Certificate(
        fingerprint="ab" * 32,
        subject="web.example.org",
        names=["web.example.org", "*.web.example.org"],
        not_before_at="2026-01-01T00:00:00.000Z",
        not_after_at="2999-01-01T00:00:00.000Z",
    )
    things["route/web"] = ProxyRoute(
        proxy="lab",
        entry="web",
        hostname="web.example.org",
        backend_url="http://10.0.0.20:8080",
        native_name="web@file",
        certificate_id="certificate/web",
        tls=True,
        backend_status="up",
    )
    return things


class Lab:
    """The lab as an observing source says it, in a database; `things` may be changed and taken in again."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.things = clean_lab()
        self.settings = Settings()
        with database.write() as connection:
            runs.add_source(connection, "lab", "docker", clock.now(), declared=False, rank=40)
            runs.add_source(connection, "list", "csv", clock.now(), declared=True, rank=60)
        self.take_in()

    def change(self, key: str, **values: Any) -> None:
        """Say something else of a thing."""
        old = self.things[key]
        said = {name: getattr(old, name) for name in old.model_fields_set}
        self.things[key] = type(old)(**{**said, **values})

    def take_in(
        self,
        source: str = "lab",
        things: Mapping[str, Entity] | None = None,
        *,
        status: Literal["complete", "partial", "failed"] = "complete",
        errors: tuple[str, ...] = (),
        gone: tuple[str, ...] = (),
    ) -> RunReport:
        """Take in all that a source says; what is `gone` was seen to end, so that it has no grace."""
        said = self.things if things is None else things
        scope = ScopeResult("all", status, [_answer(key, entity) for key, entity in said.items()], errors, gone)
        with self.database.write() as connection:
            run = CollectionRun(source, clock.now(), (scope,))
            return absorb(connection, run, Manner(allow_retire=status == "complete" and bool(gone)))

    def mend(self) -> None:
        """Put the lab back as it was."""
        extra = tuple(k for k in self.things if k not in clean_lab())
        self.things = clean_lab()
        self.take_in(gone=extra)

    def refresh(self) -> findings.Refreshed:
        return findings.refresh(self.database, self.settings)

    def rules(self) -> set[str]:
        """Ask every rule, and return those that found something."""
        self.refresh()
        return {f.rule for f in self.open(include_waived=True)}

    def open(self, *, include_waived: bool = False) -> list[FindingView]:
        return findings.open_findings(self.database, include_waived=include_waived)

    def one(self, rule: str) -> FindingView:
        """The one open finding of a rule."""
        (found,) = [f for f in self.open(include_waived=True) if f.rule == rule]
        return found

    def ask(self, sql: str, values: tuple[Any, ...] = ()) -> list[Row]:
        with self.database.read() as connection:
            return connection.query(sql, values)

    def say(self, sql: str, values: tuple[Any, ...] = ()) -> None:
        """Write past infradb, foreign keys in force."""
        with self.database.write() as connection:
            connection.execute(sql, values)

    def damage(self, sql: str) -> None:
        """Write past infradb in a shell whose foreign keys are off."""
        if isinstance(self.database, SqliteDatabase):
            with sqlite3.connect(self.database.path) as shell:
                shell.execute("PRAGMA foreign_keys = OFF")
                shell.execute(sql)
            shell.close()
        else:
            with psycopg.connect(self.database.url) as raw:
                raw.execute("SET session_replication_role = replica")
                raw.execute(sql.encode())

    def id_of(self, key: str) -> int:
        """The entity that a native key stands for."""
        return int(self.ask("SELECT entity_id FROM claims WHERE native_key = ? ORDER BY id", (key,))[0][0])


def _answer(key: str, entity: Entity) -> Answer:
    observation = observe(key, entity)
    names = {f.name for f in BY_TABLE[entity.table].measured}
    measured = {n: v for n, v in observation.values.items() if n in names}
    said = {n: v for n, v in observation.values.items() if n not in names}
    return Answer(key, digest_of([key, said], 1), lambda: [observation], {key: measured} if measured else {})
