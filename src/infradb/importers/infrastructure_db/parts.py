"""What single tables need beyond their columns: parts of a row that become rows, and fields that follow from others."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from infradb.importers.infrastructure_db.clean import shown
from infradb.importers.infrastructure_db.convert import Blank, Unfit, converter, network, text_of
from infradb.importers.infrastructure_db.reader import OldFile, Row
from infradb.model.catalog import BY_TABLE
from infradb.model.proxmox import LXC_ONLY, VM_ONLY
from infradb.observation import Observation, Rejected

DEFAULT_INTERVAL = 60
"""Seconds between two health checks where the old file does not say."""
_DOCUMENTS = ("network_interfaces", "network_config", "networks")
_LXC_DEFAULTS = {"unprivileged": True, "nesting": False, "keyctl": False}
_MATCH = (
    *("action", "direction", "protocol", "source_network", "source_port", "destination_network", "destination_port"),
    "schedule_name",
)


@dataclass(slots=True)
class Draft:
    """A row on its way: what its columns gave, and room for what follows from them."""

    key: str
    number: int
    row: Row
    at: dict[str, int]
    values: dict[str, Any]
    custom: dict[str, Any]
    said: list[Observation | Rejected]
    """Parts of the row that are things of their own."""
    rejected: list[Rejected]
    shares_listener: bool

    def old(self, column: str) -> Any:
        """Return the old value of a column, secrets redacted; None where the file has none."""
        index = self.at.get(column)
        return None if index is None else self.row[index]

    def converted(self, column: str, convert: Callable[[Any], Any]) -> Any:
        """Return a column's value for its field; None where it says nothing or is kept in quarantine."""
        value = self.old(column)
        if value is None:
            return None
        try:
            return convert(value)
        except Blank:
            return None
        except Unfit as unfit:
            self.reject(column, unfit.reason, shown(value, json=column in _DOCUMENTS))
            return None

    def reject(self, column: str, reason: str, content: Any) -> None:
        """Keep a column in quarantine."""
        self.rejected.append(Rejected(self.key, f"{column} {reason}", content, column))


Part = Callable[[Draft], None]


def context_of(table: str, file: OldFile) -> tuple[tuple[str, str], ...]:
    """Return what rows of a table have to know of others: name and SQL."""
    if table in _GUESTS:
        return (("node_hostname", f"(SELECT hostname FROM hosts WHERE hosts.id = {table}.proxmox_host_id)"),)  # noqa: S608
    if table == "ip_addresses" and "cidr" in {c.lower() for c in file.tables.get("networks", ())}:
        return (("network_cidr", "(SELECT cidr FROM networks WHERE networks.id = ip_addresses.network_id)"),)
    return ()


def _host(draft: Draft) -> None:
    if draft.values.get("host_type") == "docker_host":
        draft.values["is_docker_host"] = True


def _network(draft: Draft) -> None:
    draft.values["vrf"] = "default"
    if "network_name" not in draft.values and "cidr" in draft.values:
        draft.values["network_name"] = draft.values["cidr"]


@lru_cache(maxsize=4096)
def _parsed_network(cidr: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(cidr)


def _address(draft: Draft) -> None:
    draft.values["vrf"] = "default"
    if "network_id" not in draft.values or "ip_address" not in draft.values:
        return
    cidr = network(draft.old("network_cidr"))
    if ipaddress.ip_address(draft.values["ip_address"]) not in _parsed_network(cidr):
        reason = f"names {draft.values['network_id']}, but {draft.values['ip_address']} is not in {cidr}"
        draft.reject("network_id", reason, draft.old("network_id"))
        del draft.values["network_id"]


def _route(draft: Draft) -> None:
    if "gateway_ip" not in draft.values and any(r.field == "gateway_ip" for r in draft.rejected):
        # Without it the route would say that its destination is on the link.
        raise Unfit("gateway_ip is not an IP address")
    for field, value in (("gateway_ip", ""), ("metric", 0), ("interface_name", ""), ("routing_table", "main")):
        draft.values.setdefault(field, value)


def _rule(draft: Draft) -> None:
    match = orjson.dumps([draft.values.get(field) for field in _MATCH])
    draft.values["native_id"] = f"imported:{blake2b(match, digest_size=12).hexdigest()}"


def _guest_of(kind: str) -> Part:
    def part(draft: Draft) -> None:
        draft.values["container_type"] = kind
        _guest(draft)

    return part


def _guest(draft: Draft) -> None:
    values, kind = draft.values, draft.values.get("container_type")
    if kind is None:
        return  # it is required: the row goes to quarantine
    if (cluster := draft.converted("node_hostname", _CLUSTER)) is not None:
        values["cluster"] = cluster
    foreign, owner = (LXC_ONLY, "a container") if kind == "vm" else (VM_ONLY, "a virtual machine")
    for field in foreign:
        if field in values:
            value = values.pop(field)
            # The merged table fills these in for virtual machines too.
            if _LXC_DEFAULTS.get(field) is not value:
                draft.reject(field, f"is for {owner}, and this is none", value)
    own, other = ("network_interfaces", "network_config") if kind == "vm" else ("network_config", "network_interfaces")
    nics, spare = draft.converted(own, _NICS), draft.converted(other, _NICS)
    if nics is not None and spare is not None:
        draft.reject(other, f"is there beside {own}, which counts", spare)
    if (said := spare if nics is None else nics) is not None:
        values["nics"] = said


def _service(draft: Draft) -> None:
    values = draft.values
    if "docker_container_id" in values:
        values.pop("host_id", None)  # it is the container's, or it was a fault
    if draft.shares_listener and "service_name" in values:
        values["endpoint_name"] = values["service_name"]
    target = draft.converted("health_check_url", _target)
    interval = draft.converted("health_check_interval", _interval)
    if target is not None:
        check = {"service_id": draft.key, "check_type": "http", "target": target}
        if interval is not None:
            check["interval_seconds"] = interval
        draft.said.append(Observation(f"{draft.key}/check", "checks", check))
    elif interval not in (None, DEFAULT_INTERVAL):
        draft.custom["health_check_interval"] = interval


def _target(value: Any) -> str:
    url = text_of(value)
    if len(url) > 255:
        raise Unfit("is longer than 255 characters")
    if not url.lower().startswith(("http://", "https://")) or any(map(str.isspace, url)):
        raise Unfit("is not an address that starts with http:// or https://")
    return url


def _interval(value: Any) -> int:
    seconds: int = _SECONDS(value)
    if seconds < 1:
        raise Unfit("is not a whole number of 1 or more")
    return seconds


def _dependency(draft: Draft) -> None:
    if draft.values.get("dependent_service_id") == draft.values.get("dependency_service_id"):
        raise Unfit("says that a service needs itself")


_CLUSTER = converter(BY_TABLE["proxmox_containers"].fields["cluster"])
_NICS = converter(BY_TABLE["proxmox_containers"].fields["nics"])
_SECONDS = converter(BY_TABLE["checks"].fields["interval_seconds"])
_GUESTS: dict[str, Part] = {
    "virtual_machines": _guest_of("vm"),
    "lxc_containers": _guest_of("lxc"),
    "proxmox_containers": _guest,
}
PARTS: dict[str, Part] = {
    **_GUESTS,
    "hosts": _host,
    "networks": _network,
    "ip_addresses": _address,
    "network_routes": _route,
    "firewall_rules": _rule,
    "services": _service,
    "service_dependencies": _dependency,
}
"""Old table -> what its rows need beyond their columns; it raises `Unfit` where the row cannot stand."""
