"""The machine's packet filters: rules in the order of their evaluation, and the sets that they ask (decisions/0018)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from infradb.collectors.linux.filters import DIRECTIONS, FAMILIES, Chain, Rule, Table, reached
from infradb.collectors.linux.iptables import comment_key, read_ipsets, read_save, read_ufw_comments
from infradb.collectors.linux.nft import read_ruleset
from infradb.collectors.linux.sections import Facts
from infradb.machines import is_docker_bridge
from infradb.model.network import FirewallAlias, FirewallRule
from infradb.observation import Observation
from infradb.redaction import redact_text

FIREWALL_SECTIONS = (
    "nft", "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy", "legacy-tables", "ipset", "ufw",
)  # fmt: skip
"""Sections without which the scope `firewall` is not complete."""

_READERS = ("nft", "iptables", "ip6tables", "iptables-legacy", "ip6tables-legacy")
_UNKNOWN_TO_KERNEL = ("Protocol not supported", "Operation not supported")
_DENIED = ("not permitted", "Permission denied", "must be root")
_NO_RIGHT = (
    "the rules of the packet filter can be read by root only (CAP_NET_ADMIN): run infradb as root, log in "
    "as root or through sudo there, or give its service AmbientCapabilities=CAP_NET_ADMIN"
)
_MAKERS = (
    (re.compile(r"^DOCKER(-|$)"), "docker"), (re.compile(r"^ufw6?-"), "ufw"), (re.compile(r"^f2b-"), "fail2ban"),
    (re.compile(r"^(KUBE|CNI|FLANNEL)-"), "kubernetes"), (re.compile(r"^LIBVIRT_"), "libvirt"),
    (re.compile(r"^NETAVARK"), "podman"), (re.compile(r"^ts-"), "tailscale"),
    (re.compile(r"^(PVEFW-|GROUP-|tap\d+i\d+-(IN|OUT)$|veth\d+i\d+-(IN|OUT)$)"), "proxmox"),
)  # fmt: skip
"""Chain that holds or gets a packet -> program that made it."""
_TABLE_MAKERS = (
    (re.compile(r"^docker-"), "docker"), (re.compile(r"^firewalld$"), "firewalld"), (re.compile(r"^f2b-"), "fail2ban"),
    (re.compile(r"^libvirt_"), "libvirt"), (re.compile(r"^fw4$"), "fw4"), (re.compile(r"^crowdsec6?$"), "crowdsec"),
    (re.compile(r"^netavark$"), "podman"), (re.compile(r"^proxmox-firewall"), "proxmox"),
)  # fmt: skip
_LONGEST = 200
_NFT = {"nftables": [dict]}
_LONGEST_TEXT = 20_000

Found = tuple[list[Observation], Mapping[str, Mapping[str, Any]]]


def parse_firewall(facts: Facts) -> Found:
    """Return the rules and sets of all tables, and what each rule has counted."""
    observations: list[Observation] = []
    measured: dict[str, dict[str, Any]] = {}
    comments = _ufw_comments(facts)
    for table in read_tables(facts):
        for chain, rule, values in _rules(table, comments):
            observations.append(Observation(f"rule/{values['native_id']}", FirewallRule.table, values))
            packets = rule.packets if rule else chain.packets
            if packets is not None:
                measured[observations[-1].key] = {"packets": packets}
    return [*observations, *_aliases(facts)], measured


def read_tables(facts: Facts) -> list[Table]:
    """Return every table once: what iptables made is read from iptables, because nft knows it by half only."""
    tables = {table.name: table for table in read_ruleset(facts.json("nft", _NFT))}
    for section, family in (("iptables", "ip"), ("ip6tables", "ip6")):
        # Only legacy tables are there twice: iptables-save may itself be the legacy one.
        for said, legacy in ((section, None), (f"{section}-legacy", True)):
            for table in read_save("\n".join(facts.lines(said)), family, legacy=legacy):
                tables[table.name] = table
    return list(tables.values())


def firewall_trouble(facts: Facts) -> list[str]:
    """Return a sentence for everything that could not be read; called after parsing."""
    failed = {name: facts.sections[name] for name in FIREWALL_SECTIONS if facts.trouble((name,))}
    denied = [name for name, said in failed.items() if any(word in said.message for word in _DENIED)]
    lacking = [n for n, said in failed.items() if any(word in said.message for word in _UNKNOWN_TO_KERNEL)]
    errors = [_NO_RIGHT] if denied else []
    # Without the right to read one, the others' complaints say nothing new; a kernel without nf_tables holds none.
    if not (denied and facts.text("uid") != "0"):
        errors += facts.trouble(n for n in failed if n not in denied and n not in lacking)
    if facts.complete and not any(facts.has(name) for name in _READERS):
        errors.append("the rules of the packet filter are unknown, neither nft nor iptables is installed there")
    for line in facts.lines("legacy-tables"):
        program, _, name = line.partition("\t")
        if not facts.has(f"{program}-legacy") and not _told_legacy(facts, program):
            errors.append(f"the kernel has a legacy table {name} that no program shows; install {program}")
    if half_told := sum(table.half_told for table in read_tables(facts)):
        errors.append(
            f"{half_told} rules that iptables made are told by half, nft does not know them; install iptables"
        )
    return errors


def firewall_out_of_sight(facts: Facts) -> bool:
    """Tell whether nothing of the packet filter can be seen from here, for want of the right or of any program.

    That is no failure of this reading, and would be told at every one: `doctor` says what would make it visible.
    """
    asked = [facts.sections[name] for name in _READERS if facts.has(name)]
    if not asked:
        return facts.complete and not facts.lines("legacy-tables")
    return facts.text("uid") != "0" and all(any(word in s.message for word in _DENIED) for s in asked)


def firewall_readable(facts: Facts) -> bool:
    """Tell whether at least one program told its tables, be they none."""
    return any(facts.has(name) and not facts.trouble((name,)) for name in _READERS)


def _told_legacy(facts: Facts, program: str) -> bool:
    return "# Generated by" in facts.text(program) and "(nf_tables)" not in facts.text(program)


def _rules(table: Table, comments: Mapping[str, str]) -> Iterator[tuple[Chain, Rule | None, dict[str, Any]]]:
    """Yield the rules of a table with their values, chain by chain; the policy of a chain is its last rule."""
    hooks = reached(table)
    for chain in table.chains.values():
        ways = {DIRECTIONS.get(hook, "any") for hook in hooks.get(chain.name, ())}
        shared = {
            "firewall_host_id": "host",
            "ruleset": table.name,
            "chain": chain.name,
            "direction": ways.pop() if len(ways) == 1 else "any",
            "enabled": chain.name in hooks and not table.dormant,
        }
        if family := FAMILIES.get(table.name.split(" ")[0]):
            shared["family"] = family
        if chain.hook in DIRECTIONS:
            shared |= {"hook": chain.hook} | ({} if chain.priority is None else {"priority": chain.priority})
        seen: dict[str, int] = {}
        for number, rule in enumerate(chain.rules, 1):
            own = _own(rule, table, chain, comments)
            digest = _digest(rule)
            seen[digest] = seen.get(digest, 0) + 1
            native_id = _native_id(table, chain, digest if seen[digest] == 1 else f"{digest}/{seen[digest]}")
            yield chain, rule, {**shared, **own, "native_id": native_id, "rule_number": number}
        if chain.policy:
            action = "allow" if chain.policy == "accept" else "deny"
            last = {"native_id": _native_id(table, chain, "policy"), "rule_number": len(chain.rules) + 1}
            # It says nothing of networks: a policy is what is left, no rule that somebody wrote for all.
            yield chain, None, {**shared, **last, "action": action, "rule": f"policy {chain.policy}"}


def _own(rule: Rule, table: Table, chain: Chain, comments: Mapping[str, str]) -> dict[str, Any]:
    own = {name: value for name, value in rule.values.items() if name != "target"}
    for name in ("protocol", "source_network", "destination_network"):
        own.setdefault(name, "any")
    own["rule"] = redact_text(" ".join(rule.words)[:_LONGEST_TEXT])
    for name in [name for name, value in own.items() if isinstance(value, str) and len(value) > _LONGEST_TEXT]:
        # An anonymous set of tens of thousands: better a condition that nobody can decide than half of a list.
        own.setdefault("conditions", []).append(f"{name}: one of {own.pop(name).count(',') + 1}")
    if "conditions" in own:
        own["conditions"] = [redact_text(text[:_LONGEST_TEXT]) for text in own["conditions"]]
    if comment := own.get("description") or comments.get(f"{table.name} {comment_key(chain.name, rule)}"):
        own["description"] = redact_text(comment)
    if maker := _maker(rule, table, chain):
        own["managed_by"] = maker
    return own


def _maker(rule: Rule, table: Table, chain: Chain) -> str | None:
    if chain.name == "DOCKER-USER" and rule.match().keys() - {"family"}:
        return None  # Docker keeps the chain; what stands in it is a person's, but for the return at its end
    for pattern, maker in _TABLE_MAKERS:
        if pattern.match(table.name.split(" ")[1]):
            return maker
    for name in (chain.name, rule.values.get("jump_to", "")):
        for pattern, maker in _MAKERS:
            if pattern.match(name):
                return maker
    return "docker" if _dockers_own(rule, chain) else None


def _dockers_own(rule: Rule, chain: Chain) -> bool:
    """Tell whether a rule outside of Docker's chains is one that Docker puts there (libnetwork's iptables rules)."""
    values = rule.values
    bridges = any(is_docker_bridge(values.get(name, "").lstrip("!")) for name in ("interface", "out_interface"))
    if chain.name == "FORWARD":
        return bridges and not {"source_network", "destination_network", "description"} & values.keys()
    if chain.name != "POSTROUTING" or values.get("nat_type") != "source":
        return False
    # A published port as its own container reaches it.
    loops_back = "destination_port" in values and values.get("source_network") == values.get("destination_network")
    return bridges or ("source_network" in values and loops_back)


def _digest(rule: Rule) -> str:
    # Of a row of bare jumps each is told apart by its target; the other verdicts may change and the rule stay itself.
    said = [*sorted(rule.match().items()), rule.values.get("jump_to")]
    return blake2b(repr(said).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _native_id(table: Table, chain: Chain, end: str) -> str:
    place = f"{table.name}/{chain.name}"
    if len(place) > _LONGEST:
        place = f"{place[: _LONGEST - 17]}#{blake2b(place.encode(), digest_size=8).hexdigest()}"
    return f"{place}/{end}"


def _ufw_comments(facts: Facts) -> dict[str, str]:
    """Return table and rule of ufw -> comment; a file follows a line `# FILE`."""
    found: dict[str, str] = {}
    for part in re.split(r"(?m)^# FILE ", facts.text("ufw")):
        name, _, text = part.partition("\n")
        family = "ip6" if "user6" in name else "ip"
        for key, comment in read_ufw_comments(text, family).items():
            found |= {f"{family} filter {key}": comment, f"{family} filter legacy {key}": comment}
    return found


def _aliases(facts: Facts) -> Sequence[Observation]:
    named = [(table.name, one) for table in read_tables(facts) for one in table.sets]
    named += [("ipset", one) for one in read_ipsets("\n".join(facts.lines("ipset")))]
    found: dict[str, Observation] = {}
    for zone, one in named:
        if not 0 < len(one.name.strip()) <= _LONGEST:
            continue  # the kernel takes up to 127 characters
        values: dict[str, Any] = {"firewall_host_id": "host", "alias_name": one.name, "zone": zone}
        values["alias_type"] = one.kind
        if one.content is not None:
            values["content"] = sorted(one.content)
        if one.comment:
            values["description"] = redact_text(one.comment)
        key = f"alias/{zone}/{one.name}"
        found.setdefault(key, Observation(key, FirewallAlias.table, values))
    return list(found.values())
