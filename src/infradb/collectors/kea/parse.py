"""Turns Kea's configuration and leases into networks and addresses (Kea ARM 2.2: Management API, memfile)."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infradb.errors import SourceMalformed
from infradb.leases import Lease, Subnet, lease, subnet
from infradb.understood import understood

ACTIVE = 0
"""State of a lease that is in use; 1 is declined, 2 expired and reclaimed, 3 released, 4 registered by its holder."""
_IN_USE = frozenset({ACTIVE, 4})
_ROUTERS, _DNS_SERVERS = ("routers",), ("domain-name-servers", "dns-servers")
_ESCAPED = re.compile(r"&#x([0-9a-f]{2})", re.IGNORECASE)


class Configuration(NamedTuple):
    """What a server's configuration says."""

    subnets: list[Subnet]
    reserved: list[Lease]
    errors: tuple[str, ...]


class Leases(NamedTuple):
    """What a server says of its leases."""

    active: list[Lease]
    ended: list[str]
    """Addresses of those that the server itself calls ended."""
    errors: tuple[str, ...]


def family_of(configuration: Mapping[str, Any]) -> str:
    """Return `4` or `6`, whichever server a configuration (`config-get`) is of; raise `SourceMalformed`."""
    for family in ("4", "6"):
        if isinstance(configuration.get(f"Dhcp{family}"), dict):
            return family
    raise SourceMalformed("the configuration is of no DHCP server", hint="give the socket or service of a DHCP server")


def parse_configuration(raw: Mapping[str, Any]) -> Configuration:
    """Return the networks and reservations of `config-get`."""
    family = family_of(raw)
    server = raw[f"Dhcp{family}"]
    subnets, errors = understood(_subnets(server, family), lambda pair: _subnet(*pair), "subnets")
    holders = [one for one, _ in _subnets(server, family)]
    reservations = [r for h in [server, *holders] for r in _list(h, "reservations")]
    found, more = understood(reservations, _reserved, "reservations")
    return Configuration(subnets, [one for several in found for one in several], errors + more)


def parse_leases(raw: Mapping[str, Any]) -> Leases:
    """Return the leases of `lease4-get-all` or `lease6-get-all`."""
    entries = raw.get("leases", []) if raw else []
    if not isinstance(entries, list):
        raise SourceMalformed("the leases are no list", hint="is it a version that infradb reads?")
    return _leases(understood(entries, _told, "leases"))


def parse_file(text: str, path: str) -> Leases:
    """Return the leases of a memfile; the last line about an address counts."""
    found, errors = understood(_rows(text, path), _row, "lines")
    last = {one[0].address: one for one in found}
    return _leases((list(last.values()), errors))


def _leases(understood_ones: tuple[list[tuple[Lease, int]], tuple[str, ...]]) -> Leases:
    found, errors = understood_ones
    active = [one for one, state in found if state in _IN_USE]
    return Leases(active, [one.address for one, state in found if state not in _IN_USE], errors)


def _subnets(server: Mapping[str, Any], family: str) -> Iterator[tuple[Any, list[Any]]]:
    """Yield each subnet with the options that hold in it, the nearest first."""
    name, outer = f"subnet{family}", _list(server, "option-data")
    for one in _list(server, name):
        yield one, _options(one) + outer
    for shared in _list(server, "shared-networks"):
        for one in _list(shared, name):
            yield one, _options(one) + _options(shared) + outer


def _subnet(raw: Any, options: list[Any]) -> Subnet:
    pools = [_range(p["pool"]) for p in _list(raw, "pools")]
    routers, servers = _option(options, _ROUTERS), _option(options, _DNS_SERVERS)
    return subnet(
        raw["subnet"],
        pools,
        gateway=routers[0] if routers else None,
        dns_servers=servers,
        hands_out=bool(_list(raw, "reservations")),
    )


def _range(text: str) -> tuple[str, str]:
    """Return first and last address of a pool, which is `first - last` or a prefix."""
    first, dash, last = text.partition("-")
    if dash:
        return first.strip(), last.strip()
    network = ipaddress.ip_network(text.strip())
    return str(network[0]), str(network[-1])


def _reserved(raw: Any) -> list[Lease]:
    addresses = [raw["ip-address"]] if "ip-address" in raw else list(raw.get("ip-addresses") or ())
    return [lease(a, raw.get("hw-address"), raw.get("hostname"), allocation="reserved") for a in addresses]


def _told(raw: Any) -> tuple[Lease, int] | None:
    if raw.get("type") == "IA_PD":  # a prefix for a router behind, no address
        return None
    seen, lasts = raw["cltt"], raw["valid-lft"]
    ends = None if lasts >= 2**32 - 1 else seen + lasts
    return lease(raw["ip-address"], raw.get("hw-address"), raw.get("hostname"), ends, seen), int(raw["state"])


def _rows(text: str, path: str) -> Iterator[dict[str, str]]:
    lines = text.splitlines()
    if not lines or not lines[0].startswith("address,"):
        raise SourceMalformed(f"{path} is no lease file of Kea", hint="`lease-database` of the server says where it is")
    names = lines[0].split(",")
    for line in lines[1:]:
        if line and not line.startswith("address,"):
            # Commas in values are escaped; a line that is cut short lacks what is asked of it, and is not understood.
            yield dict(zip(names, line.split(","), strict=False))


def _row(row: Mapping[str, str]) -> tuple[Lease, int] | None:
    if row.get("lease_type") == "2":  # a prefix
        return None
    lasts, ends = int(row["valid_lifetime"]), int(row["expire"])
    name = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), row["hostname"])
    # A lifetime of 0 says that the lease was removed.
    state = int(row["state"]) if lasts else -1
    endless = lasts >= 2**32 - 1
    return lease(row["address"], row["hwaddr"], name, None if endless else ends, ends - lasts), state


def _options(holder: Any) -> list[Any]:
    pools = _list(holder, "pools")
    return _list(holder, "option-data") + (_list(pools[0], "option-data") if pools else [])


def _option(options: list[Any], names: tuple[str, ...]) -> list[str]:
    for one in options:
        if isinstance(one, dict) and one.get("name") in names and one.get("csv-format", True):
            return [part.strip() for part in str(one.get("data", "")).split(",") if part.strip()]
    return []


def _list(holder: Any, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []
