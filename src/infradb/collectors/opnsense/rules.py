"""The filter's rules of both models and of the firewall itself, in the order in which pf asks them.

Order (opnsense/core, FilterRuleField and list_non_mvc_rules, 25.7 to 26.7): priority groups, of which floating rules
are 200000, those of interface groups 300000 and the group's sequence, those of one interface 400000; within a group
the new model's by their sequence, then the others as they stand. Automatic ones tell their own place.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import Node, has, leaves, nodes, said, seconds
from infradb.collectors.opnsense.interfaces import Interface
from infradb.redaction import redact_text

FLOATING, GROUP, INTERFACE = 200_000, 300_000, 400_000
ACTIONS = {"pass": "allow", "block": "deny", "reject": "reject", "match": "continue"}
FAMILIES = {"inet": "ipv4", "inet6": "ipv6", "ipv4": "ipv4", "ipv6": "ipv6"}
_WORDS = (
    "icmptype", "icmp6-type", "icmp6type", "os", "tos", "tagged", "prio", "tcpflags1", "tcpflags2", "max-src-nodes",
    "max-src-conn", "max-src-states", "max-src-conn-rate", "overload",
)  # fmt: skip
"""Further conditions, by their names in both models."""

Order = tuple[int, int, int, int]


@dataclass(slots=True)
class Known:
    """What names in rules stand for."""

    devices: Mapping[str, str]
    """Identifier -> device: lan -> igb1."""
    labels: Mapping[str, str]
    """Identifier -> description: lan -> LAN."""
    groups: Mapping[str, tuple[int, Sequence[str]]]
    """Interface group -> its sequence and the identifiers of its members."""

    def interfaces(self, text: str) -> list[str]:
        """Return the identifiers that a rule names; older versions answer descriptions in their place."""
        by_label = {label.lower(): identifier for identifier, label in self.labels.items()}
        names = [name.strip() for name in text.split(",") if name.strip()]
        return [n if n in self.devices or n in self.groups else by_label.get(n.lower(), n) for n in names]

    def device_list(self, identifiers: Iterable[str]) -> str:
        """Return the devices behind identifiers, those of a group's members for the group."""
        found: list[str] = []
        for name in identifiers:
            found += self.groups[name][1] if name in self.groups else [name]
        return ",".join(sorted({self.devices.get(name, name) for name in found}))


@dataclass(slots=True)
class FilterRule:
    """One rule with the fields of the new model, whichever model it is of."""

    fields: dict[str, str]
    order: Order
    uuid: str = ""
    legacy: bool = False
    automatic: bool = False
    packets: int | None = None
    changed: tuple[str, float] = ("", 0)
    """Who changed it last, and when (seconds since 1970)."""

    def get(self, name: str) -> str:
        """Return a field; empty where it is not set."""
        return self.fields.get(name, "")

    def on(self, name: str) -> bool:
        """Tell whether a switch is on."""
        return self.get(name).lower() in ("1", "true", "yes", "on")

    def signature(self) -> tuple[str, ...]:
        """Return what it matches, by which a rule without an identifier is known again."""
        names = ("interface", "direction", "ipprotocol", "protocol", "source_net", "source_port", "source_not")
        more = ("destination_net", "destination_port", "destination_not", *_WORDS)
        return tuple(self.get(name).lower() for name in (*names, *more))


def read_known(readings: Readings, interfaces: Sequence[Interface]) -> Known:
    """Return what the names of interfaces and groups stand for."""
    named = [one for one in interfaces if one.identifier]
    groups = {}
    for entry in nodes(readings.one("config"), "ifgroups/ifgroupentry"):
        members = said(entry, "members").replace(",", " ").split()
        sequence = said(entry, "sequence")
        groups[said(entry, "ifname")] = (int(sequence) if sequence.isdecimal() and len(sequence) < 6 else 0, members)
    return Known(
        {one.identifier: one.device for one in named}, {one.identifier: one.description for one in named}, groups
    )


