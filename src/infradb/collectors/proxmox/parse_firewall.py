"""What the firewall lets through, in the order in which it asks (pve-docs, Proxmox VE Firewall).

A node asks its own rules first, then the datacenter's, then the policies; so both are noted on each node, which
filters by them. A guest asks its own rules, then its policies. A security group stands where it is named, rule by rule.
A rule is in force where it is switched on, its zone's firewall and the datacenter's are, and of a guest also one of its
interfaces'.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, NamedTuple

from infradb.collectors.proxmox.keys import guest_key, node_key
from infradb.collectors.proxmox.macros import MACROS, Match
from infradb.collectors.proxmox.parse_cluster import Guest
from infradb.collectors.proxmox.parse_guests import Configuration
from infradb.collectors.proxmox.said import answer, say
from infradb.collectors.proxmox.values import flag, number, objects, text
from infradb.model.network import FirewallAlias, FirewallRule
from infradb.observation import Answer
from infradb.redaction import redact_text

_ACTIONS = {"ACCEPT": "allow", "DROP": "deny", "REJECT": "reject"}
_DIRECTIONS = frozenset({"in", "out", "forward"})
_POLICIES = {"in": "DROP", "out": "ACCEPT", "forward": "ACCEPT"}
"""What is done with packets that no rule matches, unless the options say otherwise."""
_PORTED = frozenset({"tcp", "udp", "sctp", "dccp", "udplite"})
_MATCHING = ("source", "dest", "proto", "sport", "dport", "iface", "icmp-type", "macro")


class Row(NamedTuple):
    """One rule or alias on its way to an observation: its native key, what names it, the rest."""

    key: str
    cls: type[FirewallRule] | type[FirewallAlias]
    named: dict[str, Any]
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Zone:
    """The firewall of the datacenter, a node, a guest or an SDN network, as the API gives it."""

    options: Mapping[str, Any] = field(default_factory=dict)
    rules: Sequence[Any] = ()
    aliases: Sequence[Any] = ()
    sets: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Datacenter:
    """What applies to a whole cluster."""

    zone: Zone
    groups: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    vnets: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Tell whether the firewall is on at all."""
        return bool(flag(self.zone.options.get("enable")))


def node_firewall(node: str, zone: Zone, datacenter: Datacenter) -> list[Answer]:
    """Return what a node filters by, one answer a rule or alias."""
    owner = node_key(node)
    on = datacenter.enabled and flag(zone.options.get("enable")) is not False
    rules = _Rules(owner, datacenter.groups)
    rules.add("node", zone.rules, on)
    rules.add("datacenter", datacenter.zone.rules, on)
    if on:
        rules.add_policies(datacenter.zone.options, ("in", "out", "forward"))
    for vnet, raw in sorted(datacenter.vnets.items()):
        rules.count = 0
        rules.add(f"vnet/{vnet}", raw, on)
    rows = [*rules.rows, *_aliases(owner, "datacenter", datacenter.zone), *_groups(owner, datacenter.groups)]
    return _answers(rows)


def guest_firewall(guest: Guest, zone: Zone, datacenter: Datacenter) -> list[Answer]:
    """Return what a guest is filtered by, one answer a rule or alias."""
    owner = guest_key(guest.vmid)
    on = is_on(zone, datacenter)
    rules = _Rules(owner, datacenter.groups)
    rules.add("guest", zone.rules, on)
    if on:
        rules.add_policies(zone.options, ("in", "out"))
    return _answers([*rules.rows, *_aliases(owner, "guest", zone)])


def is_on(zone: Zone | None, datacenter: Datacenter) -> bool:
    """Tell whether a guest's firewall is in force; without a zone it cannot be, and was not read."""
    return zone is not None and datacenter.enabled and bool(flag(zone.options.get("enable")))


def is_filtered(config: Configuration, datacenter: Datacenter) -> bool:
    """Tell whether a guest's firewall could be in force: the datacenter's is on, and an interface has the flag."""
    return datacenter.enabled and any(nic.firewall for nic in config.nics)


def _answers(rows: Iterable[Row]) -> list[Answer]:
    return [answer(r.key, [r.named, r.facts], partial(say, r.key, r.cls, r.named, **r.facts)) for r in rows]


