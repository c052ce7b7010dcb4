"""Joins the facts of one machine into the scopes of a run."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from infradb.collectors.linux import freebsd
from infradb.collectors.linux.links import Link, left_out, read_links
from infradb.collectors.linux.parse_addresses import (
    management_address,
    parse_addresses,
    parse_networks,
    place_addresses,
)
from infradb.collectors.linux.parse_firewall import (
    FIREWALL_SECTIONS,
    firewall_out_of_sight,
    firewall_readable,
    firewall_trouble,
    parse_firewall,
)
from infradb.collectors.linux.parse_interfaces import own_addresses, parse_interfaces
from infradb.collectors.linux.parse_services import parse_services
from infradb.collectors.linux.parse_storage import parse_storage
from infradb.collectors.linux.parse_system import (
    SYSTEM_SECTIONS,
    boot_mark,
    machine_hash,
    measure_host,
    parse_host,
    short_hostname,
)
from infradb.collectors.linux.routes import Route, parse_routes, read_routes
from infradb.collectors.linux.sections import Facts
from infradb.model.catalog import BY_TABLE
from infradb.model.physical import Host
from infradb.observation import Answer, Observation, ScopeResult, ScopeStatus, digest_of

PARSER_VERSION = 1
"""Raised whenever the same facts are to be understood in another way."""

SCOPES: Mapping[str, tuple[str, ...]] = {
    "host": SYSTEM_SECTIONS,
    "interfaces": (
        "interfaces", "ip-address", "ip-route4", "ip-route6", "ip-address-text", "ip-route4-text", "ip-route6-text",
        "ifconfig", "netstat4", "netstat6",
    ),
    "storage": (
        "lsblk", "block-devices", "mounts", "space", "mdstat", "btrfs", "lvs", "zpool-list", "zpool-status",
        "zfs-list", "smart", "geom-disk",
    ),
    "services": ("ss", "sockets", "processes", "port-range", "docker-proxies", "socket-units", "sockstat"),
    "firewall": FIREWALL_SECTIONS,
}  # fmt: skip
"""Scope -> sections without which it is not complete."""

# Some answer well and end badly: df where one of many mounts is not ours to see, smartctl by its bit mask.
_LENIENT = {"space", "smart", "socket-units"}

Found = tuple[list[Observation], Mapping[str, Mapping[str, Any]]]


def parse_facts(facts: Facts, below: str = "") -> tuple[ScopeResult, ...]:
    """Return the scopes `host`, `interfaces`, `storage`, `services` and `firewall` of the machine.

    What a scope could not read makes it partial, or failed where nothing is left of it; the others stay whole. Names of
    scopes and native keys start with `below`, which tells several machines of one source apart: `web1/`.
    """
    if freebsd.is_freebsd(facts):
        links, routes = freebsd.links(facts), freebsd.routes(facts)
    else:
        links, routes = read_links(facts), read_routes(facts)
    placed = place_addresses(links, f"host:{_own_space(facts)}")
    management = management_address(placed, routes)

    def host() -> Found:
        values = parse_host(facts, management)
        if addresses := own_addresses(links, facts):
            values["mac_addresses"] = addresses
        if not values.get("hostname"):
            return [], {}
        return [Observation("host", Host.table, values)], {"host": measure_host(facts)}

    def interfaces() -> Found:
        return [
            *parse_networks(placed, routes, links),
            *parse_interfaces(links, facts),
            *parse_addresses(placed),
            *_routes(routes, links),
        ], {}

    def services() -> Found:
        return parse_services(facts, links), {}

    return (
        _scope(facts, below, "host", host, marks={"host": boot_mark(facts)}, wanted=("hostname",)),
        _scope(facts, below, "interfaces", interfaces, wanted=("interfaces", "ifconfig")),
        _scope(facts, below, "storage", lambda: parse_storage(facts), wanted=("mounts", "geom-disk")),
        _scope(facts, below, "services", services, wanted=("ss", "sockets", "sockstat")),
        *_firewall(facts, below),
    )


def _own_space(facts: Facts) -> str:
    """Return what names the space of the machine's loopback and link-local addresses; the first that there is."""
    if found := machine_hash(facts):
        return found[:12]
    if facts.host_key:
        return hashlib.sha256(facts.host_key.encode()).hexdigest()[:12]
    return short_hostname(facts)


def _firewall(facts: Facts, below: str) -> tuple[ScopeResult, ...]:
    """Return the scope of the packet filter; none where the facts were read by a script that does not ask for it.

    No rules are complete only where a program said so that may read them.
    """
    if freebsd.is_freebsd(facts) or (facts.complete and "legacy-tables" not in facts.sections):
        return ()
    if firewall_out_of_sight(facts):
        return ()
    observations, measured = parse_firewall(facts)
    kept, refused = _kept(observations)
    errors = (*firewall_trouble(facts), *_unread(facts, FIREWALL_SECTIONS), *refused)
    if not firewall_readable(facts):
        return (ScopeResult(f"{below}firewall", "failed", errors=errors),)
    status: ScopeStatus = "partial" if errors else "complete"
    return (ScopeResult(f"{below}firewall", status, _answers(kept, measured, {}, below), errors),)


