"""Turns the answers of a Pi-hole's API into records, networks and addresses (FTL 6.0, OpenAPI of `/api/docs`)."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infradb.dns_names import Record, canonical_record
from infradb.errors import SourceMalformed
from infradb.leases import Lease, Subnet, lease, subnet
from infradb.understood import understood

_MAC = re.compile(r"^(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")
_OWN_LINKS = re.compile(r"^(?:lo|docker\d+|br-[0-9a-f]{12}|veth.*)$")
"""Interfaces behind which there are only containers of the machine itself, whose addresses are Docker's to tell."""


def parse_hosts(raw: Mapping[str, Any]) -> tuple[list[Record], tuple[str, ...]]:
    """Return the local names: `ADDRESS NAME NAME`."""
    lines = _setting(raw, "dns", "hosts", list)
    found, errors = understood(lines, _host, "local names")
    return [record for several in found for record in several], errors


def parse_aliases(raw: Mapping[str, Any]) -> tuple[list[Record], tuple[str, ...]]:
    """Return the local aliases: `ALIAS,TARGET` or `ALIAS,TARGET,TTL`."""
    return understood(_setting(raw, "dns", "cnameRecords", list), _alias, "local aliases")


def parse_leases(raw: Mapping[str, Any]) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the leases; one without an end has 0 as its end."""
    return understood(
        _list(raw, "leases"), lambda one: lease(one["ip"], one["hwaddr"], one["name"], one["expires"]), "leases"
    )


def parse_dhcp(
    raw: Mapping[str, Any], interfaces: Mapping[str, Any]
) -> tuple[list[Subnet], list[Lease], tuple[str, ...]]:
    """Return the network that DHCP is on for, and the reservations in it; nothing where it is off."""
    dhcp = _setting(raw, "dhcp", None, dict)
    if not dhcp.get("active"):
        return [], [], ()
    subnets, errors = understood([dhcp], lambda one: _subnet(one, interfaces), "DHCP settings")
    hosts = dhcp.get("hosts")
    reserved, more = understood(hosts if isinstance(hosts, list) else (), _reserved, "reservations")
    return subnets, [one for several in reserved for one in several], errors + more


def parse_devices(raw: Mapping[str, Any], since: float) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the addresses of devices that were seen since then (seconds since 1970), with when that was."""
    return understood(_addresses(raw), lambda pair: _seen(pair[0], pair[1], since), "addresses of devices")


def _addresses(raw: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for device in _list(raw, "devices"):
        addresses = device.get("ips") if isinstance(device, dict) else None
        for one in addresses if isinstance(addresses, list) else [None]:
            yield device, one


def _seen(device: Any, one: Any, since: float) -> Lease | None:
    if _OWN_LINKS.match(str(device["interface"])) or one["lastSeen"] < since:
        return None
    address = ipaddress.ip_address(one["ip"])
    if address.is_loopback or address.is_link_local or address.is_unspecified:
        return None
    # What Pi-hole knows no hardware address of is listed as `ip-10.0.0.5`.
    mac = device["hwaddr"] if _MAC.match(str(device["hwaddr"])) else None
    return lease(str(address), mac, one["name"], seen=one["lastSeen"], allocation="seen")


def _host(line: Any) -> list[Record]:
    address, *names = line.partition("#")[0].split()
    kind = "AAAA" if ":" in address else "A"
    return [r for n in names if (r := canonical_record("", n, kind, address))]


def _alias(line: Any) -> Record | None:
    alias, target, *_ = line.split(",")
    return canonical_record("", alias, "CNAME", target)


def _subnet(dhcp: Mapping[str, Any], interfaces: Mapping[str, Any]) -> Subnet | None:
    start, end = dhcp["start"], dhcp["end"]
    first = ipaddress.ip_address(start)
    if dhcp.get("netmask"):
        network = ipaddress.ip_network(f"{start}/{dhcp['netmask']}", strict=False)
    else:
        # Pi-hole takes it from the interface that the range lies on.
        inside = [n for n in _attached(interfaces) if n.version == first.version and first in n]
        if not inside:
            return None
        network = inside[0]
    return subnet(str(network), [(start, end)], gateway=dhcp.get("router") or None, hands_out=True)


def _attached(raw: Mapping[str, Any]) -> Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for one in _list(raw, "interfaces"):
        addresses = one.get("addresses") if isinstance(one, dict) else None
        for each in addresses if isinstance(addresses, list) else ():
            if isinstance(each, dict) and isinstance(each.get("address"), str) and each.get("prefixlen"):
                yield ipaddress.ip_network(f"{each['address'].partition('%')[0]}/{each['prefixlen']}", strict=False)


def _reserved(line: Any) -> list[Lease]:
    """Return the addresses of a `dhcp-host` of dnsmasq, which Pi-hole's DHCP server is: `MAC,ADDRESS,NAME`."""
    parts = [p.strip().strip("[]") for p in line.split(",")]
    addresses = [p for p in parts if _is_address(p)]
    mac = next((p for p in parts if _MAC.match(p)), None)
    name = next(
        (p for p in parts if p and p not in addresses and not _MAC.match(p) and not re.match(r"^\d|.*:", p)), None
    )
    return [lease(a, mac, name, allocation="reserved") for a in addresses]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _setting(raw: Mapping[str, Any], section: str, name: str | None, kind: type) -> Any:
    try:
        found = raw["config"][section]
        found = found[name] if name else found
    except (KeyError, TypeError, IndexError):
        found = None
    if not isinstance(found, kind):
        raise SourceMalformed(
            f"the setting {section} {name or ''} is not there".rstrip(), hint="is it a Pi-hole of version 6?"
        )
    return found


def _list(raw: Mapping[str, Any], name: str) -> list[Any]:
    found = raw.get(name)
    if not isinstance(found, list):
        raise SourceMalformed(f"the answer holds no list of {name}", hint="is it a Pi-hole of version 6?")
    return found
