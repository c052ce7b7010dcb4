"""Names: aliases of the filter, DNS overrides of Unbound and dnsmasq; and who else is on the wire."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import Node, has, leaves, nodes, said
from infradb.collectors.opnsense.interfaces import network_of
from infradb.collectors.opnsense.parse_network import HOST
from infradb.model.network import DnsRecord, FirewallAlias, IpAddress
from infradb.model.types import canonical_mac
from infradb.observation import Observation
from infradb.redaction import redact_text

_TYPES = {"host": "network", "network": "network", "port": "port", "networkgroup": "group"}
_FILLED = frozenset(
    {"url", "urltable", "urljson", "geoip", "external", "internal", "asn", "mac", "dynipv6host", "authgroup"}
)
"""Types whose addresses the firewall finds by itself."""


def parse_aliases(readings: Readings, own: Mapping[str, Sequence[str]], used: Iterable[str]) -> Iterator[Observation]:
    """Yield the aliases that people made, and those names of interfaces that rules use."""
    seen: set[str] = set()
    for fields in _aliases(readings):
        name = fields.get("name", "").strip()
        if not 0 < len(name) < 256 or name in seen:
            continue
        seen.add(name)
        kind = fields.get("type", "")
        values: dict[str, Any] = {
            "firewall_host_id": HOST,
            "alias_name": name,
            "alias_type": _TYPES.get(kind, "set" if kind in _FILLED else "other"),
            "enabled": fields.get("enabled", "1") != "0",
        }
        content = [redact_text(line.strip()) for line in fields.get("content", "").splitlines() if line.strip()]
        if content or kind not in _FILLED:
            values["content"] = content
        if description := fields.get("description") or fields.get("descr"):
            values["description"] = redact_text(description)
        yield Observation(f"alias/{name}", FirewallAlias.table, values)
    for name in sorted(set(used) - seen):
        if addresses := own.get(name):
            values = {"firewall_host_id": HOST, "alias_name": name, "alias_type": "network", "content": [*addresses]}
            yield Observation(f"alias/{name}", FirewallAlias.table, values)


def _aliases(readings: Readings) -> Iterator[dict[str, str]]:
    exported = readings.one("aliases").get("aliases")
    told = exported.get("alias") if isinstance(exported, dict) else None
    if isinstance(told, dict):
        for one in told.values():
            if isinstance(one, dict):
                yield {n: str(v) for n, v in one.items() if isinstance(v, str | int)}
        return
    for node in nodes(readings.one("config"), "OPNsense/Firewall/Alias/aliases/alias"):
        yield leaves(node)


def parse_records(readings: Readings, server: str) -> Iterator[Observation]:
    """Yield the names that Unbound and dnsmasq answer by themselves."""
    config = readings.one("config")
    seen: set[str] = set()
    for name, kind, content, ttl in (*_unbound(config), *_dnsmasq(config), *_told(readings)):
        key = f"record/{name}/{kind}/{content}"
        if not name or not content or len(name) > 255 or len(content) > 255 or key in seen:
            continue
        seen.add(key)
        values: dict[str, Any] = {"record_name": name, "record_type": kind, "content": content, "zone": ""}
        values |= {"server": server, "host_id": HOST}
        if ttl.isdecimal() and len(ttl) < 11:
            values["ttl_seconds"] = int(ttl)
        yield Observation(key, DnsRecord.table, values)


Record = tuple[str, str, str, str]


def _unbound(config: Mapping[str, Any]) -> Iterator[Record]:
    by_uuid: dict[str, Node] = {}
    for node in nodes(config, "OPNsense/unboundplus/hosts/host"):
        by_uuid[str(node.get("@uuid", ""))] = node
        if said(node, "enabled") != "0":
            yield from _override(leaves(node))
    for alias in nodes(config, "OPNsense/unboundplus/aliases/alias"):
        target = by_uuid.get(said(alias, "host"))
        if target is None or said(alias, "enabled") == "0" or said(target, "enabled") == "0":
            continue
        named = {n: said(alias, n) or said(target, n) for n in ("hostname", "domain")}
        yield from _override(leaves(target) | named)


def _override(fields: Mapping[str, str]) -> Iterator[Record]:
    name, ttl = _full(fields.get("hostname", ""), fields.get("domain", "")), fields.get("ttl", "")
    kind = fields.get("rr", "A").split(" ")[0].upper() or "A"
    if kind == "MX":
        yield name, "MX", f"{fields.get('mxprio') or 10} {fields.get('mx', '').rstrip('.')}.", ttl
    elif kind == "TXT":
        yield name, "TXT", redact_text(fields.get("txtdata", "")), ttl
    elif address := _address(fields.get("server", "")):
        yield name, "AAAA" if ":" in address else "A", address, ttl


def _dnsmasq(config: Mapping[str, Any]) -> Iterator[Record]:
    if has(config, "dnsmasq/enable"):
        for node in nodes(config, "dnsmasq/hosts"):
            yield from _host(leaves(node))


def _host(fields: Mapping[str, str]) -> Iterator[Record]:
    name = _full(fields.get("host", ""), fields.get("domain", ""))
    for address in filter(None, map(_address, fields.get("ip", "").split(","))):
        yield name, "AAAA" if ":" in address else "A", address, ""
    for alias in fields.get("cnames", "").split(","):
        if alias.strip() and name:
            yield alias.strip().lower().rstrip("."), "CNAME", f"{name}.", ""


def _told(readings: Readings) -> Iterator[Record]:
    for row in readings.rows("hosts"):
        fields = {n: str(v) for n, v in row.items() if isinstance(v, str | int)}
        if fields.get("enabled", "1") not in ("0", "False"):
            yield from _override(fields)
    for row in readings.rows("dnsmasq_hosts"):
        yield from _host({n: str(v) for n, v in row.items() if isinstance(v, str | int)})


def parse_neighbours(
    readings: Readings, own: set[str], networks: Sequence[str], now: str
) -> Iterator[tuple[Observation, Any]]:
    """Yield who answers on the firewall's links, and when it was seen: its own addresses are not among them."""
    seen: set[str] = set()
    for row in (*readings.rows("arp"), *readings.rows("ndp")):
        address = _address(str(row.get("ip") or ""))
        expired = str(row.get("expired")).lower() in ("true", "1")
        if not address or address in own or address in seen or expired or ipaddress.ip_address(address).is_link_local:
            continue
        try:
            mac = canonical_mac(str(row.get("mac") or ""))
        except ValueError:
            continue
        if int(mac[:2], 16) & 1 or mac == "00:00:00:00:00:00":
            continue
        seen.add(address)
        values: dict[str, Any] = {"ip_address": address, "vrf": "default", "mac_address": mac}
        if network := network_of(address, networks):
            values["network_id"] = network
        yield Observation(f"address/{address}", IpAddress.table, values), {"last_seen_at": now}


def _full(host: str, domain: str) -> str:
    return ".".join(part for part in (host.strip(), domain.strip()) if part).lower().rstrip(".")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip().split("%")[0]))
    except ValueError:
        return ""
