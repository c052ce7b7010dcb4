"""The machine's routing tables, from ip(8) with and without JSON."""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb.collectors.linux.sections import Facts
from infradb.model.network import NetworkRoute
from infradb.model.types import canonical_destination
from infradb.observation import Observation

_HOP = {"gateway": str, "via": {"host": str}, "dev": str}
_SHAPE = [
    {
        **_HOP, "type": str, "dst": str, "table": (str, int), "protocol": str, "scope": str, "prefsrc": str,
        "metric": int, "nexthops": [_HOP],
    }
]  # fmt: skip
_TYPES = ("unicast", "local", "broadcast", "multicast", "anycast", "blackhole", "unreachable", "prohibit", "throw")
_KEPT_TYPES = ("unicast", "blackhole", "unreachable", "prohibit")
_BY_HAND = ("static", "boot", "unspec", "")
_FLAGS = ("onlink", "linkdown", "dead", "pervasive", "offload", "trap", "rt_offload", "rt_trap")
_LINK_LOCAL = ipaddress.IPv6Network("fe80::/10")
_MULTICAST = ipaddress.IPv6Network("ff00::/8")


@dataclass(frozen=True, slots=True)
class Route:
    """One way out of the machine; a route with several next hops is several ways."""

    version: int
    """4 or 6."""
    destination: str
    """`default` or a network."""
    gateway: str = ""
    interface: str = ""
    metric: int = 0
    table: str = "main"
    protocol: str = ""
    """Who made it: kernel, static, boot, dhcp, ra, bird …; empty where ip(8) does not say."""
    scope: str = ""
    source: str = ""
    """Preferred source address."""


def read_routes(facts: Facts) -> list[Route]:
    """Return the ways of all tables but `local`, without those to link-local and multicast destinations."""
    found: list[Route] = []
    for version in (4, 6):
        spoken = facts.json(f"ip-route{version}", _SHAPE)
        if not isinstance(spoken, list):
            spoken = list(_from_text(facts.lines(f"ip-route{version}-text")))
        for entry in spoken:
            try:
                found += ways(entry, version)
            except ValueError as error:
                facts.malformed[f"ip-route{version}"] = f"printed a route that makes no sense: {error}"
    return found


def parse_routes(routes: Sequence[Route], foreign: set[str]) -> list[Observation]:
    """Return the routes, but for those through interfaces that are Docker's business."""
    found: dict[str, Observation] = {}
    for route in routes:
        if route.interface in foreign or route.destination in ("127.0.0.0/8", "::1/128"):
            continue
        key = f"route/{route.table}/{route.destination}/{route.gateway}/{route.metric}/{route.interface}"
        values = {
            "host_id": "host",
            "routing_table": route.table,
            "destination_network": route.destination,
            "gateway_ip": route.gateway,
            "metric": route.metric,
            "interface_name": route.interface,
            "route_type": _route_type(route),
        }
        found.setdefault(key, Observation(key, NetworkRoute.table, values))
    return list(found.values())


def _route_type(route: Route) -> str:
    if route.destination == "default":
        return "default"
    if route.protocol == "kernel" or (route.protocol == "" and route.scope == "link" and not route.gateway):
        return "connected"
    if route.protocol in _BY_HAND:
        # Without names of protocols (busybox) an IPv6 route without a gateway is the link's own.
        return "connected" if route.protocol == "" and route.version == 6 and not route.gateway else "static"
    return "dynamic"


def ways(entry: Mapping[str, Any], version: int) -> list[Route]:
    """Return the ways that an entry of ip(8)'s JSON is; none where it is not one to keep.

    Raises `ValueError` where an address in it is none.
    """
    table = str(entry.get("table", "main"))
    # Redirects (RFC 792) come and go with the traffic.
    if table == "local" or entry.get("type", "unicast") not in _KEPT_TYPES or entry.get("protocol") == "redirect":
        return []
    try:
        destination = canonical_destination(str(entry.get("dst", "")))
    except ValueError:
        return []
    if destination != "default" and version == 6:
        network = ipaddress.IPv6Network(destination)
        if network.subnet_of(_LINK_LOCAL) or network.subnet_of(_MULTICAST):
            return []
    if destination == "default" and entry.get("type") == "unreachable":
        return []  # the kernel's own last resort of IPv6
    hops = entry.get("nexthops") or [entry]
    return [_way(entry, hop, version, destination, table) for hop in hops]


def _way(entry: Mapping[str, Any], hop: Mapping[str, Any], version: int, destination: str, table: str) -> Route:
    gateway = hop.get("gateway") or (hop.get("via") or {}).get("host") or ""
    return Route(
        version=version,
        destination=destination,
        gateway=str(ipaddress.ip_address(str(gateway).split("%")[0])) if gateway else "",
        interface=str(hop.get("dev") or "") if entry.get("type", "unicast") == "unicast" else "",
        metric=int(entry.get("metric") or 0),
        table=table,
        protocol=str(entry.get("protocol") or ("" if entry.get("type", "unicast") == "unicast" else "static")),
        scope=str(entry.get("scope") or ""),
        source=str(entry.get("prefsrc") or ""),
    )


def _from_text(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Read `ip route` without JSON into the shape of its JSON."""
    entry: dict[str, Any] | None = None
    for line in lines:
        words = line.replace("\\", " ").split()
        if words[0] == "nexthop" and entry is not None:
            entry.setdefault("nexthops", []).append(_pairs(words[1:]))
            continue
        if entry is not None:
            yield entry
        entry = {}
        if words[0] in _TYPES:
            entry["type"] = words.pop(0)
        if words:
            entry["dst"] = words[0]
            entry |= _pairs(words[1:])
    if entry is not None:
        yield entry


def _pairs(words: Sequence[str]) -> dict[str, Any]:
    names = {"via": "gateway", "dev": "dev", "table": "table", "proto": "protocol", "scope": "scope", "src": "prefsrc"}
    found: dict[str, Any] = {}
    rest = iter(word for word in words if word not in _FLAGS)
    for word in rest:
        value = next(rest, "")
        if word == "via" and value in ("inet", "inet6"):
            value = next(rest, "")
        if word == "metric":
            found["metric"] = int(value) if value.isdecimal() else 0
        elif word in names:
            found[names[word]] = value
    return found
