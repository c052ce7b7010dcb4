"""Address translation: port forwards, one-to-one, outbound, and prefixes of IPv6, each kind in its own order."""

from collections.abc import Iterator, Mapping
from typing import Any

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import Node, has, leaves, nodes, said
from infradb.collectors.opnsense.rules import FilterRule, Known, matches, native_id, sides, who_changed
from infradb.redaction import redact_text

KINDS = ("destination", "one_to_one", "source", "npt")
"""In the order in which a packet meets them."""
_NEW = {"source": "snatrules", "one_to_one": "onetoone", "npt": "npt"}
_OLD = {
    "destination": "nat/rule",
    "source": "nat/outbound/rule",
    "one_to_one": "nat/onetoone/rule",
    "npt": "nat/npt/rule",
}
_CHAINS = {"destination": "port forward", "one_to_one": "one-to-one", "source": "outbound", "npt": "prefix"}
_TYPES = {"destination": "destination", "one_to_one": "both", "source": "source", "npt": "both"}
_MANUAL = ("hybrid", "advanced")
"""Modes of outbound NAT in which rules that people made are asked."""


def read_nat(readings: Readings, known: Known) -> Iterator[tuple[str, FilterRule]]:
    """Yield kind and rule, in the order of their evaluation."""
    for kind in KINDS:
        told = [_from_api(row, kind, known, number) for number, row in enumerate(readings.rows(kind))]
        found = list(_configured(readings.one("config"), kind)) if "config" in readings.answers else []
        live = {rule.uuid for rule in told}
        if kind in readings.answers and kind not in readings.short:
            found = [rule for rule in found if rule.legacy or rule.uuid in live]
        seen = {rule.uuid for rule in found if rule.uuid}
        found += [rule for rule in told if rule.uuid not in seen]
        yield from ((kind, rule) for rule in sorted(found, key=lambda rule: rule.order))


def nat_values(readings: Readings, known: Known) -> Iterator[tuple[FilterRule, dict[str, Any]]]:
    """Yield each rule with its values in the model."""
    mode = said(readings.one("config"), "nat/outbound/mode")
    seen: dict[str, int] = {}
    for number, (kind, rule) in enumerate(read_nat(readings, known), 1):
        values = matches(rule, known) | {
            "native_id": native_id(rule, kind, seen),
            "ruleset": "pf nat",
            "chain": _CHAINS[kind],
            "rule_number": number,
            "action": "return" if rule.on("nordr") or rule.on("nonat") else "nat",
            "direction": {"destination": "in", "source": "out"}.get(kind, "any"),
            "quick": True,
            "rule": redact_text(_text(kind, rule)),
        }
        if kind in ("destination", "source"):
            values["hook"] = "prerouting" if kind == "destination" else "postrouting"
        if values["action"] == "nat":
            values["nat_type"] = _TYPES[kind]
            if to := _target(kind, rule):
                values["nat_to"] = to
        if kind == "source" and not rule.automatic and mode and mode not in _MANUAL:
            values["enabled"] = False
        if rule.automatic:
            values["managed_by"] = "opnsense"
        yield rule, values


def _configured(config: Mapping[str, Any], kind: str) -> Iterator[FilterRule]:
    if kind in _NEW:
        for number, node in enumerate(nodes(config, f"OPNsense/Firewall/Filter/{_NEW[kind]}/rule")):
            rule = FilterRule(leaves(node), (0, 0, 0, number), str(node.get("@uuid", "")))
            rule.order = (0, 0, _number(rule.get("sequence")), number)
            rule.changed = who_changed(node)
            yield rule
    for number, node in enumerate(nodes(config, _OLD[kind])):
        rule = FilterRule(_old_fields(node, kind), (0, 1, 0, number), str(node.get("@uuid", "")), legacy=True)
        # The new model of port forwards lies where the old one was; its rules have a sequence.
        rule.legacy = not (kind == "destination" and rule.uuid and said(node, "sequence"))
        rule.order = (0, int(rule.legacy), _number(said(node, "sequence")), number)
        rule.changed = who_changed(node)
        yield rule