def _routes(routes: Sequence[Route], links: Sequence[Link]) -> list[Observation]:
    return parse_routes(routes, left_out(links))


def _scope(
    facts: Facts,
    below: str,
    name: str,
    find: Callable[[], Found],
    *,
    wanted: tuple[str, ...],
    marks: Mapping[str, str] | None = None,
) -> ScopeResult:
    observations, measured = find()
    kept, refused = _kept(observations)
    errors = [*_errors(facts, name), *refused]
    if not any(facts.sections[section].output.strip() for section in wanted if section in facts.sections):
        errors = errors or [f"nothing could be read of {' or '.join(wanted)}"]
        return ScopeResult(below + name, "failed", errors=tuple(errors))
    status: ScopeStatus = "partial" if errors else "complete"
    return ScopeResult(below + name, status, _answers(kept, measured, marks or {}, below), tuple(errors))


def _kept(observations: Iterable[Observation]) -> tuple[list[Observation], list[str]]:
    """Return what fits the model, without references to what does not, and a sentence about each of the latter."""
    kept: dict[str, Observation] = {}
    refused: dict[str, str] = {}
    for each in observations:
        kind = BY_TABLE[each.table]
        lost = {f.name for f in kind.references if each.values.get(f.name) in refused} if refused else ()
        values = {name: value for name, value in each.values.items() if name not in lost}
        try:
            kind.adapter.validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            refused[each.key] = f"{each.key} makes no sense: {'.'.join(map(str, first['loc']))} {first['msg']}"
        else:
            kept[each.key] = each._replace(values=values)
    return list(kept.values()), list(refused.values())


def _errors(facts: Facts, scope: str) -> list[str]:
    """Return what went wrong in a scope; called after parsing, which notes what made no sense."""
    sections = SCOPES[scope]
    errors = facts.trouble(s for s in sections if s not in _LENIENT or _is_cut(facts, s))
    errors += _unread(facts, sections)
    if scope == "interfaces" and facts.complete and not any(map(facts.has, _ADDRESS_SECTIONS)):
        errors.append("addresses and routes are unknown, ip(8) is not installed; install iproute2")
    if scope == "host" and facts.trouble((*_ADDRESS_SECTIONS, "ip-route4", "ip-route4-text", "netstat4")):
        errors.append("the management address is unknown, the interfaces could not be read")
    if scope == "services" and facts.has("sockets") and facts.sections["sockets"].status != 0:
        errors.append("/proc/net/tcp cannot be read; without it no socket is seen")
    return list(dict.fromkeys(errors))


def _unread(facts: Facts, sections: Iterable[str]) -> list[str]:
    """Return a sentence about the sections that the script prints on every such machine and did not come to."""
    always = _ON_FREEBSD if freebsd.is_freebsd(facts) else _ON_LINUX
    unread = [s for s in sections if s in always and s not in facts.sections]
    if facts.complete or not unread:
        return []
    return [f"the script was ended before it could read {', '.join(unread)}; {facts.ending}"]


def _is_cut(facts: Facts, section: str) -> bool:
    return section in facts.sections and facts.sections[section].status in (124, -1)


_ADDRESS_SECTIONS = ("ip-address", "ip-address-text", "ifconfig")
_ON_LINUX = {*SYSTEM_SECTIONS, "interfaces", "block-devices", "mounts", "space", "btrfs", "port-range", "legacy-tables"}
_ON_FREEBSD = {*SYSTEM_SECTIONS, "ifconfig", "netstat4", "netstat6", "geom-disk", "sockstat", "port-range"}
"""Sections that the script prints on every machine of a system."""


def _answers(
    observations: Iterable[Observation],
    measured: Mapping[str, Mapping[str, Any]],
    marks: Mapping[str, str],
    below: str,
) -> tuple[Answer, ...]:
    """Return one answer per thing.

    Where a thing has a mark, that stands in its digest for the time of its start, which is computed anew at
    every reading and is never quite the same.
    """
    answers = []
    for each in observations:
        raw = {**each.values, "boot_time_at": marks[each.key]} if each.key in marks else each.values
        digest = digest_of([each.table, raw], PARSER_VERSION)
        own = {below + each.key: measured[each.key]} if measured.get(each.key) else {}
        placed = _placed(each, below) if below else each
        answers.append(Answer(placed.key, digest, _parse(placed), own))
    return tuple(answers)


def _placed(observation: Observation, below: str) -> Observation:
    """Return an observation whose key, and those of the things that it refers to, start with `below`."""
    values = dict(observation.values)
    for field in BY_TABLE[observation.table].references:
        if values.get(field.name) is not None:
            values[field.name] = below + values[field.name]
    return Observation(below + observation.key, observation.table, values)


def _parse(observation: Observation) -> Callable[[], Sequence[Observation]]:
    return lambda: (observation,)
