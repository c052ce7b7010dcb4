"""Reads the rules that `nft -j list ruleset` prints (libnftables-json(5), schema version 1)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infradb.collectors.linux.filters import FAMILIES, Chain, FilterSet, Rule, Table, joined, plain_address
from infradb.collectors.linux.nft_words import address, statement, value_list, words

_MOST_VARIANTS = 256
"""A rule that looks up its verdict in a larger map stays one row, which says so among its conditions."""
_MOST_ELEMENTS = 5000
"""A set with more of them is told without its content."""
_VERSIONS = {**FAMILIES, "ipv4": "ipv4", "ipv6": "ipv6"}
_VERDICTS = {"accept": "allow", "drop": "deny", "reject": "reject", "return": "return", "queue": "queue"}
_NAT = {"dnat": "destination", "redirect": "destination", "snat": "source", "masquerade": "source"}
_XT_TARGETS = {"DNAT": "dnat", "REDIRECT": "redirect", "SNAT": "snat", "MASQUERADE": "masquerade"}
_INTERFACES = {"iif": "interface", "iifname": "interface", "oif": "out_interface", "oifname": "out_interface"}
_ADDRESSES = {"saddr": "source_network", "daddr": "destination_network"}
_PORTS = {"sport": "source_port", "dport": "destination_port"}
_PLAIN = {"==": False, "in": False, "!=": True}
_KINDS = {"ipv4_addr": "network", "ipv6_addr": "network", "inet_service": "port"}

Json = Mapping[str, Any]


def read_ruleset(listed: Any) -> list[Table]:
    """Return the tables of a ruleset; what is no object of a known shape is left out."""
    tables: dict[str, Table] = {}
    counters: dict[str, int] = {}
    maps: dict[str, Sequence[Any]] = {}
    objects = [o for o in _list(_dict(listed).get("nftables")) if isinstance(o, dict) and len(o) == 1]
    for each in objects:
        (kind, said) = _only(each)
        if not isinstance(said, dict):
            continue
        label = f"{said.get('family')} {said.get('table', said.get('name') if kind == 'table' else '')}"
        name = str(said.get("name") or "")
        if kind == "table":
            # nft 1.0.6 writes the table's name where it means `dormant`.
            tables[label] = Table(label, dormant=not {"dormant", name}.isdisjoint(value_list(said.get("flags"))))
        elif label not in tables:
            continue
        elif kind == "counter":
            counters[f"{label} {name}"] = _count(said.get("packets")) or 0
        elif kind in ("set", "map"):
            if kind == "map":
                maps[f"{label} @{name}"] = _list(said.get("elem"))
            tables[label].sets.append(_named_set(said))
        elif kind == "chain" and name:
            tables[label].chains[name] = _chain(said)
    for each in objects:
        said = _dict(each.get("rule"))
        table = tables.get(f"{said.get('family')} {said.get('table')}")
        if table and (chain := table.chains.get(str(said.get("chain")))):
            for rule in _rules(said, table, maps, counters):
                chain.rules.append(rule)
    return list(tables.values())


def _chain(said: Json) -> Chain:
    hook, priority = said.get("hook"), said.get("prio")
    policy = said.get("policy", "accept") if hook else None
    chain = Chain(str(said["name"]), hook if isinstance(hook, str) else None)
    if chain.hook:
        chain.policy = str(policy)
        chain.priority = priority if isinstance(priority, int) and abs(priority) < 2**31 else None
    return chain


def _named_set(said: Json) -> FilterSet:
    elements = _list(said.get("elem"))
    volatile = "timeout" in said or not {"dynamic", "timeout"}.isdisjoint(value_list(said.get("flags")))
    kind = "set" if volatile else _KINDS.get(str(said.get("type")), "other")
    content = None
    if not volatile and len(elements) <= _MOST_ELEMENTS:
        content = [_element(each) for each in elements]
    return FilterSet(str(said.get("name")), kind, content, str(said.get("comment") or ""))


def _element(each: Any) -> str:
    if isinstance(each, list) and len(each) == 2:
        verdict = each[1]
        return f"{_element(each[0])} : {statement(verdict) if isinstance(verdict, dict) else words(verdict)}"
    return plain_address(words(_bare(each)))


def _bare(each: Any) -> Any:
    """Return an element without its counters, times and comment."""
    inner = _dict(each).get("elem")
    return inner.get("val") if isinstance(inner, dict) else each


def _rules(said: Json, table: Table, maps: Mapping[str, Sequence[Any]], counters: Mapping[str, int]) -> Iterator[Rule]:
    """Yield the rule, or one for each entry of the map in which it looks up its verdict or its new address."""
    expressions = [e for e in _list(said.get("expr")) if isinstance(e, dict) and len(e) == 1]
    half_told = any("xt" in e for e in expressions)
    table.half_told += half_told
    for variant in _variants(expressions, table.name, maps):
        rule = Rule()
        if family := FAMILIES.get(table.name.split(" ")[0]):
            rule.values["family"] = family
        rule.values["action"] = "continue"
        for expression in variant:
            (kind, inner) = _only(expression)
            _understand(rule, kind, inner, table.name, counters)
            if kind != "counter":
                rule.words.append(statement(expression))
        if isinstance(comment := said.get("comment"), str):
            rule.values["description"] = comment
        yield rule


def _variants(expressions: Sequence[Any], table: str, maps: Mapping[str, Sequence[Any]]) -> list[list[Any]]:
    for at, expression in enumerate(expressions):
        (kind, inner) = _only(expression)
        before, after = expressions[:at], expressions[at + 1 :]
        if kind == "vmap":
            found = [
                [*before, *_equal(_dict(inner).get("key"), key), verdict]
                for key, verdict in _pairs(_dict(inner).get("data"), table, maps)
                if isinstance(verdict, dict)
            ]
            return [*found, [*before, *after]] if after and found else found or [list(expressions)]
        if kind in ("dnat", "snat") and isinstance(looked_up := _dict(_dict(inner).get("addr")).get("map"), dict):
            found = [
                [*before, *_equal(looked_up.get("key"), key), {kind: {**inner, **_new_address(value)}}, *after]
                for key, value in _pairs(looked_up.get("data"), table, maps)
            ]
            return found or [list(expressions)]
        if kind == "match" and isinstance(inner, dict) and inner.get("op") in ("==", "in"):
            options = _dict(inner.get("right")).get("set")
            if "concat" in _dict(inner.get("left")) and isinstance(options, list) and len(options) <= _MOST_VARIANTS:
                found = [[*before, *_equal(inner["left"], _bare(each)), *after] for each in sorted(options, key=repr)]
                return [deeper for one in found for deeper in _variants(one, table, maps)]
    return [list(expressions)]


def _pairs(data: Any, table: str, maps: Mapping[str, Sequence[Any]]) -> list[tuple[Any, Any]]:
    """Return the entries of a map, its catch-all last; none where there are too many."""
    elements = maps.get(f"{table} {data}", []) if isinstance(data, str) else _list(_dict(data).get("set"))
    pairs = [(_bare(each[0]), each[1]) for each in elements if isinstance(each, list) and len(each) == 2]
    if len(pairs) > _MOST_VARIANTS:
        return []
    return sorted(pairs, key=lambda pair: (pair[0] == "*", words(pair[0])))


def _equal(left: Any, right: Any) -> list[Json]:
    """Return the matches of a key with an entry: one, or of a concatenation one for each part."""
    if right == "*":
        return []
    lefts, rights = _dict(left).get("concat"), _dict(right).get("concat")
    if isinstance(lefts, list) and isinstance(rights, list) and len(lefts) == len(rights):
        return [{"match": {"op": "==", "left": one, "right": other}} for one, other in zip(lefts, rights, strict=True)]
    return [{"match": {"op": "==", "left": left, "right": right}}]


def _new_address(value: Any) -> Json:
    parts = _dict(value).get("concat")
    if isinstance(parts, list) and len(parts) == 2:
        return {"addr": parts[0], "port": parts[1]}
    return {"addr": value}


def _understand(rule: Rule, kind: str, inner: Any, table: str, counters: Mapping[str, int]) -> None:
    said = _dict(inner)
    if kind == "match":
        _match(rule, said)
    elif kind == "counter":
        named = counters.get(f"{table} {inner}") if isinstance(inner, str) else _count(said.get("packets"))
        rule.packets = named if named is not None else rule.packets
    elif kind in _VERDICTS:
        rule.values["action"] = _VERDICTS[kind]
    elif kind in ("jump", "goto"):
        rule.values |= {"action": kind, "jump_to": str(said.get("target"))}
    elif kind in _NAT:
        _translate(rule, kind, said)
    elif kind == "xt":
        # What iptables made for itself: nft knows no more than its name.
        if said.get("type") == "target" and (known := _XT_TARGETS.get(str(said.get("name")))):
            _translate(rule, known, {})
        elif said.get("type") == "match":
            rule.require(statement({"xt": said}))
    elif kind in ("limit", "quota", "vmap", "ct count", "meter"):
        rule.require(statement({kind: inner}))


def _translate(rule: Rule, kind: str, said: Json) -> None:
    rule.values |= {"action": "nat", "nat_type": _NAT[kind]}
    to, port = said.get("addr"), said.get("port")
    text = "" if to is None else words(to)
    if port is not None:
        text = f"[{text}]:{words(port)}" if ":" in text else f"{text}:{words(port)}"
    if text:
        rule.values["nat_to"] = text


def _match(rule: Rule, said: Json) -> None:
    left, right, sign = said.get("left"), said.get("right"), str(said.get("op"))
    text = statement({"match": said})
    if sign not in _PLAIN:
        rule.require(text)
        return
    negated = _PLAIN[sign]
    kind, inner = _only(_dict(left))
    inner = _dict(inner)
    key = str(inner.get("key") or inner.get("field"))
    protocol = str(inner.get("protocol"))
    if kind == "payload" and protocol in ("ip", "ip6") and key in _ADDRESSES:
        rule.values.setdefault("family", _VERSIONS[protocol])
        rule.say(_ADDRESSES[key], address(right, negated), text)
    elif kind == "payload" and key in _PORTS:
        if protocol != "th":
            rule.values.setdefault("protocol", protocol)
        rule.say(_PORTS[key], joined(value_list(right), negated), text)
    elif (kind == "payload" and key in ("protocol", "nexthdr")) or (kind == "meta" and key == "l4proto"):
        if protocol in ("ip", "ip6"):
            rule.values.setdefault("family", _VERSIONS[protocol])
        rule.say("protocol", joined([_protocol(v) for v in value_list(right)], negated), text)
    elif kind == "payload" and protocol in ("icmp", "icmpv6"):
        rule.values.setdefault("protocol", protocol)
        rule.require(text)
    elif kind == "meta" and key in ("nfproto", "protocol") and str(right) in _VERSIONS and not negated:
        rule.say("family", _VERSIONS[str(right)], text)
    elif kind == "meta" and key in _INTERFACES:
        rule.say(_INTERFACES[key], joined(value_list(right), negated), text)
    elif kind == "ct" and key in ("state", "status") and "dir" not in inner:
        rule.say("connection_state", joined(value_list(right), negated), text)
    else:
        rule.require(text)


def _protocol(text: str) -> str:
    return "icmpv6" if text == "ipv6-icmp" else text


def _only(value: Json) -> tuple[str, Any]:
    """Return what an object with one field holds: its kind and what is inside."""
    return next(iter(value.items()), ("", None))


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**53 else None
