"""The firewall itself, its interfaces, the networks on them, its addresses and its routes."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import has, nodes, said
from infradb.collectors.opnsense.dhcp import Served, read_served
from infradb.collectors.opnsense.interfaces import Interface, Place, is_network, network_of, own_networks
from infradb.model.network import IpAddress, Network, NetworkRoute
from infradb.model.physical import Host, NetworkInterface
from infradb.model.types import canonical_destination
from infradb.observation import Observation
from infradb.redaction import redact_text

HOST = "host"


def parse_host(readings: Readings, interfaces: Sequence[Interface], url: str | None) -> Observation | None:
    """Return the firewall; None where neither side says its name."""
    system, config = readings.one("system"), readings.one("config")
    name = said(config, "system/hostname") or str(system.get("name") or "").split(".")[0].strip()
    if not name or len(name) > 253:
        return None
    values: dict[str, Any] = {
        "hostname": name,
        "host_type": "network_device",
        "status": "active",
        "os_name": "OPNsense",
    }
    versions = system.get("versions")
    for text in versions if isinstance(versions, list) else ():
        product, _, version = str(text).partition(" ")
        if product == "OPNsense" and version:
            values["os_version"], _, architecture = version.partition("-")
            if architecture:
                values["architecture"] = architecture
        elif product == "FreeBSD" and version:
            values["kernel"] = version
    if management := _management(interfaces, url):
        values["management_ip"] = management
    # Members of a LAGG and spoofed ones show another address than their own; `macaddr_hw` is the card's.
    if macs := sorted({one.mac for one in interfaces if one.physical and one.mac and one.kind == "physical"}):
        values["mac_addresses"] = macs
    return Observation(HOST, Host.table, values)


def _management(interfaces: Sequence[Interface], url: str | None) -> str | None:
    asked = urlsplit(url).hostname if url else None
    own = [place for one in interfaces for place in one.addresses if not place.ip.is_loopback]
    if asked and asked in {str(place.ip) for place in own}:
        return asked
    inside = [one for one in interfaces if one.identifier == "lan" and one.addresses]
    return str(inside[0].addresses[0].ip) if inside else None


def parse_interfaces(interfaces: Sequence[Interface]) -> Iterator[Observation]:
    """Yield the interfaces, those that others lie on first."""
    known = {one.device for one in interfaces}
    for one in sorted(interfaces, key=lambda one: (one.kind == "vlan", one.device)):
        if len(one.device) > 255:
            continue
        values: dict[str, Any] = {"host_id": HOST, "interface_name": one.device, "interface_type": one.kind}
        if one.mac:
            values["mac_address"] = one.mac
        if one.mtu is not None:
            values["mtu"] = one.mtu
        if one.speed and one.status == "up":
            values["speed_mbps"] = one.speed
        if one.vlan_id is not None:
            values["vlan_id"] = one.vlan_id
        if one.parent in known and one.kind == "vlan":
            values["parent_interface_id"] = interface_key(one.parent)
        if one.members and one.kind == "bridge":
            values["bridge_ports"] = one.members
        if one.status:
            values["link_status"] = one.status
        if one.description:
            named = f"{one.description} ({one.identifier})" if one.identifier else one.description
            values["description"] = redact_text(named)
        yield Observation(interface_key(one.device), NetworkInterface.table, values)


def interface_key(device: str) -> str:
    """Return the native key of an interface."""
    return f"interface/{device}"


def parse_networks(readings: Readings, interfaces: Sequence[Interface]) -> Iterator[Observation]:
    """Yield the networks, with their gateway and with what the DHCP server hands out in them."""
    served, gateways = read_served(readings, interfaces), _gateways(readings)
    seen: set[str] = set()
    for one in interfaces:
        for place in one.addresses:
            cidr = str(place.network)
            if not is_network(place) or cidr in seen or not one.enabled:
                continue
            seen.add(cidr)
            values: dict[str, Any] = {"network_name": (one.description or cidr)[:255], "cidr": cidr, "vrf": "default"}
            if one.vlan_id is not None:
                values["vlan_id"] = one.vlan_id
            served_here = served.get(cidr)
            inside = not (
                one.dynamic or one.upstream or any(g.default and g.interface == one.identifier for g in gateways)
            )
            leading_out = [g.address for g in gateways if _within(g.address, place) and not inside]
            own = str(
                next((p.ip for p in one.addresses if p.network == place.network and str(p.ip) in one.shared), place.ip)
            )
            if gateway := (served_here and served_here.gateway) or next(iter(leading_out), own if inside else ""):
                values["gateway"] = gateway
            yield Observation(
                f"network/{cidr}", Network.table, values | _handed_out(served_here, own, readings, inside)
            )


def _handed_out(served: Served | None, own: str, readings: Readings, inside: bool) -> dict[str, Any]:
    if served is None:
        # That nothing is handed out is known only where the configuration was read.
        return {"dhcp_enabled": False} if inside and "config" in readings.answers else {}
    values: dict[str, Any] = {"dhcp_enabled": True}
    if served.first and served.last:
        values |= {"dhcp_range_start": served.first, "dhcp_range_end": served.last}
    config = readings.one("config")
    resolver = has(config, "unbound/enable") or has(config, "OPNsense/unboundplus/general/enabled")
    if servers := served.dns_servers or ([own] if resolver or has(config, "dnsmasq/enable") else []):
        values["dns_servers"] = servers
    return values


def parse_addresses(interfaces: Sequence[Interface]) -> Iterator[Observation]:
    """Yield the firewall's own addresses."""
    networks = own_networks(interfaces)
    seen: set[str] = set()
    for one in interfaces:
        for place in one.addresses:
            address = str(place.ip)
            if place.ip.is_loopback or address in seen:
                continue
            seen.add(address)
            kind = "virtual" if address in one.shared else "dhcp" if one.dynamic else "static"
            values = {"ip_address": address, "vrf": "default", "host_id": HOST, "allocation_type": kind}
            values["interface_id"] = interface_key(one.device)
            if network := network_of(address, networks):
                values["network_id"] = network
            yield Observation(f"address/{address}", IpAddress.table, values)