def read_rules(readings: Readings, known: Known) -> list[FilterRule]:
    """Return the rules in the order of their evaluation, each once.

    The API is right about the new model and the automatic rules, the configuration about the old model, which older
    versions do not answer, and which has no identifiers there.
    """
    told = [_from_api(row, known, number) for number, row in enumerate(readings.rows("filter"))]
    if "config" not in readings.answers:
        return sorted(told, key=lambda rule: rule.order)
    configured = list(_from_configuration(readings.one("config"), known))
    live = {rule.uuid: rule for rule in told if rule.uuid}
    alike = {rule.signature(): rule for rule in told if rule.legacy and not rule.automatic}
    found: list[FilterRule] = []
    for rule in configured:
        twin = live.get(rule.uuid) or (alike.get(rule.signature()) if rule.legacy else None)
        if twin:
            rule.packets = twin.packets
        found.append(rule)
    # The configuration is the newest backup: a rule that was removed since is not in the API any more.
    if "filter" in readings.answers and "filter" not in readings.short:
        found = [rule for rule in found if rule.legacy or rule.uuid in live]
    seen = {rule.uuid for rule in found}
    found += [rule for rule in told if rule.uuid not in seen and (rule.automatic or not rule.legacy)]
    return sorted(found, key=lambda rule: rule.order)


def tells_legacy(readings: Readings) -> bool:
    """Tell whether the API answered rules of the old model or automatic ones too, as 25.7 and newer do."""
    return any(row.get("legacy") for row in readings.rows("filter"))


def _from_api(row: Mapping[str, Any], known: Known, number: int) -> FilterRule:
    fields = {n: _plain(v) for n, v in row.items() if not n.startswith(("%", "alias_meta"))}
    fields["interface"] = ",".join(known.interfaces(fields.get("interface", "")))
    fields["action"] = fields.get("action", "").lower()
    fields["direction"] = fields.get("direction", "").lower()
    rule = FilterRule(fields, (0, 0, 0, number), fields.get("uuid", ""))
    rule.legacy, rule.automatic = rule.on("legacy"), rule.on("is_automatic")
    group, _, place = fields.get("sort_order", "").partition(".")
    if group.isdecimal() and place.isdecimal() and len(group) < 10 and len(place) < 10:
        rule.order = (int(group), int(place[0]), int(place[1:] or 0), number)
    else:
        rule.order = (_priority(rule, known), int(rule.legacy), _number(fields.get("sequence", "")), number)
    if (packets := fields.get("packets", "")).isdecimal() and len(packets) < 16:
        rule.packets = int(packets)
    return rule


def _from_configuration(config: Mapping[str, Any], known: Known) -> Iterator[FilterRule]:
    for number, node in enumerate(nodes(config, "OPNsense/Firewall/Filter/rules/rule")):
        rule = FilterRule(leaves(node), (0, 0, 0, number), str(node.get("@uuid", "")))
        rule.order = (_priority(rule, known), 0, _number(rule.get("sequence")), number)
        rule.changed = who_changed(node)
        yield rule
    for number, node in enumerate(nodes(config, "filter/rule")):
        fields = {n: v for n, v in leaves(node).items() if n not in ("source", "destination")}
        fields |= {"action": said(node, "type") or "pass", "enabled": "0" if has(node, "disabled") else "1"}
        fields |= sides(node)
        floating = has(node, "floating")
        fields["quick"] = "1" if (has(node, "quick") if floating else said(node, "quick") != "0") else "0"
        fields.setdefault("direction", "any" if floating else "in")
        fields["description"] = said(node, "descr")
        rule = FilterRule(fields, (0, 1, 0, number), str(node.get("@uuid", "")), legacy=True)
        rule.order = (FLOATING if floating else _priority(rule, known), 1, 0, number)
        rule.changed = who_changed(node)
        yield rule


def sides(node: Node) -> dict[str, str]:
    """Return source and destination of an old rule as fields of the new model."""
    found: dict[str, str] = {}
    for side in ("source", "destination"):
        below = next(nodes(node, side), {})
        network = "any" if "any" in below else said(below, "network") or said(below, "address")
        found[f"{side}_net"] = network or "any"
        found[f"{side}_port"] = said(below, "port")
        found[f"{side}_not"] = "1" if has(below, "not") else "0"
    return found


def who_changed(node: Node) -> tuple[str, float]:
    """Return who changed a rule last, and when; since 26.7.4 that stands in base64 in `audit`."""
    for part in ("updated", "created"):
        if name := said(node, f"{part}/username"):
            return name, seconds(said(node, f"{part}/time"))
    try:
        audit = json.loads(base64.b64decode(said(node, "audit"), validate=True) or b"{}")
        last = audit.get("updated") or audit.get("created") or {}
        return str(last.get("username") or ""), seconds(last.get("time"))
    except (ValueError, AttributeError, RecursionError):
        return "", 0


