"""Who changed the configuration, from its history."""

import re
from collections.abc import Mapping

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import said, seconds

WINDOW_SECONDS = 86400
"""How long a change may lie back to be told as the one that was just found."""
_PARTS = {
    "rules": re.compile(r"firewall/filter|firewall_rules"),
    "nat": re.compile(r"firewall/(d_nat|source_nat|one_to_one|npt)|firewall_nat"),
    "aliases": re.compile(r"firewall/alias"),
    "interfaces": re.compile(r"interfaces?[/_.]|/vlan"),
    "routes": re.compile(r"routes/|routing/|system_(gateways|routes)"),
    "dhcp": re.compile(r"kea/|dhcp|dnsmasq"),
    "dns": re.compile(r"unbound|dnsmasq"),
}
"""Scope -> what a description of a change of it holds: `/api/firewall/filter/set_rule/… made changes`."""


def authors(readings: Readings, now: float) -> Mapping[str, str]:
    """Return scope -> who changed it within the last day, where that was one person only.

    Whoever changed it before changed what is known already, or nobody knows when infradb first saw it.
    """
    config = readings.one("config")
    entries = [(row.get("time"), row.get("username"), row.get("description")) for row in readings.rows("history")]
    revision = {name: said(config, f"revision/{name}") for name in ("time", "username", "description")}
    entries.append((revision["time"], revision["username"], revision["description"]))
    recent = [(str(who), str(what)) for when, who, what in entries if who and is_recent(seconds(when), now)]
    found: dict[str, str] = {}
    for scope, pattern in _PARTS.items():
        people = {who for who, what in recent if pattern.search(what)}
        if len(people) == 1:
            found[scope] = people.pop()
    return found


def is_recent(when: float, now: float) -> bool:
    """Tell whether a change may be one that this reading is the first to see."""
    return now - WINDOW_SECONDS <= when
