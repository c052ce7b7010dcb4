"""A machine's interfaces and addresses, from the collectors netclass and netdev of a node_exporter."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from infradb.machines import is_container_end, is_docker_bridge, is_own_space
from infradb.model.network import IpAddress, Network
from infradb.model.physical import NetworkInterface
from infradb.observation import Observation, Rejected, observed
from infradb.redaction import redact_text
from infradb.transport.exposition import Metrics

_NO_MAC = ("", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "ee:ee:ee:ee:ee:ee")
_TUNNEL = re.compile(r"^(wg|tun|tailscale|zt|ppp|gre|sit|vti|ipsec)")
_BRIDGE = re.compile(r"^(br|vmbr|virbr|lxdbr|docker|podman|cni)")
_VLAN = re.compile(r"^(?P<below>.+)\.(?P<tag>\d{1,4})$")

Said = tuple[Observation | Rejected, ...]


def has_own_hardware(metrics: Metrics) -> bool:
    """Tell whether an interface bears an address that its hardware brought.

    That is NET_ADDR_PERM, 0, in linux/netdevice.h. The end of a veth pair, which is all that a container has, bears one
    that software made up.
    """
    return any(n != "lo" and kind == 0 for n, kind in metrics.by("node_network_address_assign_type", "device").items())


def hardware_addresses(metrics: Metrics) -> list[str]:
    """Return the addresses that hardware, real or a hypervisor's, brought."""
    permanent = {n for n, kind in metrics.by("node_network_address_assign_type", "device").items() if kind == 0}
    info = {s.labels.get("device"): s.labels.get("address", "").lower() for s in metrics.of("node_network_info")}
    return sorted({mac for n, mac in info.items() if n in permanent and n != "lo" and mac not in _NO_MAC})


def _names(metrics: Metrics) -> list[str]:
    names = {s.labels.get("device", "") for s in metrics.of("node_network_info")}
    return sorted(n for n in names if n and not is_container_end(n))


def parse_interfaces(metrics: Metrics, host: str) -> Iterator[Said]:
    """Yield interfaces, what others lie on first."""
    kept = _names(metrics)
    for name in sorted(kept, key=lambda n: (bool(_VLAN.match(n)), n)):
        yield observed(f"{host}/interface/{name}", NetworkInterface, _interface(metrics, host, name, set(kept)))


def parse_addresses(metrics: Metrics, host: str) -> Iterator[Said]:
    """Yield networks, then addresses; those on Docker's bridges are the Docker collector's."""
    kept = [n for n in _names(metrics) if not is_docker_bridge(n)]
    placed: dict[str, tuple[str, str]] = {}
    for sample in metrics.of("node_network_address_info"):
        name, address = sample.labels.get("device", ""), sample.labels.get("address", "").split("%")[0]
        if name in kept and not is_own_space(address):
            placed.setdefault(str(ipaddress.ip_address(address)), (name, sample.labels.get("netmask", "")))
    networks = {a: n for a, (_, mask) in placed.items() if (n := _network(a, mask))}
    for cidr in sorted(set(networks.values())):
        yield observed(f"{host}/network/{cidr}", Network, {"network_name": cidr, "cidr": cidr})
    for address, (name, _) in sorted(placed.items()):
        values = {"ip_address": address, "host_id": host, "interface_id": f"{host}/interface/{name}"}
        if address in networks:
            values["network_id"] = f"{host}/network/{networks[address]}"
        yield observed(f"{host}/address/{address}", IpAddress, values)


def _interface(metrics: Metrics, host: str, name: str, known: set[str]) -> dict[str, Any]:
    values: dict[str, Any] = {"host_id": host, "interface_name": name, "interface_type": _kind(metrics, name)}
    if is_docker_bridge(name):
        return values  # its carrier and MTU follow its containers
    labels = next(s.labels for s in metrics.of("node_network_info") if s.labels.get("device") == name)
    mac, state, alias = labels.get("address", "").lower(), labels.get("operstate", ""), labels.get("ifalias", "")
    mtu, speed = (metrics.by(f"node_network_{what}_bytes", "device").get(name, 0) for what in ("mtu", "speed"))
    carrier = metrics.by("node_network_carrier", "device").get(name)
    values |= {
        "mac_address": mac if mac not in _NO_MAC and len(mac) == 17 else None,
        "mtu": int(mtu) if 0 < mtu < 2**31 else None,
        "speed_mbps": round(speed * 8 / 1e6) if 0 < speed < 2**40 else None,
        "link_status": "up"
        if state == "up" or (state == "unknown" and carrier)
        else "down"
        if state == "down"
        else None,
        "description": redact_text(alias) if alias else None,
    }
    if tagged := _VLAN.match(name):
        values["vlan_id"] = int(tagged["tag"])
        if tagged["below"] in known:
            values["parent_interface_id"] = f"{host}/interface/{tagged['below']}"
    return {n: v for n, v in values.items() if v is not None}


def _kind(metrics: Metrics, name: str) -> str | None:
    """Return what an interface is as far as its name and its address tell; the exporter does not say."""
    if name == "lo":
        return "loopback"
    if name in metrics.by("node_bonding_slaves", "master"):
        return "bond"
    if _VLAN.match(name):
        return "vlan"
    if is_docker_bridge(name) or _BRIDGE.match(name):
        return "bridge"
    if _TUNNEL.match(name):
        return "tunnel"
    if name.startswith("wl"):
        return "wifi"
    return "physical" if metrics.by("node_network_address_assign_type", "device").get(name) == 0 else None


def _network(address: str, mask: str) -> str | None:
    """Return the network of an address; the mask is a prefix length, as Go prints it, or four numbers."""
    try:
        network = ipaddress.ip_network(f"{address}/{mask}", strict=False)
    except ValueError:
        return None
    return None if network.prefixlen == network.max_prefixlen else str(network)
