"""Who did it: what people ran through sudo a moment ago, tied to the units and interfaces that they named.

sudo writes every command into the journal (sudoers(5), syslog): `ann : TTY=pts/0 ; PWD=/ ; USER=root ;
COMMAND=/usr/bin/systemctl restart nginx`. A change is somebody's only where one person, and no other, named the very
thing within the last minutes; everything else stays without an actor.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from infradb.collectors.linux.sections import Facts
from infradb.observation import Observation, ScopeResult

_LINE = re.compile(r"^\s*(?P<who>[\w.-]+) : .*?\bCOMMAND=(?P<command>\S+)(?P<rest>.*)$")
_UNITS = ("systemctl", "service", "rc-service")
_LINKS = ("ip", "ifconfig", "ifup", "ifdown", "nmcli", "bridge", "ethtool")
_UNIT_CHANGES = {"start", "stop", "restart", "reload", "try-restart", "enable", "disable", "mask", "unmask", "kill"}


def read_actors(facts: Facts, scopes: Iterable[ScopeResult]) -> dict[str, str]:
    """Return native key -> who ran a command about it, for the services and interfaces in `scopes`."""
    units, links = _named(facts.lines("sudo"))
    if not units and not links:
        return {}
    found: dict[str, str] = {}
    for scope in scopes:
        for answer in scope.answers:
            for said in answer.parse():
                if isinstance(said, Observation) and (who := _one(_by(said, units, links))):
                    found[said.key] = who
    return found


def _named(lines: Iterable[str]) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """Return unit -> who changed it, and interface -> who named it in a command that changes interfaces."""
    units: dict[str, set[str]] = defaultdict(set)
    links: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        match = _LINE.match(line)
        if not match:
            continue
        program, words = PurePosixPath(match["command"]).name, match["rest"].split()
        if program in _UNITS and _UNIT_CHANGES.intersection(words):
            for word in words:
                units[word.removesuffix(".service")].add(match["who"])
        elif program in _LINKS:
            for word in words:
                links[word].add(match["who"])
    return units, links


def _by(said: Observation, units: Mapping[str, set[str]], links: Mapping[str, set[str]]) -> set[str]:
    if said.table == "services" and (unit := said.values.get("unit")):
        return units.get(str(unit).removesuffix(".service"), set())
    if said.table == "network_interfaces":
        return links.get(str(said.values.get("interface_name")), set())
    return set()


def _one(people: set[str]) -> str | None:
    return next(iter(people)) if len(people) == 1 else None
