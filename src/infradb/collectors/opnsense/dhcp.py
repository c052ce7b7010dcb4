"""What the DHCP servers hand out: ranges, reservations and leases of ISC DHCP, Kea and dnsmasq alike."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from infradb import clock
from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import Node, has, leaves, nodes, said
from infradb.collectors.opnsense.interfaces import Interface, network_of
from infradb.model.network import IpAddress
from infradb.model.types import canonical_mac
from infradb.observation import Observation

LEASES = ("kea4", "kea6", "dnsmasq", "isc4", "isc6")
"""Endpoints that tell leases."""
_HOSTNAME = 253


@dataclass(slots=True)
class Served:
    """What is handed out in one network."""

    first: str = ""
    last: str = ""
    gateway: str = ""
    dns_servers: list[str] = field(default_factory=list)

    def add(self, first: str, last: str) -> None:
        """Widen the range: from the lowest of several pools to the highest."""
        low = [ip for ip in (self.first, first) if ip]
        high = [ip for ip in (self.last, last or first) if ip]
        self.first = min(low, key=_key, default="")
        self.last = max(high, key=_key, default="")


@dataclass(slots=True)
class Holder:
    """An address that is leased or reserved."""

    address: str
    mac: str = ""
    hostname: str = ""
    reserved: bool = False
    ends_at: str | None = None


def read_served(readings: Readings, interfaces: Sequence[Interface]) -> Mapping[str, Served]:
    """Return network -> what is handed out in it, by whichever server is switched on."""
    config = readings.one("config")
    networks = {str(p.network): one for one in interfaces for p in one.addresses}
    found: dict[str, Served] = {}
    for name in ("dhcpd", "dhcpdv6"):
        for section in config.get(name, ())[:1]:
            for identifier, (node, *_) in ((n, v) for n, v in section.items() if not n.startswith(("@", "#"))):
                if has(node, "enable"):
                    _isc(found, node, [n for n, one in networks.items() if one.identifier == identifier], name)
    if has(config, "OPNsense/Kea/dhcp4/general/enabled"):
        for node in nodes(config, "OPNsense/Kea/dhcp4/subnets/subnet4"):
            served = found.setdefault(_network(said(node, "subnet")), Served())
            for line in said(node, "pools").replace(",", "\n").split("\n"):
                served.add(*_pool(line))
            served.gateway = next(iter(_addresses(said(node, "option_data/routers"))), "")
            served.dns_servers = _addresses(said(node, "option_data/domain_name_servers"))
    if has(config, "dnsmasq/enable"):
        for node in nodes(config, "dnsmasq/dhcp_ranges"):
            first, last = _address(said(node, "start_addr")), _address(said(node, "end_addr"))
            for network in networks:
                if first and _contains(network, first):
                    found.setdefault(network, Served()).add(first, last)
    found.pop("", None)
    return found


def _isc(found: dict[str, Served], node: Mapping[str, Any], networks: Sequence[str], name: str) -> None:
    version = 6 if name == "dhcpdv6" else 4
    for network in (n for n in networks if ipaddress.ip_network(n).version == version):
        served = found.setdefault(network, Served())
        for pool in (*nodes(node, "range"), *nodes(node, "pool/range")):
            served.add(_address(said(pool, "from")), _address(said(pool, "to")))
        served.gateway = _address(said(node, "gateway"))
        servers = [str(n.get("#text", "")) for n in nodes(node, "dnsserver")]
        served.dns_servers = [ip for text in servers for ip in _addresses(text)]


def parse_holders(readings: Readings, networks: Sequence[str], started_at: str) -> Iterator[tuple[Observation, Any]]:
    """Yield every address that is leased or reserved, and what is measured of it."""
    found: dict[str, Holder] = {}
    for holder in (*_reserved(readings), *_leased(readings, started_at)):
        known = found.setdefault(holder.address, holder)
        known.reserved |= holder.reserved
        known.mac, known.hostname = known.mac or holder.mac, known.hostname or holder.hostname
        known.ends_at = known.ends_at or holder.ends_at
    for address in sorted(found, key=_key):
        holder = found[address]
        values: dict[str, Any] = {"ip_address": address, "vrf": "default"}
        values["allocation_type"] = "reserved" if holder.reserved else "dhcp"
        if network := network_of(address, networks):
            values["network_id"] = network
        if holder.mac:
            values["mac_address"] = holder.mac
        if holder.hostname:
            values["hostname"] = holder.hostname
        yield Observation(f"address/{address}", IpAddress.table, values), {"lease_ends_at": holder.ends_at}


def _reserved(readings: Readings) -> Iterator[Holder]:
    config = readings.one("config")
    for entry in _static_maps(config):
        address = said(entry, "ipaddr") or said(entry, "ipaddrv6")
        yield from _holder(address, said(entry, "mac"), said(entry, "hostname"), reserved=True)
    kea = [leaves(e) for v in (4, 6) for e in nodes(config, f"OPNsense/Kea/dhcp{v}/reservations/reservation")]
    for row in (*kea, *readings.rows("reservations")):
        yield from _holder(row.get("ip_address"), row.get("hw_address"), row.get("hostname"), reserved=True)
    dnsmasq = [leaves(entry) for entry in nodes(config, "dnsmasq/hosts") if not has(entry, "ignore")]
    for row in (*dnsmasq, *readings.rows("dnsmasq_hosts")):
        mac = str(row.get("hwaddr") or "").split(",")[0]
        for address in str(row.get("ip") or "").split(",") if mac else ():
            yield from _holder(address, mac, row.get("host"), reserved=True)


def _static_maps(config: Mapping[str, Any]) -> Iterator[Node]:
    for name in ("dhcpd", "dhcpdv6"):
        for section in config.get(name, ())[:1]:
            for identifier in (n for n in section if not n.startswith(("@", "#"))):
                yield from nodes(section, f"{identifier}/staticmap")


def _leased(readings: Readings, started_at: str) -> Iterator[Holder]:
    zone = said(readings.one("config"), "system/timezone")
    now = clock.to_moment(started_at).timestamp()
    for name in LEASES:
        for row in readings.rows(name):
            mac = row.get("hwaddr") or row.get("mac")
            if name.startswith("isc"):
                if row.get("state") not in ("active", None):
                    continue
                ends = _local_instant(str(row.get("ends") or ""), zone)
            else:
                # Kea's states 1 and 2 are declined and expired; dnsmasq's end 0 is none.
                if str(row.get("state") or "0") not in ("0", "default"):
                    continue
                seconds = _seconds(row.get("expire"))
                if seconds and seconds < now:
                    continue
                ends = clock.to_instant(datetime.fromtimestamp(seconds, UTC)) if seconds else None
            fixed = row.get("type") == "static"
            yield from _holder(row.get("address"), mac, row.get("hostname"), reserved=fixed, ends_at=ends)


def _holder(
    address: object, mac: object, hostname: object, *, reserved: bool = False, ends_at: str | None = None
) -> Iterator[Holder]:
    ip = _address(str(address or ""))
    if not ip:
        return
    try:
        known_mac = canonical_mac(str(mac or ""))
    except ValueError:
        known_mac = ""
    name = str(hostname or "").strip().rstrip(".")
    yield Holder(ip, known_mac, name if name not in ("*", "") and len(name) <= _HOSTNAME else "", reserved, ends_at)


def _local_instant(text: str, zone: str) -> str | None:
    """Return a time that ISC DHCP's page writes in the firewall's own zone; None where that is not known."""
    try:
        moment = datetime.strptime(text, "%Y/%m/%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
        return clock.to_instant(moment)
    except (ValueError, OSError, LookupError, OverflowError):
        return None


def _seconds(value: object) -> int:
    text = str(value).split(".")[0]
    # Up to the year 9999; dnsmasq and Kea write what never ends as 0 and as 2^32-1.
    return int(text) if text.isdecimal() and len(text) < 11 and int(text) != 2**32 - 1 else 0


def _pool(line: str) -> tuple[str, str]:
    text = line.strip()
    if "/" in text:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            return "", ""
        return str(network.network_address), str(network.broadcast_address)
    first, _, last = text.partition("-")
    return _address(first.strip()), _address(last.strip())


def _addresses(text: str) -> list[str]:
    return [ip for part in text.replace(",", " ").split() if (ip := _address(part))]


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip().split("/")[0].split("%")[0]))
    except ValueError:
        return ""


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return ""


def _contains(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def _key(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)