def _priority(rule: FilterRule, known: Known) -> int:
    interfaces = [name for name in rule.get("interface").split(",") if name]
    if len(interfaces) != 1:
        return FLOATING
    if interfaces[0] in known.groups:
        return GROUP + known.groups[interfaces[0]][0]
    return INTERFACE


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value).strip()[:10_000] if isinstance(value, str | int | float) else ""


# --- as the model has them ---------------------------------------------------------------------------------------


def rule_values(rules: Sequence[FilterRule], known: Known) -> Iterator[tuple[FilterRule, dict[str, Any]]]:
    """Yield each rule with its values in the model."""
    seen: dict[str, int] = {}
    for number, rule in enumerate(rules, 1):
        values = matches(rule, known) | {
            "native_id": native_id(rule, "filter", seen),
            "ruleset": "pf filter",
            "chain": _chain(rule, known),
            "rule_number": number,
            "action": ACTIONS.get(rule.get("action"), "continue"),
            "direction": rule.get("direction") if rule.get("direction") in ("in", "out") else "any",
            "quick": rule.on("quick") if "quick" in rule.fields else not rule.automatic,
            "rule": redact_text(_text(rule)),
        }
        if rule.get("sched"):
            values["schedule_name"] = rule.get("sched")
        if rule.automatic:
            values["managed_by"] = "opnsense"
        yield rule, values


def matches(rule: FilterRule, known: Known) -> dict[str, Any]:
    """Return what any kind of rule matches, and its comment."""
    values: dict[str, Any] = {"firewall_host_id": "host", "enabled": "enabled" not in rule.fields or rule.on("enabled")}
    if interfaces := known.device_list(name for name in rule.get("interface").split(",") if name):
        values["interface"] = f"!{interfaces}" if rule.on("interfacenot") else interfaces
    if family := FAMILIES.get(rule.get("ipprotocol").lower()):
        values["family"] = family
    protocol = rule.get("protocol").lower()
    values["protocol"] = {"": "any", "tcp/udp": "tcp,udp"}.get(protocol, protocol)
    for side in ("source", "destination"):
        network = rule.get(f"{side}_net") or "any"
        values[f"{side}_network"] = f"!{network}" if rule.on(f"{side}_not") else network
        if port := rule.get(f"{side}_port"):
            values[f"{side}_port"] = port
    conditions = [f"{name} {rule.get(name)}" for name in _WORDS if rule.get(name) not in ("", "0", "any")]
    if conditions:
        values["conditions"] = conditions
    if description := rule.get("description") or rule.get("descr"):
        values["description"] = redact_text(description)
    return values


def native_id(rule: FilterRule, kind: str, seen: dict[str, int]) -> str:
    """Return the rule's uuid, else a hash of what it matches, of identical ones with a number."""
    if rule.uuid and not rule.automatic and len(rule.uuid) < 100:
        return rule.uuid
    digest = f"{kind}/{blake2b(repr(rule.signature()).encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
    seen[digest] = seen.get(digest, 0) + 1
    return digest if seen[digest] == 1 else f"{digest}/{seen[digest]}"


def _chain(rule: FilterRule, known: Known) -> str:
    if rule.automatic:
        return "automatic"
    interfaces = [name for name in rule.get("interface").split(",") if name]
    if rule.order[0] < GROUP or len(interfaces) != 1:
        return "floating"
    if interfaces[0] in known.groups:
        return f"group {interfaces[0]}"
    return known.labels.get(interfaces[0], interfaces[0])


def _text(rule: FilterRule) -> str:
    """Return the rule as pf would write it, with OPNsense's own names."""
    parts = [rule.get("action") or "pass", rule.get("direction") if rule.get("direction") != "any" else ""]
    parts += ["quick" if rule.on("quick") else "", f"on {rule.get('interface')}" if rule.get("interface") else ""]
    parts += [rule.get("ipprotocol"), f"proto {rule.get('protocol')}" if rule.get("protocol") else ""]
    for side, word in (("source", "from"), ("destination", "to")):
        sign = "! " if rule.on(f"{side}_not") else ""
        parts.append(f"{word} {sign}{rule.get(f'{side}_net') or 'any'}")
        parts.append(f"port {rule.get(f'{side}_port')}" if rule.get(f"{side}_port") else "")
    parts.append(f"via {rule.get('gateway')}" if rule.get("gateway") else "")
    return " ".join(part for part in parts if part)
