"""Turns dhcpd.conf and dhcpd.leases into networks and addresses (dhcpd.conf(5), dhcpd.leases(5), version 4.4)."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from infradb.errors import SourceMalformed
from infradb.leases import Lease, Subnet, lease, subnet
from infradb.understood import understood

_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|([{};,])|#[^\n]*|([^\s{};,"#]+)', re.DOTALL)
_DEEPEST = 50
_ENDED = frozenset({"free", "expired", "released", "abandoned", "reset", "backup"})
# The server writes the first of them at every start, so that no file of one that ran is without.
_IN_LEASES = frozenset({"authoring-byte-order", "server-duid", "lease", "ia-na", "ia-ta", "ia-pd"})
_IN_CONFIGURATION = frozenset(
    {"subnet", "subnet6", "shared-network", "group", "host", "option", "class", "authoritative"}
    | {"default-lease-time", "max-lease-time"}
)
_RANGES, _SUBNETS = ("range", "range6"), ("subnet", "subnet6")


class Statement(NamedTuple):
    """Words up to a semicolon, or up to a block and what is in it."""

    words: tuple[str, ...]
    block: "tuple[Statement, ...] | None" = None


class Leases(NamedTuple):
    """What a lease file says."""

    active: list[Lease]
    ended: list[str]
    """Addresses of those that the server itself calls ended."""
    errors: tuple[str, ...]


class Configuration(NamedTuple):
    """What a configuration says."""

    subnets: list[Subnet]
    reserved: list[Lease]
    errors: tuple[str, ...]


def parse_leases(text: str, path: str) -> Leases:
    """Return the leases of a file; the last entry about an address counts. Raises `SourceMalformed`."""
    tree = statements(text, path)
    _known(tree, _IN_LEASES, path)
    found, errors = understood(_lease_entries(tree), _lease, "leases")
    last = {one.address: (one, state) for one, state in found}
    active = [one for one, state in last.values() if state == "active"]
    return Leases(active, [a for a, (_, state) in last.items() if state in _ENDED], errors)


def parse_configuration(text: str, path: str) -> Configuration:
    """Return the networks and the hosts with fixed addresses. Raises `SourceMalformed`."""
    tree = statements(text, path)
    _known(tree, _IN_CONFIGURATION, path)
    subnets, errors = understood(_in_scope(tree, _SUBNETS), lambda pair: _subnet(*pair), "subnets")
    hosts, more = understood(_in_scope(tree, ("host",)), lambda pair: _host(pair[0]), "hosts")
    return Configuration(subnets, [one for several in hosts for one in several], errors + more)


def statements(text: str, path: str) -> tuple[Statement, ...]:
    """Return a file as statements, which both kinds of files are made of; raise `SourceMalformed`."""
    levels: list[list[Statement]] = [[]]
    heads: list[tuple[str, ...]] = []
    words: list[str] = []
    for match in _TOKEN.finditer(text):
        quoted, mark, word = match.groups()
        if mark == "{":
            heads.append(tuple(words))
            levels.append([])
            words = []
        elif mark == "}" and heads:
            block = tuple(levels.pop())
            levels[-1].append(Statement(heads.pop(), block))
            words = []
        elif mark == ";":
            levels[-1].append(Statement(tuple(words)))
            words = []
        elif mark == ",":
            continue
        elif quoted is not None or word:
            words.append(word or quoted)
        if len(levels) > _DEEPEST:
            break
    if heads or words:
        raise SourceMalformed(f"{path} ends in the middle", hint="is it written just now, or cut off? Read it again")
    return tuple(levels[0])


def _known(tree: Sequence[Statement], words: frozenset[str], path: str) -> None:
    """Raise `SourceMalformed` where a file holds nothing that its kind does."""
    if not any(one.words and one.words[0] in words for one in tree):
        hint = "check `leases` and `configuration` of the source, and whether the server ever ran"
        raise SourceMalformed(f"{path} holds nothing of ISC DHCP", hint=hint)


def _lease_entries(tree: Sequence[Statement]) -> Iterator[tuple[str, Statement, tuple[Statement, ...]]]:
    """Yield each address with its entry, and what was said around it: of version 6 the time of the client's request."""
    for one in tree:
        if one.block is None or len(one.words) < 2:
            continue
        if one.words[0] == "lease":
            yield one.words[1], one, ()
        elif one.words[0] in ("ia-na", "ia-ta"):
            for inner in one.block:
                if inner.block is not None and inner.words[:1] == ("iaaddr",):
                    yield inner.words[1], inner, one.block