def parse_routes(readings: Readings, interfaces: Sequence[Interface]) -> Iterator[Observation]:
    """Yield the routing table; from a saved configuration the static routes and the default one."""
    ways = _live_routes(readings) if "routes" in readings.answers else _configured_routes(readings, interfaces)
    seen: set[str] = set()
    for destination, gateway, device, kind in ways:
        key = f"route/{destination}/{gateway}/{device}"
        if key in seen:
            continue
        seen.add(key)
        values = {"host_id": HOST, "destination_network": destination, "gateway_ip": gateway, "interface_name": device}
        yield Observation(key, NetworkRoute.table, values | {"route_type": kind})


def _live_routes(readings: Readings) -> Iterator[tuple[str, str, str, str]]:
    for row in readings.rows("routes"):
        device, flags = str(row.get("netif") or ""), str(row.get("flags") or "")
        destination = _destination(str(row.get("destination") or ""))
        if not destination or device.startswith("lo") or "D" in flags:  # learned by redirects (netstat(1))
            continue
        gateway = _address(str(row.get("gateway") or ""))
        kind = "default" if destination == "default" else "static" if "S" in flags and gateway else "connected"
        yield destination, gateway, device, kind if gateway or kind != "connected" or "S" not in flags else "static"


def _configured_routes(readings: Readings, interfaces: Sequence[Interface]) -> Iterator[tuple[str, str, str, str]]:
    config, devices = readings.one("config"), {one.identifier: one.device for one in interfaces}
    gateways: dict[str, tuple[str, str]] = {}
    for path in ("OPNsense/Gateways/gateway_item", "gateways/gateway_item"):
        for node in nodes(config, path):
            place = (_address(said(node, "gateway")), devices.get(said(node, "interface"), ""))
            gateways[said(node, "name")] = place
            if has(node, "defaultgw") and not has(node, "disabled") and place[0]:
                yield "default", *place, "default"
    for node in nodes(config, "staticroutes/route"):
        destination = _destination(said(node, "network"))
        if destination and not has(node, "disabled"):
            yield destination, *gateways.get(said(node, "gateway"), ("", "")), "static"


class _Gateway(NamedTuple):
    interface: str
    address: str
    default: bool


def _gateways(readings: Readings) -> list[_Gateway]:
    """Return every gateway that is not switched off."""
    found = []
    for row in readings.rows("gateways"):
        address = _address(str(row.get("gateway") or row.get("address") or ""))
        if str(row.get("disabled")).lower() not in ("1", "true"):
            default = str(row.get("defaultgw")).lower() in ("1", "true")
            found.append(_Gateway(str(row.get("interface") or ""), address, default))
    config = readings.one("config")
    for path in ("OPNsense/Gateways/gateway_item", "gateways/gateway_item"):
        for node in (node for node in nodes(config, path) if not has(node, "disabled")):
            place = said(node, "interface"), _address(said(node, "gateway"))
            found.append(_Gateway(*place, has(node, "defaultgw")))
    return found


def _within(address: str, place: Place) -> bool:
    return bool(address) and ipaddress.ip_address(address) in place.network


def _destination(text: str) -> str:
    try:
        destination = canonical_destination(text.split("%")[0])
    except ValueError:
        return ""
    if destination == "default":
        return destination
    network = ipaddress.ip_network(destination)
    return "" if network.is_link_local or network.is_multicast or network.is_loopback else destination


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.split("%")[0]))
    except ValueError:
        return ""


def names_of(interfaces: Sequence[Interface]) -> Mapping[str, list[str]]:
    """Return what rules may call interfaces and their addresses -> what that stands for: lan, lanip."""
    found: dict[str, list[str]] = {}
    for one in interfaces:
        if one.identifier:
            found[one.identifier] = sorted({str(place.network) for place in one.addresses})
            found[f"{one.identifier}ip"] = sorted({str(place.ip) for place in one.addresses})
    found["(self)"] = sorted({str(place.ip) for one in interfaces for place in one.addresses})
    return found
