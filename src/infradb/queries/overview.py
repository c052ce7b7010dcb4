"""What the pages in the browser ask: counts, the health of sources, the tree of hosts, and a page of a list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from infradb.errors import UsageError
from infradb.model.catalog import BY_TABLE, ENTITY_TYPES
from infradb.model.describe import EntityType, FieldSpec
from infradb.queries import entities
from infradb.store.database import Connection

NOUNS: dict[str, tuple[str, str]] = {
    "hosts": ("host", "hosts"),
    "proxmox_containers": ("guest", "guests"),
    "docker_containers": ("container", "containers"),
    "services": ("service", "services"),
    "networks": ("network", "networks"),
    "ip_addresses": ("address", "addresses"),
    "storage_devices": ("storage device", "storage devices"),
    "docker_volumes": ("volume", "volumes"),
    "network_interfaces": ("interface", "interfaces"),
}
"""What people call the kinds that come first, one and many."""

_OPEN = "f.closed_at IS NULL AND (f.waived_until IS NULL OR f.waived_until < ?)"
LARGEST_TREE = 3000
"""Containers and services beyond which the tree shows hosts alone."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source, how its last whole reading went, and what it has in all."""

    name: str
    kind: str
    enabled: bool
    status: str | None
    started_at: str | None
    finished_at: str | None
    errors: tuple[str, ...]
    seen: int


@dataclass(slots=True)
class Branch:
    """One thing in the tree of hosts, and what runs on it."""

    id: int
    uid: str
    table: str
    name: str
    detail: str
    status: str | None
    exit_code: int | None = None
    below: "list[Branch]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list, and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes of one sort to things of one kind in one run; time and thing are those of the last one."""

    change_type: str
    entity_type: str
    number: int
    position: int
    at: str
    entity_id: int | None
    source: str | None


def counted(connection: Connection) -> list[tuple[str, int]]:
    """Return how many live things there are of each kind that has any, in words: `3 hosts`."""
    numbers = entities.counts(connection)
    return [(NOUNS[t][0 if numbers[t] == 1 else 1], numbers[t]) for t in NOUNS if numbers.get(t)]


def holds_only_this_machine(connection: Connection) -> bool:
    """Tell whether there is nothing but at most one host without guests and containers."""
    numbers = entities.counts(connection)
    return numbers["hosts"] <= 1 and not numbers["docker_containers"] and not numbers["proxmox_containers"]


def open_findings(connection: Connection, now: str) -> dict[str, int]:
    """Return how many findings are open and not waived, by severity, worst first."""
    sql = f"SELECT f.severity, count(*) FROM findings f WHERE {_OPEN} GROUP BY f.severity"
    found = {severity: int(count) for severity, count in connection.query(sql, (now,))}
    return {s: found[s] for s in ("critical", "high", "medium", "low", "info") if s in found}


def worst_findings(connection: Connection, now: str, limit: int) -> list[dict[str, Any]]:
    """Return open findings, worst first, then oldest."""
    names = ("id", "severity", "rule", "subject", "summary", "first_seen_at", "uid", "kind")
    sql = (
        "SELECT f.id, f.severity, f.rule, f.subject, f.summary, f.first_seen_at, e.uid, e.kind FROM findings f"
        " LEFT JOIN entities e ON e.id = f.entity_id"
        f" WHERE {_OPEN} ORDER BY CASE f.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2"
        f" WHEN 'low' THEN 3 ELSE 4 END, f.first_seen_at, f.id LIMIT {int(limit)}"
    )
    return [dict(zip(names, row, strict=True)) for row in connection.query(sql, (now,))]


def source_states(connection: Connection) -> list[SourceState]:
    """Return every source that is read, with how its last whole reading went."""
    found = []
    for id_, name, kind, enabled in connection.query("SELECT id, name, kind, enabled FROM sources ORDER BY rank, name"):
        # A batch of events is a run as well, but partial and without errors: it says nothing about the source's health.
        runs = connection.query(
            "SELECT status, started_at, finished_at, errors, seen FROM discovery_runs WHERE source_id = ?"
            " AND (status <> 'partial' OR errors IS NOT NULL) ORDER BY id DESC LIMIT 1",
            (id_,),
        )
        status, started, finished, errors, seen = runs[0] if runs else (None, None, None, None, 0)
        errors = tuple(orjson.loads(errors)) if errors else ()
        found.append(SourceState(name, kind, bool(enabled), status, started, finished, errors, seen))
    return found


