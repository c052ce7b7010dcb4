"""What servers of DHCP hand out, in the one form in which all of them are told: networks, and addresses in them."""

import ipaddress
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, NamedTuple

from infradb import clock
from infradb.dns_names import canonical_name
from infradb.model.network import IpAddress, Network
from infradb.model.types import address_key, canonical_address, canonical_mac
from infradb.observation import Answer, Observation, ScopeResult, digest_of, observe
from infradb.understood import status_of

PARSER_VERSION = 1
_FAR_FUTURE = 2**32 - 1
"""Seconds that stand for a lease without an end (RFC 2131, 3.3), and the last second that 32 bits hold."""
_MOST_AHEAD = timedelta(hours=1)
Allocation = Literal["seen", "dhcp", "reserved"]
_SURENESS: tuple[Allocation, ...] = ("seen", "dhcp", "reserved")


class Subnet(NamedTuple):
    """A network that a server knows."""

    cidr: str
    ranges: tuple[tuple[str, str], ...] = ()
    """First and last address of each range that is handed out."""
    gateway: str | None = None
    dns_servers: tuple[str, ...] = ()
    name: str = ""
    hands_out: bool = False
    """Whether it hands out reserved addresses in it though there is no range."""


class Lease(NamedTuple):
    """An address that is handed out, or is to be handed out to one machine only."""

    address: str
    mac: str | None = None
    hostname: str | None = None
    ends_at: str | None = None
    seen_at: str | None = None
    """When it was last handed out or renewed."""
    allocation: Allocation = "dhcp"
    """How it came to its holder; `seen` where nobody said so."""


