"""What can be started and stopped, and what one has to know to do it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from infradb.store.database import Connection


@dataclass(frozen=True, slots=True)
class Startable:
    """A machine, guest, container or unit, and where it is started."""

    id: int
    kind: str
    """vm, lxc, container, unit, machine, device."""
    name: str
    """What it is called there: number of a guest, name of a container or unit."""
    host_id: int
    """Host on which the command is given: the node of a guest, a machine itself."""
    on: str
    """Name of that host."""
    runs: bool | None = None
    """Whether it ran when it was last seen; None where nobody knows."""
    start_order: int | None = None
    """Place of a guest in its node's order of start."""


_GUESTS = (
    "SELECT g.id, g.container_type, CAST(g.vmid AS TEXT), n.id, n.hostname, h.status, g.start_order"
    " FROM proxmox_containers g JOIN hosts h ON h.id = g.host_id JOIN hosts n ON n.id = g.proxmox_host_id"
    " WHERE g.retired_at IS NULL AND (g.template IS NULL OR NOT g.template)"
)
_CONTAINERS = (
    "SELECT c.id, 'container', c.container_name, h.id, h.hostname, c.status, NULL FROM docker_containers c"
    " JOIN hosts h ON h.id = c.docker_host_id WHERE c.retired_at IS NULL"
)
_UNITS = (
    "SELECT s.id, 'unit', s.unit, h.id, h.hostname, NULL, NULL FROM services s JOIN hosts h ON h.id = s.host_id"
    " WHERE s.retired_at IS NULL AND s.unit IS NOT NULL AND s.docker_container_id IS NULL"
)
_MACHINES = (
    "SELECT h.id, CASE WHEN h.host_type = 'network_device' THEN 'device' ELSE 'machine' END, h.hostname, h.id,"
    " h.hostname, h.status, NULL FROM hosts h WHERE h.retired_at IS NULL AND NOT EXISTS (SELECT 1"
    " FROM proxmox_containers g WHERE g.host_id = h.id AND g.retired_at IS NULL)"
)
_RUNNING = {"running", "active", "paused", "restarting", "maintenance"}
_STILL = {"stopped", "exited", "created", "dead", "removing", "decommissioned"}


def startable(connection: Connection, ids: Collection[int]) -> dict[int, Startable]:
    """Return those of some things that can be started and stopped; a guest as guest, not as machine; no templates."""
    found: dict[int, Startable] = {}
    wanted = set(ids)
    for sql in (_GUESTS, _CONTAINERS, _UNITS, _MACHINES):
        for id_, kind, name, host, on, status, order in connection.query(sql):
            if id_ in wanted:
                found[id_] = Startable(id_, kind, name, host, on, _runs(status), order)
    return found


def _runs(status: Any) -> bool | None:
    return True if status in _RUNNING else False if status in _STILL else None
