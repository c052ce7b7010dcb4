"""Turns dnsmasq's options, hosts files and leases into records, networks and addresses (dnsmasq(8), version 2.90)."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from infradb.dns_names import Record, canonical_name, canonical_record
from infradb.leases import Lease, Subnet, lease, subnet
from infradb.understood import understood

DEFAULT_LEASES = "/var/lib/misc/dnsmasq.leases"
_MAC = re.compile(r"^(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$")
_TIME = re.compile(r"^(\d+)([smhdw]?)$")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_NAME = re.compile(r"^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$")
_ROUTER, _DNS = ("3", "option:router"), ("6", "option:dns-server", "option6:dns-server", "option6:23")
_FIRST_EXPIRY = 1_000_000_000
"""Below it, what a lease file holds are lengths: dnsmasq was built for machines without a clock."""
_DEFAULT_LASTS = {4: 3600, 6: 86400}
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Range(NamedTuple):
    """A `dhcp-range`."""

    first: IpAddress
    last: IpAddress | None
    prefix: int | None
    lasts: int | None
    """Seconds that a lease lasts; None where it has no end."""
    tags: frozenset[str]


@dataclass(slots=True)
class Configuration:
    """What the options say."""

    subnets: list[Subnet] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    reserved: list[Lease] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    errors: tuple[str, ...] = ()
    """What of networks and reservations could not be understood."""
    record_errors: tuple[str, ...] = ()


def values(options: Iterable[tuple[str, str]], *names: str) -> list[str]:
    """Return the values of options of these names, in order."""
    return [value for name, value in options if name in names]


def parse_options(options: Sequence[tuple[str, str]], networks: Sequence[str] = ()) -> Configuration:
    """Return what a configuration says of names, networks and reservations."""
    ranges, wrong = understood(values(options, "dhcp-range"), _range, "ranges")
    subnets, more = understood(_networks(ranges, networks), lambda one: _subnet(one[0], one[1], options), "networks")
    reserved, also = understood(values(options, "dhcp-host"), reservation, "dhcp-host lines")
    named: list[Record] = []
    errors: tuple[str, ...] = ()
    for name, read in (("address", _addresses), ("host-record", _host_record), ("cname", _aliases)):
        found, said = understood(values(options, name), read, f"{name} lines")
        named += [record for several in found for record in several]
        errors += said
    leases = [one for several in reserved for one in several]
    return Configuration(subnets, ranges, leases, named, wrong + more + also, errors)


def parse_hosts(text: str, domain: str = "") -> tuple[list[Record], tuple[str, ...]]:
    """Return the names of a hosts file (hosts(5)); names without a dot get `domain`, where one is given."""
    lines = (line.split("#")[0].split() for line in text.splitlines())
    found, errors = understood(
        (line for line in lines if line), lambda line: _host_line(line, domain), "lines of hosts"
    )
    return [record for several in found for record in several], errors


def parse_leases(text: str, configuration: Configuration) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the leases of a file: `EXPIRY MAC ADDRESS NAME CLIENT-ID`, then those of version 6."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    fixed = {one.address for one in configuration.reserved}
    return understood(
        (line for line in lines if line[0] != "duid"), lambda line: _lease(line, configuration, fixed), "leases"
    )


def reservation(text: str) -> list[Lease] | None:
    """Return the addresses that a `dhcp-host` keeps for one machine; none where it names no address."""
    macs: list[str] = []
    addresses: list[str] = []
    name = None
    for part in (p.strip() for p in text.split(",")):
        if part == "ignore":
            return None
        if _MAC.match(part):
            macs.append(part)
        elif part.startswith("[") or _is_address(part):
            addresses.append(part.strip("[]"))
        elif _NAME.match(part) and not _TIME.match(part) and part != "infinite":
            name = part
    # An address with only its last half is joined to the prefix of an interface, which only dnsmasq knows.
    whole = [a for a in addresses if not a.startswith("::")]
    return [lease(a, macs[0] if len(macs) == 1 else None, name, allocation="reserved") for a in whole]


def _range(text: str) -> Range | None:
    parts = [p.strip() for p in text.split(",")]
    tags = frozenset(p.partition(":")[2] for p in parts if p.startswith(("set:", "tag:")))
    parts = [p for p in parts if not p.startswith(("set:", "tag:", "interface:", "constructor:"))]
    first = ipaddress.ip_address(parts[0])
    if first.version == 6 and int(first) < 2**64:  # `::100,constructor:eth0`
        return None
    addresses = [ipaddress.ip_address(p) for p in parts[1:] if _is_address(p)]
    last = addresses.pop(0) if parts[1:] and _is_address(parts[1]) else None
    rest = [p for p in parts[1:] if not _is_address(p)]
    prefix = ipaddress.ip_network(f"0.0.0.0/{addresses[0]}").prefixlen if addresses and first.version == 4 else None
    if first.version == 6:
        prefix = next((int(p) for p in rest if p.isdigit() and 64 <= int(p) <= 128), 64)
        rest = [p for p in rest if p != str(prefix)]
    if "proxy" in rest:
        return None
    return Range(first, last, prefix, _lasts(rest, first.version), tags)


def _lasts(rest: Sequence[str], version: int) -> int | None:
    if "infinite" in rest:
        return None
    match = next((m for p in rest if (m := _TIME.match(p))), None)
    return int(match[1]) * _SECONDS[match[2]] if match else _DEFAULT_LASTS[version]


def _networks(ranges: Sequence[Range], known: Sequence[str]) -> Iterator[tuple[str, list[Range]]]:
    """Yield each network that addresses are handed out in, with its ranges."""
    found: dict[str, list[Range]] = {}
    for one in ranges:
        if one.prefix is not None:
            cidr = str(ipaddress.ip_network(f"{one.first}/{one.prefix}", strict=False))
            found.setdefault(cidr, []).append(one)
            continue
        for cidr in known:
            if one.first in ipaddress.ip_network(cidr, strict=False):
                found.setdefault(cidr, []).append(one)
                break
    yield from found.items()


def _subnet(cidr: str, ranges: Sequence[Range], options: Sequence[tuple[str, str]]) -> Subnet:
    network = ipaddress.ip_network(cidr, strict=False)
    tags = frozenset().union(*(r.tags for r in ranges))
    routers = [a for a in _option(options, _ROUTER, tags) if ipaddress.ip_address(a) in network]
    servers = [a for a in _option(options, _DNS, tags) if ipaddress.ip_address(a).version == network.version]
    handed = [(str(r.first), str(r.last)) for r in ranges if r.last]
    return subnet(cidr, handed, gateway=routers[0] if routers else None, dns_servers=servers, hands_out=True)


def _option(options: Sequence[tuple[str, str]], names: Sequence[str], tags: frozenset[str]) -> list[str]:
    """Return the addresses of a `dhcp-option` that holds for ranges with these tags; one with a tag comes first."""
    found: list[tuple[bool, list[str]]] = []
    for text in values(options, "dhcp-option", "dhcp-option-force"):
        parts = [p.strip() for p in text.split(",")]
        wanted = {p.removeprefix("tag:") for p in parts if p.startswith("tag:")}
        parts = [p for p in parts if not p.startswith("tag:")]
        if parts and parts[0] in names and wanted <= tags:
            addresses = [p.strip("[]") for p in parts[1:]]
            # 0.0.0.0 and [::] stand for the machine that dnsmasq runs on, whose address it does not say.
            found.append((bool(wanted), [a for a in addresses if _is_address(a) and not _unspecified(a)]))
    return next((a for tagged, a in sorted(found, key=lambda f: not f[0])), [])


def _addresses(text: str) -> list[Record]:
    """Return what `address=/NAME/NAME/ADDRESS` answers: for each name, and for everything below it."""
    _, *names, answer = text.split("/")
    if not _is_address(answer):  # no such name, or the null address
        return []
    kind = "AAAA" if ":" in answer else "A"
    owners = [o for n in names if n and n != "#" for o in (n.lstrip("*."), f"*.{n.lstrip('*.')}")]
    return [r for o in owners if (r := canonical_record("", o, kind, answer))]


def _host_record(text: str) -> list[Record]:
    """Return what `host-record=NAME,NAME,ADDRESS,ADDRESS,TTL` answers."""
    parts = [p.strip() for p in text.split(",")]
    addresses = [p.strip("[]") for p in parts if _is_address(p.strip("[]"))]
    names = [p for p in parts if p and not _is_address(p.strip("[]")) and not p.isdigit()]
    pairs = ((n, a) for n in names for a in addresses)
    return [r for n, a in pairs if (r := canonical_record("", n, "AAAA" if ":" in a else "A", a))]


def _aliases(text: str) -> list[Record]:
    """Return what `cname=ALIAS,ALIAS,TARGET,TTL` answers."""
    parts = [p.strip() for p in text.split(",")]
    if len(parts) > 2 and parts[-1].isdigit():
        parts.pop()
    *aliases, target = parts
    return [r for a in aliases if (r := canonical_record("", a, "CNAME", target))]


def _host_line(line: Sequence[str], domain: str) -> list[Record]:
    address = ipaddress.ip_address(line[0])
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return []
    names = [canonical_name(n) for n in line[1:]]
    full = [f"{n}.{domain}" if domain and "." not in n else n for n in names]
    kind = "AAAA" if address.version == 6 else "A"
    return [r for n in full if n != "broadcasthost" and (r := canonical_record("", n, kind, str(address)))]


def _lease(line: Sequence[str], configuration: Configuration, fixed: set[str]) -> Lease:
    expiry, hardware, address, name = int(line[0]), line[1], line[2], line[3]
    ends = expiry if expiry >= _FIRST_EXPIRY else None
    at = ipaddress.ip_address(address)
    lasts = next((r.lasts for r in configuration.ranges if _in_range(at, r)), None)
    # A reservation may have a time of its own.
    seen = ends - lasts if ends and lasts and str(at) not in fixed else None
    return lease(address, hardware if ":" in hardware else None, name, ends, seen)


def _in_range(address: IpAddress, one: Range) -> bool:
    if one.last is None or one.last.version != address.version or one.first.version != address.version:
        return False
    return int(one.first) <= int(address) <= int(one.last)


def _unspecified(address: str) -> bool:
    return ipaddress.ip_address(address).is_unspecified


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