def _old_fields(node: Node, kind: str) -> dict[str, str]:
    fields = {n: v for n, v in leaves(node).items() if n not in ("source", "destination")}
    fields |= sides(node)
    fields["enabled"] = "0" if has(node, "disabled") else "1"
    if kind == "source":
        fields["source_port"] = said(node, "sourceport") or fields["source_port"]
        fields["destination_port"] = said(node, "dstport") or fields["destination_port"]
        fields["target_port"] = said(node, "natport")
        fields["nonat"] = "1" if has(node, "nonat") else "0"
    if kind == "destination":
        fields["target_port"] = said(node, "local-port")
        fields["nordr"] = "1" if has(node, "nordr") else "0"
    return fields


def _from_api(row: Mapping[str, Any], kind: str, known: Known, number: int) -> FilterRule:
    fields: dict[str, str] = {}
    for name, value in row.items():
        if isinstance(value, bool):
            fields[name] = "1" if value else "0"
        elif isinstance(value, str | int | float):
            # d_nat answers what lies below source and destination as `source.network`.
            fields[name.replace(".network", "_net").replace(".", "_")] = str(value).strip()[:10_000]
        elif isinstance(value, dict) and name in ("source", "destination"):
            inner = {n: str(v).strip() for n, v in value.items() if isinstance(v, str | int)}
            fields |= {f"{name}_net": inner.get("network") or inner.get("address") or "any"}
            fields |= {f"{name}_port": inner.get("port", ""), f"{name}_not": inner.get("not", "0")}
    fields["interface"] = ",".join(known.interfaces(fields.get("interface", "")))
    if "disabled" in fields and "enabled" not in fields:
        fields["enabled"] = "0" if fields["disabled"] in ("1", "true") else "1"
    if kind == "destination":
        fields["target_port"] = fields.get("local-port", "")
    rule = FilterRule(fields, (0, 0, _number(fields.get("sequence", "")), number), fields.get("uuid", ""))
    rule.automatic = rule.on("is_automatic")
    if rule.automatic:
        # What keeps people from locking themselves out stands first, what lets networks out comes last.
        rule.order = (-1 if kind == "destination" else 1, 0, 0, number)
    return rule


def _target(kind: str, rule: FilterRule) -> str:
    if kind == "one_to_one":
        return rule.get("external")
    if kind == "npt":
        return rule.get("destination_net") if rule.get("destination_net") != "any" else ""
    target, port = rule.get("target"), rule.get("target_port")
    if not port:
        return target
    return f"[{target}]:{port}" if ":" in target else f"{target}:{port}"


def _text(kind: str, rule: FilterRule) -> str:
    word = {"destination": "rdr", "source": "nat", "npt": "binat"}.get(kind, rule.get("type") or "binat")
    no = "no " if rule.on("nordr") or rule.on("nonat") else ""
    # Packets of such a forward are not asked by the filter any more.
    passes = " pass" if kind == "destination" and rule.get("pass") == "pass" else ""
    parts = [f"{no}{word}{passes}", f"on {rule.get('interface')}" if rule.get("interface") else ""]
    parts += [rule.get("ipprotocol"), f"proto {rule.get('protocol')}" if rule.get("protocol") else ""]
    for side, name in (("source", "from"), ("destination", "to")):
        sign = "! " if rule.on(f"{side}_not") else ""
        parts.append(f"{name} {sign}{rule.get(f'{side}_net') or 'any'}")
        parts.append(f"port {rule.get(f'{side}_port')}" if rule.get(f"{side}_port") else "")
    if not no and (to := _target(kind, rule)):
        parts.append(f"-> {to}")
    return " ".join(part for part in parts if part)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
