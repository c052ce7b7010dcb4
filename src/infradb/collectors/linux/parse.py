"""Joins the facts of one Linux machine into the scopes of a run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from infradb.collectors.linux.links import Link, left_out, read_links
from infradb.collectors.linux.parse_addresses import (
    management_address,
    parse_addresses,
    parse_networks,
    place_addresses,
)
from infradb.collectors.linux.parse_firewall import (
    FIREWALL_SECTIONS,
    firewall_readable,
    firewall_trouble,
    parse_firewall,
)
from infradb.collectors.linux.parse_interfaces import parse_interfaces
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
from infradb.model.physical import Host
from infradb.observation import Answer, Observation, ScopeResult, ScopeStatus, digest_of

PARSER_VERSION = 1
"""Raised whenever the same facts are to be understood in another way."""

SCOPES: Mapping[str, tuple[str, ...]] = {
    "host": SYSTEM_SECTIONS,
    "interfaces": (
        "interfaces", "ip-address", "ip-route4", "ip-route6", "ip-address-text", "ip-route4-text", "ip-route6-text",
    ),
    "storage": (
        "lsblk", "block-devices", "mounts", "space", "mdstat", "btrfs", "lvs", "zpool-list", "zpool-status",
        "zfs-list", "smart",
    ),
    "services": ("ss", "sockets", "processes", "port-range", "docker-proxies", "socket-units"),
    "firewall": FIREWALL_SECTIONS,
}  # fmt: skip
"""Scope -> sections without which it is not complete."""

# Some answer well and end badly: df where one of many mounts is not ours to see, smartctl by its bit mask.
_LENIENT = {"space", "smart", "socket-units"}

Found = tuple[list[Observation], Mapping[str, Mapping[str, Any]]]


def parse_facts(facts: Facts) -> tuple[ScopeResult, ...]:
    """Return the scopes `host`, `interfaces`, `storage`, `services` and `firewall` of the machine.

    What a scope could not read makes it partial, or failed where nothing is left of it; the others stay whole.
    """
    links, routes = read_links(facts), read_routes(facts)
    own_vrf = f"host:{(machine_hash(facts) or '')[:12] or short_hostname(facts)}"
    placed = place_addresses(links, own_vrf)
    management = management_address(placed, routes)

    def host() -> Found:
        values = parse_host(facts, management)
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
        _scope(facts, "host", host, marks={"host": boot_mark(facts)}, wanted=("hostname",)),
        _scope(facts, "interfaces", interfaces, wanted=("interfaces",)),
        _scope(facts, "storage", lambda: parse_storage(facts), wanted=("mounts",)),
        _scope(facts, "services", services, wanted=("ss", "sockets")),
        *_firewall(facts),
    )


def _firewall(facts: Facts) -> tuple[ScopeResult, ...]:
    """Return the scope of the packet filter; none where the facts were read by a script that does not ask for it.

    No rules are complete only where a program said so that may read them.
    """
    if facts.complete and "legacy-tables" not in facts.sections:
        return ()
    observations, measured = parse_firewall(facts)
    errors = [*firewall_trouble(facts), *_unread(facts, FIREWALL_SECTIONS)]
    if not firewall_readable(facts):
        return (ScopeResult("firewall", "failed", errors=tuple(errors)),)
    status: ScopeStatus = "partial" if errors else "complete"
    return (ScopeResult("firewall", status, _answers(observations, measured, {}), tuple(errors)),)


def _routes(routes: Sequence[Route], links: Sequence[Link]) -> list[Observation]:
    return parse_routes(routes, left_out(links))


def _scope(
    facts: Facts,
    name: str,
    find: Callable[[], Found],
    *,
    wanted: tuple[str, ...],
    marks: Mapping[str, str] | None = None,
) -> ScopeResult:
    observations, measured = find()
    errors = _errors(facts, name)
    if not any(facts.sections[section].output.strip() for section in wanted if section in facts.sections):
        errors = errors or [f"nothing could be read of {' or '.join(wanted)}"]
        return ScopeResult(name, "failed", errors=tuple(errors))
    status: ScopeStatus = "partial" if errors else "complete"
    return ScopeResult(name, status, _answers(observations, measured, marks or {}), tuple(errors))


def _errors(facts: Facts, scope: str) -> list[str]:
    """Return what went wrong in a scope; called after parsing, which notes what made no sense."""
    sections = SCOPES[scope]
    errors = facts.trouble(s for s in sections if s not in _LENIENT or _is_cut(facts, s))
    errors += _unread(facts, sections)
    if scope == "interfaces" and not (facts.has("ip-address") or facts.has("ip-address-text")) and facts.complete:
        errors.append("addresses and routes are unknown, ip(8) is not installed; install iproute2")
    if scope == "host" and facts.trouble(("ip-address", "ip-address-text", "ip-route4", "ip-route4-text")):
        errors.append("the management address is unknown, the interfaces could not be read")
    if scope == "services" and facts.has("sockets") and facts.sections["sockets"].status != 0:
        errors.append("/proc/net/tcp cannot be read; without it no socket is seen")
    return list(dict.fromkeys(errors))


def _unread(facts: Facts, sections: Iterable[str]) -> list[str]:
    if facts.complete or not (unread := [s for s in _always(sections) if s not in facts.sections]):
        return []
    return [f"the script was ended before it could read {', '.join(unread)}; raise timeout_seconds"]


def _is_cut(facts: Facts, section: str) -> bool:
    return section in facts.sections and facts.sections[section].status in (124, -1)


def _always(sections: Iterable[str]) -> list[str]:
    """Return the sections that the script prints on every machine."""
    return [s for s in sections if s in _ON_EVERY_MACHINE]


_ON_EVERY_MACHINE = {
    *SYSTEM_SECTIONS,
    "interfaces",
    "block-devices",
    "mounts",
    "space",
    "btrfs",
    "port-range",
    "legacy-tables",
}


def _answers(
    observations: Iterable[Observation], measured: Mapping[str, Mapping[str, Any]], marks: Mapping[str, str]
) -> tuple[Answer, ...]:
    """Return one answer per thing.

    Where a thing has a mark, that stands in its digest for the time of its start, which is computed anew at
    every reading and is never quite the same.
    """
    answers = []
    for each in observations:
        raw = {**each.values, "boot_time_at": marks[each.key]} if each.key in marks else each.values
        own = {each.key: measured[each.key]} if measured.get(each.key) else {}
        answers.append(Answer(each.key, digest_of([each.table, raw], PARSER_VERSION), _parse(each), own))
    return tuple(answers)


def _parse(observation: Observation) -> Callable[[], Sequence[Observation]]:
    return lambda: (observation,)
