"""One fictional lab, and the words to tell what its sources saw.

A test reads: `estate.run("docker", scope("containers", answer(host_of_engine), answer(observe("container/1", …))))`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from infradb import clock
from infradb.model.catalog import BY_TABLE
from infradb.model.docker import DockerContainer
from infradb.model.network import Network
from infradb.model.physical import Host, NetworkInterface
from infradb.model.proxmox import ProxmoxContainer
from infradb.observation import (
    Answer,
    CollectionRun,
    Observation,
    Rejected,
    ScopeResult,
    ScopeStatus,
    digest_of,
    observe,
)
from infradb.operations import manual
from infradb.operations.absorb import Manner, RunReport, absorb
from infradb.operations.manual import Edit
from infradb.store import runs
from infradb.store.chain import verify
from infradb.store.database import Database
from infradb.store.rows import decode, field_columns

UUIDS = [f"4c4c4544-00{n:02x}-3310-8054-b4c04f4d31{n:02x}" for n in range(32)]
"""SMBIOS UUIDs, one a machine."""

ENGINE = "host/engine"

NODE_1 = observe("node/pve1", Host(hostname="pve1", host_type="physical", smbios_uuid=UUIDS[1], total_ram_mb=65536))
NODE_2 = observe("node/pve2", Host(hostname="pve2", host_type="physical", smbios_uuid=UUIDS[2], total_ram_mb=32768))
ROUTER = observe(
    "host/router", Host(hostname="router", host_type="network_device", vendor="Deciso", serial_number="D1")
)
NAS = observe("host/nas", Host(hostname="nas", host_type="physical", vendor="Synology", serial_number="1830PDN001"))
DOCKER_HOST = observe(ENGINE, Host(hostname="docker1", docker_engine_id="ENG1:AAAA", is_docker_host=True))
SERVERS = observe("network/servers", Network(network_name="servers", cidr="10.0.20.0/24", vlan_id=20))


def guest(vmid: int, name: str, node: Observation, **said: Any) -> tuple[Observation, Observation]:
    """A virtual machine as Proxmox shows it: the host that it is, and its place on its node."""
    host = observe(
        f"guest/{vmid}",
        Host(**{"hostname": name, "host_type": "vm", "vmid": vmid, "parent_host_id": node.key, **said}),
    )
    place = observe(
        f"guest/{vmid}/place",
        ProxmoxContainer(host_id=host.key, proxmox_host_id=node.key, cluster="lab", vmid=vmid, container_type="vm"),
    )
    return host, place


def nic(host: str, name: str, key: str = "", **said: Any) -> Observation:
    """An interface of a host."""
    values = {"host_id": host, "interface_name": name, **said}
    return observe(key or f"{host}/{name}", NetworkInterface(**values))


def container(native_id: str, name: str, engine: str = ENGINE, **said: Any) -> Observation:
    """A container of an engine."""
    values = {"docker_host_id": engine, "container_id": native_id, "container_name": name, "image": "nginx", **said}
    return observe(f"container/{native_id}", DockerContainer(**values))


def composed(native_id: str, service: str, number: int = 1, **said: Any) -> Observation:
    """A container that compose made."""
    said = {"compose_project": "shop", "compose_service": service, "compose_number": number, **said}
    return container(native_id, said.pop("container_name", f"shop-{service}-{number}"), **said)


def answer(
    *said: Observation | Rejected,
    measured: Mapping[str, Mapping[str, Any]] | None = None,
    whole: bool = False,
    digest: int | None = None,
) -> Answer:
    """An answer of a source; its digest follows from what it says, measured values left out."""
    raw = [(o.key, o.table, _unmeasured(o)) if isinstance(o, Observation) else str(o) for o in said]
    return Answer(said[0].key, digest_of(raw, 1) if digest is None else digest, lambda: said, measured or {}, whole)


def scope(
    name: str, *answers: Answer | Observation, status: ScopeStatus = "complete", gone: Sequence[str] = ()
) -> ScopeResult:
    """A scope; a lone observation counts as an answer. One that is not complete says so in an error."""
    errors = () if status == "complete" else (f"{name} could not be read whole",)
    return ScopeResult(
        name, status, tuple(answer(a) if isinstance(a, Observation) else a for a in answers), errors, tuple(gone)
    )


def partial(name: str, *answers: Answer | Observation, gone: Sequence[str] = ()) -> ScopeResult:
    """A scope that was read in part."""
    return scope(name, *answers, status="partial", gone=gone)


def failed(name: str, *answers: Answer | Observation) -> ScopeResult:
    """A scope that could not be read."""
    return scope(name, *answers, status="failed")


def _unmeasured(observation: Observation) -> dict[str, Any]:
    measured = {f.name for f in BY_TABLE[observation.table].measured}
    return {n: v for n, v in observation.values.items() if n not in measured}


@dataclass
class Clock:
    """The time of a test, which passes when told to."""

    moment: datetime = field(default_factory=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))

    def now(self) -> str:
        """Return the present instant."""
        return clock.to_instant(self.moment)

    def passes(self, **length: float) -> str:
        """Let time pass, as `timedelta` takes it, and return the new present."""
        self.moment += timedelta(**length)
        return self.now()


@dataclass
class Estate:
    """A database that sources report to."""

    database: Database
    clock: Clock
    minutes_between_runs: float = 1

    def source(self, name: str, *, declared: bool = False, rank: int = 50) -> None:
        """Add a source."""
        with self.database.write() as connection:
            runs.add_source(connection, name, name, self.clock.now(), declared=declared, rank=rank)

    def run(
        self,
        source: str,
        *scopes: ScopeResult,
        allow_retire: bool = False,
        actors: Mapping[str, str] | None = None,
        has_scope: Callable[[str], bool] | None = None,
    ) -> RunReport:
        """Take in a run of a source, a minute after the one before, and check the chain of changes."""
        self.clock.passes(minutes=self.minutes_between_runs)
        with self.database.write() as connection:
            runs.add_source(connection, source, source, self.clock.now(), declared=False, rank=50)
            run = CollectionRun(source, self.clock.now(), scopes, actors or {}, has_scope=has_scope)
            report = absorb(connection, run, Manner(allow_retire=allow_retire))
        with self.database.read() as connection:
            verify(connection)
        return report

    def people_say(self, entity_id: int, *assignments: str, expires_at: str | None = None) -> RunReport:
        """Set fields of an entity by hand, as `infradb set` does."""
        self.clock.passes(minutes=1)
        edit = Edit("anna", expires_at=expires_at)
        return manual.set_fields(self.database, str(entity_id), assignments, edit)[1]

    def people_unsay(self, entity_id: int, *fields: str) -> RunReport:
        """Take back what was set by hand."""
        self.clock.passes(minutes=1)
        return manual.unset(self.database, str(entity_id), fields, Edit("anna"))[1]

    # --- what is there ------------------------------------------------------------------------------------------------

    def ask(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a question in SQL."""
        with self.database.read() as connection:
            return connection.query(sql, values)

    def rows(self, table: str, *, retired: bool = False, **match: Any) -> list[dict[str, Any]]:
        """Return the live (or the retired) rows of a table whose fields match, oldest first."""
        names = field_columns(table)
        end = "IS NOT NULL" if retired else "IS NULL"
        found = self.ask(f"SELECT {', '.join(names)} FROM {table} WHERE retired_at {end} ORDER BY id")
        rows = [decode(table, row) for row in found]
        return [r for r in rows if all(r[n] == v for n, v in match.items())]

    def row(self, table: str, *, retired: bool = False, **match: Any) -> dict[str, Any]:
        """Return the one row that matches."""
        (found,) = self.rows(table, retired=retired, **match)
        return found

    def ids(self, table: str, **match: Any) -> list[int]:
        """Return the ids of live rows."""
        return [r["id"] for r in self.rows(table, **match)]

    def changes(self, *types: str, after: int = 0) -> list[tuple[str, str, int]]:
        """Return (type, table, entity) of the logged changes of the given types, in order."""
        rows = self.ask(
            "SELECT change_type, entity_type, entity_id FROM infrastructure_changes WHERE position > ?"
            " ORDER BY position",
            after,
        )
        return [(t, k, e) for t, k, e in rows if not types or t in types]

    def changes_of(self, report: RunReport) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
        """Return (type, table, old, new) of what a run changed, in order."""
        rows = self.ask(
            "SELECT change_type, entity_type, old_values, new_values FROM infrastructure_changes"
            " WHERE run_id = ? ORDER BY position",
            report.run_id,
        )
        return [(t, k, orjson.loads(old or "{}"), orjson.loads(new or "{}")) for t, k, old, new in rows]

    def findings(self) -> list[str]:
        """Return the rules of the open findings, each as often as it is found."""
        return [r for (r,) in self.ask("SELECT rule FROM findings WHERE closed_at IS NULL ORDER BY rule")]

    def claims(self, entity_id: int) -> list[tuple[str, str, str | None]]:
        """Return (source, native key, missing since) of what stands claimed about an entity."""
        rows = self.ask(
            "SELECT o.name, c.native_key, c.missing_since FROM claims c JOIN scopes s ON s.id = c.scope_id"
            " JOIN sources o ON o.id = s.source_id WHERE c.entity_id = ? AND c.withdrawn_at IS NULL"
            " ORDER BY o.name, c.native_key, s.name",
            entity_id,
        )
        return [(n, k, m) for n, k, m in rows]

    def rule(self, native_key: str) -> str:
        """Return the rule by which the newest claim of a native key found its entity."""
        rules = self.ask("SELECT rule FROM claims WHERE native_key = ? ORDER BY id DESC", native_key)
        return str(rules[0][0])


def names(rows: Iterable[Mapping[str, Any]], column: str = "hostname") -> list[str]:
    """Return one column of rows, sorted."""
    return sorted(r[column] for r in rows)