def host_tree(connection: Connection) -> list[Branch]:
    """Return the hosts on top, each with its guests, containers and services below; sorted as people count."""
    sql = (
        "SELECT t.id, e.uid, t.hostname, t.host_type, t.status, t.parent_host_id FROM hosts t"
        " JOIN entities e ON e.id = t.id WHERE t.retired_at IS NULL"
    )
    hosts: dict[int, Branch] = {}
    parents: dict[int, int | None] = {}
    for id_, uid, name, kind, status, parent in connection.query(sql):
        hosts[id_] = Branch(id_, uid, "hosts", name, _HOST_KINDS.get(kind, kind or ""), status)
        parents[id_] = parent
    top: list[Branch] = []
    for id_, host in hosts.items():
        above = hosts.get(parents[id_] or 0)
        (above.below if above and not _in_circle(id_, parents) else top).append(host)
    if sum(entities.counts(connection)[t] for t in ("docker_containers", "services")) <= LARGEST_TREE:
        _hang_containers(connection, hosts)
    for branch in (*hosts.values(),):
        _sort(branch)
    return sorted(top, key=_order)


_HOST_KINDS = {"vm": "virtual machine", "lxc": "LXC", "docker_host": "Docker host", "network_device": "network device"}


def _hang_containers(connection: Connection, hosts: dict[int, Branch]) -> None:
    containers: dict[int, Branch] = {}
    sql = (
        "SELECT t.id, e.uid, t.container_name, t.image, t.image_tag, t.status, t.health_status, t.exit_code,"
        " t.docker_host_id FROM docker_containers t JOIN entities e ON e.id = t.id WHERE t.retired_at IS NULL"
    )
    for id_, uid, name, image, tag, status, health, code, host in connection.query(sql):
        shown = health if status == "running" and health in ("unhealthy", "starting") else status
        detail = f"{image.rsplit('/', 1)[-1]}{f':{tag}' if tag else ''}"
        containers[id_] = Branch(id_, uid, "docker_containers", name, detail, shown, code)
        if host in hosts:
            hosts[host].below.append(containers[id_])
    sql = (
        "SELECT t.id, e.uid, t.service_name, t.protocol, t.port, t.status, t.host_id, t.docker_container_id"
        " FROM services t JOIN entities e ON e.id = t.id WHERE t.retired_at IS NULL"
    )
    for id_, uid, name, protocol, port, status, host, container in connection.query(sql):
        above = containers.get(container) or hosts.get(host)
        if above:
            detail = f"{port}/{protocol}" if port is not None and protocol else str(port if port is not None else "")
            above.below.append(Branch(id_, uid, "services", name, detail, status))


def _in_circle(id_: int, parents: dict[int, int | None]) -> bool:
    seen, at = {id_}, parents.get(id_)
    while at is not None and at not in seen:
        seen.add(at)
        at = parents.get(at)
    return at == id_


_KIND_ORDER = {"hosts": 0, "docker_containers": 1, "services": 2}


def _order(branch: Branch) -> tuple[Any, ...]:
    """Return a key by which pve2 comes before pve10."""
    parts, number = [], ""
    for c in branch.name.lower():
        if c.isdigit() and c.isascii():
            number += c
        else:
            parts += [(0, int(number), "")] if number else []
            parts.append((1, 0, c))
            number = ""
    parts += [(0, int(number), "")] if number else []
    return _KIND_ORDER[branch.table], parts, branch.id


def _sort(branch: Branch) -> None:
    branch.below.sort(key=_order)


