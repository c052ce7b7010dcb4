"""A machine's interfaces and addresses in Ansible's facts."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infradb.machines import is_container_end, is_docker_bridge, is_own_space
from infradb.model.network import IpAddress, Network
from infradb.model.physical import NetworkInterface
from infradb.observation import Observation, Rejected, observed

_TYPES = {"bridge": "bridge", "bonding": "bond", "loopback": "loopback", "tunnel": "tunnel", "vlan": "vlan"}
_NOT_IN_NAMES = re.compile(r"[-.:]")  # a fact's name has underscores in their place
_NO_MAC = ("", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "ee:ee:ee:ee:ee:ee")
_VLAN = re.compile(r"^(?P<below>.+)\.(?P<tag>\d{1,4})$")
_PCI = re.compile(r"^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")

Facts = Mapping[str, Any]


def _interfaces(facts: Facts) -> dict[str, Facts]:
    """Return the interfaces that stay when containers come and go; those on others come last."""
    names = facts.get("interfaces")
    found: dict[str, Facts] = {}
    for name in (
        sorted((n for n in names if isinstance(n, str)), key=lambda n: (bool(_VLAN.match(n)), n))
        if (isinstance(names, list))
        else ()
    ):
        raw = facts.get(_NOT_IN_NAMES.sub("_", name))
        if name and isinstance(raw, Mapping) and not is_container_end(name):
            found[name] = raw
    return found


def hardware_addresses(facts: Facts) -> list[str]:
    """Return the addresses of devices, real or a hypervisor's; ports of a bond share theirs."""
    found = _interfaces(facts)
    shared = {str(p) for raw in found.values() for p in _list(raw.get("slaves"))}
    macs = {
        str(raw.get("macaddress") or "").lower() for n, raw in found.items() if raw.get("pciid") and n not in shared
    }
    return sorted(m for m in macs if len(m) == 17 and m not in _NO_MAC)


def parse_network(facts: Facts, host: str) -> Iterator[Observation | Rejected]:
    """Yield interfaces, what others lie on first, then networks, then addresses."""
    found = _interfaces(facts)
    for name, raw in found.items():
        yield from observed(f"{host}/interface/{name}", NetworkInterface, _interface(name, raw, host, found))
    placed: dict[str, tuple[str, str | None]] = {}
    for name, raw in found.items():
        for address, network in () if is_docker_bridge(name) else _addresses(raw):
            placed.setdefault(address, (name, network))
    ways = [w for n in ("default_ipv4", "default_ipv6") if isinstance(w := facts.get(n), Mapping)]
    gateways = [g for w in ways if isinstance(g := w.get("gateway"), str)]
    for cidr in sorted({n for _, n in placed.values() if n}):
        values = {"network_name": cidr, "cidr": cidr}
        if inside := [g for g in gateways if _is_in(g, cidr)]:
            values["gateway"] = inside[0]
        yield from observed(f"{host}/network/{cidr}", Network, values)
    for address, (name, network_of) in sorted(placed.items()):
        values = {"ip_address": address, "host_id": host, "interface_id": f"{host}/interface/{name}"}
        if network_of:
            values["network_id"] = f"{host}/network/{network_of}"
        yield from observed(f"{host}/address/{address}", IpAddress, values)


def _interface(name: str, raw: Facts, host: str, known: Mapping[str, Facts]) -> dict[str, Any]:
    kind = "vlan" if _VLAN.match(name) else _TYPES.get(str(raw.get("type")))
    kind = kind or ("wifi" if name.startswith("wl") else "physical" if raw.get("pciid") else None)
    values: dict[str, Any] = {"host_id": host, "interface_name": name, "interface_type": kind}
    if not is_docker_bridge(name):
        mac, speed, mtu = str(raw.get("macaddress") or "").lower(), raw.get("speed"), raw.get("mtu")
        pci = raw.get("pciid")
        active = raw.get("active")
        values |= {
            "mac_address": mac if mac not in _NO_MAC and len(mac) == 17 else None,
            "mtu": mtu if isinstance(mtu, int) and 0 < mtu < 2**31 else None,
            "speed_mbps": speed if isinstance(speed, int) and 0 < speed < 2**31 else None,
            "driver": raw.get("module"),
            "pci_slot": pci if isinstance(pci, str) and _PCI.match(pci) else None,
            "link_status": {True: "up", False: "down"}.get(active) if isinstance(active, bool) else None,
        }
        if kind == "bridge":
            values["bridge_ports"] = sorted(p for p in _list(raw.get("interfaces")) if not is_container_end(p))
        if tagged := _VLAN.match(name):
            values["vlan_id"] = int(tagged["tag"])
            if tagged["below"] in known:
                values["parent_interface_id"] = f"{host}/interface/{tagged['below']}"
    return {n: v for n, v in values.items() if v is not None}


def _addresses(raw: Facts) -> Iterator[tuple[str, str | None]]:
    """Yield an interface's addresses, each with its network."""
    ipv4 = raw.get("ipv4")
    entries = [*(ipv4 if isinstance(ipv4, list) else [ipv4]), *_entries(raw.get("ipv4_secondaries"))]
    for entry in (*entries, *_entries(raw.get("ipv6"))):
        if not isinstance(entry, Mapping) or is_own_space(address := str(entry.get("address") or "")):
            continue
        length = entry.get("prefix") or entry.get("netmask")
        try:
            network = ipaddress.ip_network(f"{address}/{length}", strict=False) if length else None
        except ValueError:
            network = None
        is_host_route = network is None or network.prefixlen == network.max_prefixlen
        yield str(ipaddress.ip_address(address)), None if is_host_route else str(network)


def _entries(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _list(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _is_in(gateway: str, cidr: str) -> bool:
    try:
        return ipaddress.ip_address(gateway) in ipaddress.ip_network(cidr)
    except ValueError:
        return False