class _Rules:
    """Rules of one host in the order of evaluation."""

    def __init__(self, owner: str, groups: Mapping[str, Sequence[Any]]) -> None:
        self.owner, self.groups = owner, groups
        self.rows: list[Row] = []
        self.count = 0
        self._alike: Counter[str] = Counter()

    def add(self, chain: str, raw: Sequence[Any], on: bool) -> None:
        """Add the rules of one list; in the place of a group its rules."""
        for entry in sorted(objects(list(raw)), key=lambda e: number(e.get("pos")) or 0):
            on_here = on and bool(flag(entry.get("enable")))
            if entry.get("type") == "group":
                name = text(entry.get("action")) or ""
                for inner in sorted(objects(list(self.groups.get(name, ()))), key=lambda e: number(e.get("pos")) or 0):
                    bound = {**inner, "iface": entry.get("iface") or inner.get("iface")}
                    self._add_one(f"{chain}/{name}", bound, on_here and bool(flag(inner.get("enable"))))
            else:
                self._add_one(chain, entry, on_here)

    def add_policies(self, options: Mapping[str, Any], directions: Sequence[str]) -> None:
        """Add what happens to packets that no rule matches."""
        for direction in directions:
            action = text(options.get(f"policy_{direction}")) or _POLICIES[direction]
            if action in _ACTIONS:
                self._append("policy", direction, f"policy-{direction}", {"action": _ACTIONS[action], "enabled": True})

    def _add_one(self, chain: str, raw: Mapping[str, Any], on: bool) -> None:
        action, direction = _ACTIONS.get(str(raw.get("action"))), text(raw.get("type"))
        if action is None or direction not in _DIRECTIONS:
            return
        matched = {name: said for name in _MATCHING if (said := text(raw.get(name), 4000))}
        comment = text(raw.get("comment"), 2000)
        for match in _matches(matched):
            native_id = _hash(chain, direction, action, matched, match)
            self._alike[native_id] += 1
            if self._alike[native_id] > 1:
                native_id += f"-{self._alike[native_id]}"
            facts = {
                "action": action,
                "enabled": on,
                "protocol": match.protocol,
                "source_network": matched.get("source", "any"),
                "destination_network": matched.get("dest", "any"),
                **_ports(match),
                "interface": matched.get("iface"),
                "description": redact_text(comment) if comment else None,
            }
            self._append(chain, str(direction), native_id, facts)

    def _append(self, chain: str, direction: str, native_id: str, facts: dict[str, Any]) -> None:
        self.count += 1
        named = {
            "firewall_host_id": self.owner,
            "native_id": native_id,
            "direction": direction,
            "action": facts["action"],
        }
        rest = {n: v for n, v in facts.items() if n != "action"}
        self.rows.append(
            Row(
                f"{self.owner}/rule/{native_id}",
                FirewallRule,
                named,
                {"chain": chain, "rule_number": self.count, **rest},
            )
        )


def _matches(matched: Mapping[str, str]) -> list[Match]:
    """Return what a rule matches: as it says, or as its macro does, which may be several things."""
    macro = matched.get("macro")
    if macro is None:
        port = matched.get("icmp-type") or matched.get("dport")
        return [Match(matched.get("proto", "any"), port, matched.get("sport"))]
    known = MACROS.get(macro.lower(), (Match(f"macro {macro}"),))
    return [Match(m.protocol, m.port or matched.get("dport"), m.source_port or matched.get("sport")) for m in known]


def _ports(match: Match) -> dict[str, str | None]:
    any_port = "any" if match.protocol in _PORTED else None
    return {"source_port": match.source_port or any_port, "destination_port": match.port or any_port}


def _hash(*parts: Any) -> str:
    return blake2b(repr(parts).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _aliases(owner: str, zone: str, raw: Zone) -> Iterator[Row]:
    seen: set[str] = set()
    for entry in objects(list(raw.aliases)):
        name, cidr = text(entry.get("name")), text(entry.get("cidr"))
        if name and cidr and name not in seen:
            seen.add(name)
            yield _alias(owner, zone, name, "network", [cidr], entry.get("comment"))
    for name, entries in sorted(raw.sets.items()):
        held = [(text(e.get("cidr")), flag(e.get("nomatch"))) for e in objects(list(entries))]
        content = sorted(f"{'!' if all_but else ''}{cidr}" for cidr, all_but in held if cidr)
        yield _alias(owner, zone, f"+{name}", "network", content, None)


def _groups(owner: str, groups: Mapping[str, Sequence[Any]]) -> Iterator[Row]:
    for name, rules in sorted(groups.items()):
        words = ("type", "action", *_MATCHING)
        ordered = sorted(objects(list(rules)), key=lambda e: number(e.get("pos")) or 0)
        content = [" ".join(said for w in words if (said := text(r.get(w), 500))) for r in ordered]
        yield _alias(owner, "groups", name, "group", content, None)


def _alias(owner: str, zone: str, name: str, kind: str, content: list[str], comment: Any) -> Row:
    said = text(comment, 2000)
    named = {"firewall_host_id": owner, "zone": zone, "alias_name": name}
    facts = {"alias_type": kind, "content": content, "description": redact_text(said) if said else None}
    return Row(f"{owner}/alias/{zone}/{name}", FirewallAlias, named, facts)