def _lease(entry: tuple[str, Statement, tuple[Statement, ...]]) -> tuple[Lease, str]:
    address, one, around = entry
    said = {s.words[0]: s.words for s in (*around, *(one.block or ())) if s.words and s.block is None}
    state = next((s.words[2] for s in one.block or () if s.words[:2] == ("binding", "state")), "active")
    hardware, name = said.get("hardware", ()), said.get("client-hostname", ())
    seen = _time(said.get("cltt") or said.get("starts") or ())
    found = lease(
        address,
        hardware[2] if hardware[1:2] == ("ethernet",) else None,
        name[1] if len(name) > 1 else None,
        _time(said.get("ends") or ()),
        seen,
    )
    return found, state


def _time(words: Sequence[str]) -> float | None:
    """Return a time in seconds: `ends 3 2026/11/25 10:00:00`, in UTC; `ends epoch 1795600000`; `ends never`."""
    if len(words) < 3:
        return None
    if words[1] == "epoch":
        return float(words[2])
    moment = datetime.strptime(f"{words[2]} {words[3]}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC)
    return moment.timestamp()


def _in_scope(
    tree: Sequence[Statement], kinds: Sequence[str], outer: tuple[Statement, ...] = ()
) -> Iterator[tuple[Statement, tuple[Statement, ...]]]:
    """Yield the blocks of these kinds wherever they are, each with what holds in it, the nearest first."""
    here = tuple(s for s in tree if s.block is None)
    for one in tree:
        if one.block is None:
            continue
        if one.words and one.words[0] in kinds:
            yield one, tuple(s for s in one.block if s.block is None) + here + outer
        yield from _in_scope(one.block, kinds, here + outer)


def _subnet(one: Statement, around: Sequence[Statement]) -> Subnet:
    cidr = one.words[1] if one.words[0] == "subnet6" else f"{one.words[1]}/{one.words[3]}"
    routers = _option(around, ("routers",))
    servers = _option(around, ("domain-name-servers", "dhcp6.name-servers"))
    ranges = [_range(s.words) for s in _within(one.block or ()) if s.words and s.words[0] in _RANGES]
    fixed = any(s.words[:1] == ("host",) for s in one.block or ())
    return subnet(
        cidr,
        ranges,
        gateway=_address(routers[0]) if routers else None,
        dns_servers=[a for s in servers if (a := _address(s))],
        hands_out=fixed,
    )


def _within(block: Sequence[Statement]) -> Iterator[Statement]:
    for one in block:
        yield one
        yield from _within(one.block or ())


def _range(words: Sequence[str]) -> tuple[str, str]:
    """Return both ends of `range [dynamic-bootp] A [B]`, or of `range6 PREFIX`."""
    ends = [w for w in words[1:] if w not in ("dynamic-bootp", "temporary")]
    if "/" in ends[0]:
        network = ipaddress.ip_network(ends[0])
        return str(network[0]), str(network[-1])
    return ends[0], ends[1] if len(ends) > 1 else ends[0]


def _host(one: Statement) -> list[Lease]:
    said = {s.words[0]: s.words for s in one.block or () if s.words}
    hardware = said.get("hardware", ())
    mac = hardware[2] if hardware[1:2] == ("ethernet",) else None
    option = next((s.words[2] for s in one.block or () if s.words[:2] == ("option", "host-name")), None)
    name = option or one.words[1]
    fixed = (*said.get("fixed-address", ())[1:], *said.get("fixed-address6", ())[1:])
    # A name in the place of an address is looked up by the server, and is none of what it says itself.
    return [lease(address, mac, name, allocation="reserved") for f in fixed if (address := _address(f))]


def _option(around: Sequence[Statement], names: Sequence[str]) -> tuple[str, ...]:
    for one in around:
        if one.words[:1] == ("option",) and len(one.words) > 2 and one.words[1] in names:
            return one.words[2:]
    return ()


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