@dataclass(slots=True)
class HandedOut:
    """What one source says of networks and addresses, gathered piece by piece, with what it could not read."""

    subnets: list[Subnet] = field(default_factory=list)
    leases: list[Lease] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """Addresses whose leases the server itself calls ended."""
    network_errors: list[str] = field(default_factory=list)
    """What was not read of the configuration: networks or reservations may be missing."""
    lease_errors: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was found."""
        return not (self.subnets or self.leases or self.ended)

    def add(self, leases: Iterable[Lease], errors: Iterable[str], server: str, now: str) -> None:
        """Take in what a server says of its leases; those that have ended are left out."""
        live, said = in_use(leases, now, server)
        self.leases += live
        self.lease_errors += [*errors, *said]

    def scopes(self, *, networks: bool = True) -> list[ScopeResult]:
        """Return the scopes `networks`, where wanted, and `addresses`."""
        found = network_answers(self.subnets)
        said = tuple(dict.fromkeys(self.network_errors))
        scopes = [ScopeResult("networks", status_of(found, said), found, said)] if networks else []
        addresses = address_answers(self.leases, self.subnets)
        errors = tuple(dict.fromkeys([*said, *self.lease_errors]))
        status = status_of(addresses, errors)
        gone = {f"address/{a}" for a in self.ended} - {a.key for a in addresses} if status != "failed" else ()
        return [*scopes, ScopeResult("addresses", status, addresses, errors, tuple(sorted(gone)))]


def lease(
    address: str,
    mac: str | None = None,
    hostname: str | None = None,
    ends: float | None = None,
    seen: float | None = None,
    allocation: Allocation = "dhcp",
) -> Lease:
    """Return a lease in canonical form; times are seconds since 1970. Raises `ValueError` where the address is none."""
    return Lease(canonical_address(address), _mac(mac), _hostname(hostname), instant(ends), instant(seen), allocation)


def instant(seconds: float | None) -> str | None:
    """Return seconds since 1970 as an instant; None where there is no end to it."""
    if seconds is None or not 0 < seconds < _FAR_FUTURE:
        return None
    return clock.to_instant(datetime.fromtimestamp(seconds, UTC))


def subnet(cidr: str, ranges: Iterable[tuple[str, str]] = (), **more: Any) -> Subnet:
    """Return a network in canonical form, its ranges in order. Raises `ValueError`."""
    canonical = str(ipaddress.ip_network(cidr, strict=False))
    ordered = sorted({(canonical_address(a), canonical_address(b)) for a, b in ranges}, key=lambda r: address_key(r[0]))
    if gateway := more.get("gateway"):
        more["gateway"] = canonical_address(gateway)
    servers = tuple(canonical_address(s) for s in more.pop("dns_servers", None) or ())
    return Subnet(canonical, tuple(ordered), dns_servers=servers, **more)


def in_use(leases: Iterable[Lease], now: str, server: str) -> tuple[list[Lease], tuple[str, ...]]:
    """Return the leases that have not ended, and a sentence where the server's clock and this one cannot both be right.

    Where all have ended, or some begin in the future, nobody knows which are in use: then absence must mean nothing.
    """
    every = list(leases)
    live = [one for one in every if one.ends_at is None or one.ends_at > now]
    ahead = clock.to_instant(clock.to_moment(now) + _MOST_AHEAD)
    if any(one.seen_at and one.seen_at > ahead for one in every):
        return live, (f"leases of {server} begin in the future: set the clocks of both machines right (NTP)",)
    if every and not live:
        hint = "does it still run, and are the clocks of both machines right?"
        return [], (f"all {len(every)} leases of {server} have ended: {hint}",)
    return live, ()


def network_answers(subnets: Iterable[Subnet]) -> list[Answer]:
    """Return an answer for each network; of several with one prefix the first counts."""
    found = {one.cidr: one for one in reversed(list(subnets))}
    return [
        Answer(_network_key(one.cidr), digest_of(tuple(one), PARSER_VERSION), partial(_network, one))
        for _, one in sorted(found.items())
    ]


def address_answers(leases: Iterable[Lease], subnets: Sequence[Subnet]) -> list[Answer]:
    """Return an answer for each address; a reservation that is in use is one, with the times of its lease."""
    found: dict[str, Lease] = {}
    for one in leases:
        before = found.get(one.address)
        found[one.address] = _joined(before, one) if before else one
    networks = {s.cidr for s in subnets}
    lengths = sorted({ipaddress.ip_network(cidr).prefixlen for cidr in networks}, reverse=True)
    ranges = [(address_key(a), address_key(b)) for s in subnets for a, b in s.ranges]
    return [
        _address_answer(_placed(one, ranges), _network_of(one.address, networks, lengths))
        for _, one in sorted(found.items())
    ]


def _placed(one: Lease, ranges: Sequence[tuple[bytes, bytes]]) -> Lease:
    """Return an address that was only seen as handed out where it lies in a range: its lease may have ended since."""
    key = address_key(one.address)
    if one.allocation == "seen" and any(first <= key <= last for first, last in ranges):
        return one._replace(allocation="dhcp")
    return one


def _network_of(address: str, cidrs: Collection[str], lengths: Sequence[int]) -> str | None:
    """Return the native key of the smallest network around an address, without looking at each of them."""
    most = 128 if ":" in address else 32
    around = (str(ipaddress.ip_network(f"{address}/{n}", strict=False)) for n in lengths if n <= most)
    return next((_network_key(cidr) for cidr in around if cidr in cidrs), None)


def _address_answer(one: Lease, network: str | None) -> Answer:
    key = f"address/{one.address}"
    said = {
        "ip_address": one.address,
        "allocation_type": one.allocation if one.allocation != "seen" else None,
        "hostname": one.hostname,
        "mac_address": one.mac,
        "network_id": network,
    }
    row = {name: value for name, value in said.items() if value}
    times = {"lease_ends_at": one.ends_at, "last_seen_at": one.seen_at}
    measured = {name: at for name, at in times.items() if at}
    return Answer(key, digest_of(row, PARSER_VERSION), partial(_address, key, row), {key: measured} if measured else {})


def _address(key: str, row: dict[str, Any]) -> list[Observation]:
    return [observe(key, IpAddress(**row))]


def _network(one: Subnet) -> list[Observation]:
    said: dict[str, Any] = {}
    if one.ranges or one.hands_out:
        said["dhcp_enabled"] = True
    if one.ranges:
        said["dhcp_range_start"] = one.ranges[0][0]
        said["dhcp_range_end"] = max((end for _, end in one.ranges), key=address_key)
    if one.gateway:
        said["gateway"] = one.gateway
    if one.dns_servers:
        said["dns_servers"] = list(one.dns_servers)
    return [observe(_network_key(one.cidr), Network(network_name=one.name or one.cidr, cidr=one.cidr, **said))]


def _network_key(cidr: str) -> str:
    return f"network/{cidr}"


def _joined(before: Lease, after: Lease) -> Lease:
    """Return what two entries say about one address: what is reserved stays so, what is newer says the rest."""
    return Lease(
        before.address,
        after.mac or before.mac,
        after.hostname or before.hostname,
        after.ends_at or before.ends_at,
        after.seen_at or before.seen_at,
        max(before.allocation, after.allocation, key=_SURENESS.index),
    )


def _mac(text: str | None) -> str | None:
    """Return a MAC address; None for what stands in its place, such as the address types of other links."""
    try:
        mac = canonical_mac(text or "")
    except ValueError:
        return None
    return None if mac == "00:00:00:00:00:00" else mac


def _hostname(text: str | None) -> str | None:
    """Return a client's name in canonical form; None where it sent none or no name."""
    try:
        return None if text in (None, "", "*", ".") else canonical_name(str(text))
    except ValueError:
        return None