def list_page(
    connection: Connection,
    entity_type: EntityType,
    *,
    text: str = "",
    sort: str = "",
    limit: int = 100,
    offset: int = 0,
) -> ListPage:
    """Return a page of the live things of a kind, all or those that have a text in what the list shows of them.

    `sort` is a listed field, with a minus for descending; raises `UsageError` for any other.
    """
    where, values = "t.retired_at IS NULL", list[str]()
    if text.strip():
        where, values = _has_text(entity_type, text.strip())
    total = int(connection.query(f"SELECT count(*) FROM {entity_type.table} t WHERE {where}", values)[0][0])
    order = _sorted_by(entity_type, sort)
    which = f"{entity_type.table} t WHERE {where} ORDER BY {order} LIMIT {int(limit)} OFFSET {int(offset)}"
    sql = f"SELECT t.id FROM {which}"
    ids = [i for (i,) in connection.query(sql, values)]
    found = {r["id"]: r for r in entities.by_ids(connection, entity_type.table, ids)}
    rows = entities.with_labels(connection, entity_type, [found[i] for i in ids])
    return ListPage(rows, total)


def can_sort(field: FieldSpec) -> bool:
    """Tell whether a list can be sorted by a field."""
    return not field.is_json and not field.references


def _sorted_by(entity_type: EntityType, sort: str) -> str:
    name = sort.removeprefix("-") or next(f for f in reversed(entity_type.named_by))
    spec = entity_type.fields.get(name)
    if spec is None or (sort and not can_sort(spec)):
        raise UsageError(f"{entity_type.table} cannot be sorted by {name!r}")
    column = spec.sort_columns[0] if spec.sort_columns else name
    down = " DESC" if sort.startswith("-") else ""
    return f"t.{column} IS NULL, t.{column}{down}, t.id{down}"


def _has_text(entity_type: EntityType, text: str) -> tuple[str, list[str]]:
    pattern = "%" + text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    tests = []
    for spec in entity_type.listed:
        target = BY_TABLE.get(spec.references or "")
        if spec.references and target:
            name = target.fields[target.named_by[-1]]
            if not name.references:
                tests.append(f"t.{spec.name} IN (SELECT id FROM {target.table} WHERE {_like(name.name)})")
        else:
            tests.append(_like(f"t.{spec.name}"))
    return f"t.retired_at IS NULL AND ({' OR '.join(tests)})", [pattern] * len(tests)


def _like(column: str) -> str:
    return f"lower(CAST({column} AS TEXT)) LIKE ? ESCAPE '\\'"


def change_groups(connection: Connection, since: str, limit: int) -> list[ChangeGroup]:
    """Return what changed since an instant, newest first: changes of one sort, kind and run are one group."""
    sql = (
        "SELECT g.change_type, g.entity_type, g.number, g.position, c.change_timestamp, c.entity_id, s.name FROM"
        " (SELECT run_id, change_type, entity_type, count(*) AS number, max(position) AS position"
        "  FROM infrastructure_changes WHERE change_timestamp >= ? GROUP BY run_id, change_type, entity_type) g"
        " JOIN infrastructure_changes c ON c.position = g.position LEFT JOIN sources s ON s.id = c.source_id"
        f" ORDER BY g.position DESC LIMIT {int(limit)}"
    )
    return [ChangeGroup(*row) for row in connection.query(sql, (since,))]


def uids(connection: Connection, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the table and uid of things by id."""
    found: dict[int, tuple[str, str]] = {}
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), 500):
        batch = wanted[start : start + 500]
        sql = f"SELECT id, kind, uid FROM entities WHERE id IN ({', '.join('?' * len(batch))})"
        found |= {i: (k, u) for i, k, u in connection.query(sql, batch)}
    return found


def claims_about(connection: Connection, id_: int) -> list[dict[str, Any]]:
    """Return what each source says about a thing, in the order in which sources win; what was taken back comes last."""
    names = ("source", "declared", "native_key", "said", "rule", "missing_since", "withdrawn_at")
    sql = (
        "SELECT s.name, s.declared, c.native_key, c.said, c.rule, c.missing_since, c.withdrawn_at FROM claims c"
        " JOIN scopes p ON p.id = c.scope_id JOIN sources s ON s.id = p.source_id WHERE c.entity_id = ?"
        " ORDER BY c.withdrawn_at IS NOT NULL, s.rank, s.name, c.id"
    )
    rows = connection.query(sql, (id_,))
    return [{**dict(zip(names, row, strict=True)), "said": orjson.loads(row[3])} for row in rows]


def kinds(connection: Connection) -> Sequence[tuple[EntityType, int]]:
    """Return every kind of thing with how many are live."""
    numbers = entities.counts(connection)
    return [(t, numbers.get(t.table, 0)) for t in ENTITY_TYPES]
