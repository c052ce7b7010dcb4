"""Everything about one thing: fields, relations, what it runs on, who says so, findings, last changes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infradb.errors import NotFound
from infradb.model.catalog import BY_TABLE
from infradb.queries import entities, history
from infradb.queries.hardware import hardware_line
from infradb.queries.history import ChangeRow
from infradb.queries.kinds import KIND_ORDER
from infradb.queries.naming import labels
from infradb.queries.provenance import ClaimView, claims
from infradb.store.database import Connection
from infradb.store.known import StoredKnown
from infradb.store.runs import last_complete_at

RUNNING = {"hosts", "services", "docker_containers", "proxmox_containers"}
"""Kinds that run on something; others belong to something."""

_BELOW: dict[str, tuple[str, ...]] = {
    "services": ("docker_container_id", "host_id"),
    "docker_containers": ("docker_host_id",),
    "docker_networks": ("docker_host_id",),
    "docker_volumes": ("docker_host_id",),
    "docker_container_volumes": ("docker_container_id",),
    "docker_container_networks": ("docker_container_id",),
    "proxmox_containers": ("proxmox_host_id",),
    "network_interfaces": ("host_id",),
    "storage_devices": ("host_id",),
    "ip_addresses": ("docker_container_id", "host_id"),
    "checks": ("service_id",),
    "firewall_rules": ("firewall_host_id",),
    "network_routes": ("host_id",),
    "proxmox_storages": ("host_id",),
    "hosts": ("parent_host_id",),
}
"""What a thing of each kind runs on or belongs to: the first of these that is set."""


@dataclass(slots=True)
class Step:
    """One step of the chain below a thing."""

    table: str
    name: str
    id: int | None = None
    retired: bool = False


@dataclass(slots=True)
class Picture:
    """Everything about one thing."""

    table: str
    row: dict[str, Any]
    names: dict[int, str]
    chain: list[Step]
    relations: dict[str, list[str]]
    claims: list[ClaimView]
    last_seen: dict[str, str]
    findings: list[dict[str, Any]]
    changes: list[ChangeRow] = field(default_factory=list)


def picture(connection: Connection, table: str, id_: int, as_of: str | None = None) -> Picture:
    """Return everything about one thing, now or as of a time; raise `NotFound`."""
    row = entities.one(connection, table, id_, as_of)
    children = {} if as_of else entities.children(connection, id_, table)
    ids = {i for own in children.values() for i in own} | {
        row[f.name] for f in BY_TABLE[table].references if row.get(f.name)
    }
    changed = history.changes(connection, entity_ids=[id_], until=as_of, limit=10)
    names = labels(connection, ids | {id_} | {i for c in changed for i in history.references(c)})
    if as_of:
        names[id_] = _named_then(connection, table, row, names[id_])
    relations = {
        _relation(t, f, table): sorted((names.get(i, str(i)) for i in own), key=_as_people_count)
        for (t, f), own in sorted(children.items(), key=lambda child: KIND_ORDER[child[0][0]])
    }
    said = [] if as_of else claims(connection, id_)
    return Picture(
        table,
        row,
        names,
        _to_hardware(connection, chain(connection, table, row, names[id_], as_of), as_of),
        relations,
        said,
        {} if as_of else _last_seen(connection, said),
        [] if as_of else _findings(connection, id_),
        changed,
    )


def _named_then(connection: Connection, table: str, row: Mapping[str, Any], name: str) -> str:
    """Return the name that a thing had at the time of a row."""
    field = BY_TABLE[table].name_field
    today = str(entities.one(connection, table, row["id"])[field])
    return name.removesuffix(today) + str(row[field]) if name.endswith(today) else name


def _relation(child: str, field: str, table: str) -> str:
    """Return what the things are to it: their kind, and the field where several may point there."""
    fields = [f for f in BY_TABLE[child].references if f.references == table]
    return child if len(fields) == 1 else f"{child} ({BY_TABLE[child].fields[field].noun})"


def _as_people_count(name: str) -> list[tuple[int, int, str]]:
    """Return a key by which 10.0.0.9 comes before 10.0.0.10."""
    parts = re.split(r"(\d+)", name.lower())
    return [(0, int(p), "") if p.isascii() and p.isdigit() else (1, 0, p) for p in parts]


def chain(
    connection: Connection, table: str, row: Mapping[str, Any], name: str, as_of: str | None = None
) -> list[Step]:
    """Return what a thing runs on, step by step, down to the hardware; now or as of a time."""
    steps = [Step(table, name, row["id"])]
    seen = {row["id"]}
    current, kind = row, table
    while True:
        reference = next((f for f in _BELOW.get(kind, ()) if current.get(f)), None)
        if reference is None:
            return steps
        if kind == "docker_containers" and current.get("compose_project"):
            steps.append(Step("compose project", current["compose_project"]))
        kind = str(BY_TABLE[kind].fields[reference].references)
        try:
            current = entities.one(connection, kind, current[reference], as_of)
        except NotFound:
            return steps
        if current["id"] in seen:
            return steps
        seen.add(current["id"])
        steps.append(
            Step(kind, labels(connection, [current["id"]])[current["id"]], current["id"], bool(current["retired_at"]))
        )


def _to_hardware(connection: Connection, steps: list[Step], as_of: str | None) -> list[Step]:
    """Put guests between the steps of what runs, and storage, disk and switch port below them; not as of a time."""
    known = {s.id: s for s in steps if s.id}
    if as_of or steps[0].table not in RUNNING or any(s.retired for s in steps):
        return steps
    line = hardware_line(connection, list(known))
    names, tables = labels(connection, line), StoredKnown(connection).tables(line)
    found: list[Step] = []
    for id_ in line:
        found.append(known.get(id_) or Step(tables[id_], names[id_], id_))
        place = steps.index(found[-1]) + 1 if id_ in known else len(steps)
        found += steps[place : place + 1] if place < len(steps) and steps[place].id is None else []
    return found


def _last_seen(connection: Connection, said: list[ClaimView]) -> dict[str, str]:
    """Return source -> when it last read a scope that claims the thing, completely."""
    found: dict[str, str] = {}
    ids: dict[str, int] = dict(connection.query("SELECT name, id FROM sources"))
    for claim in said:
        if not claim.withdrawn_at and not claim.missing_since:
            at = last_complete_at(connection, int(ids[claim.source])).get(claim.scope)
            if at:
                found[claim.source] = max(at, found.get(claim.source, ""))
    return found


def _findings(connection: Connection, id_: int) -> list[dict[str, Any]]:
    names = ("id", "rule", "severity", "summary", "first_seen_at")
    sql = f"SELECT {', '.join(names)} FROM findings WHERE entity_id = ? AND closed_at IS NULL ORDER BY id"
    return [dict(zip(names, row, strict=True)) for row in connection.query(sql, (id_,))]
