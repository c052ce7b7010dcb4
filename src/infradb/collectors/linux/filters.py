"""What packet filters have in common: tables with chains of rules, and the sets that rules ask."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MATCHES = (
    "family",
    "protocol",
    "source_network",
    "source_port",
    "destination_network",
    "destination_port",
    "connection_state",
    "interface",
    "out_interface",
    "conditions",
)
"""Fields of a rule that say which packets it matches."""

DIRECTIONS = {
    "prerouting": "in",
    "ingress": "in",
    "input": "in",
    "forward": "forward",
    "output": "out",
    "egress": "out",
    "postrouting": "out",
}
"""Hook -> which packets pass it."""

FAMILIES = {"ip": "ipv4", "ip6": "ipv6"}
"""Family of a table -> the version of IP that it is about; tables of other families are about both or neither."""


@dataclass(slots=True)
class Rule:
    """One rule, its fields named as in the model; `say` fills them."""

    values: dict[str, Any] = field(default_factory=dict)
    packets: int | None = None
    words: list[str] = field(default_factory=list)
    """The rule in the firewall's own words."""

    def say(self, name: str, value: str, otherwise: str) -> None:
        """Set what the rule matches; a second condition on the same field is kept in words, `otherwise`."""
        if name in self.values:
            self.require(otherwise)
        else:
            self.values[name] = value

    def require(self, words: str) -> None:
        """Note a condition that no field takes."""
        self.values.setdefault("conditions", []).append(words)

    def match(self) -> dict[str, Any]:
        """Return what it matches, by which it is known again."""
        return {name: self.values[name] for name in MATCHES if name in self.values}


@dataclass(slots=True)
class Chain:
    """One chain; one with a hook is where packets enter."""

    name: str
    hook: str | None = None
    priority: int | None = None
    policy: str | None = None
    """accept or drop, of a chain with a hook."""
    packets: int | None = None
    """Packets that the policy decided."""
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True)
class FilterSet:
    """A named set that rules ask."""

    name: str
    kind: str
    """network, port, set (filled while packets flow) or other."""
    content: list[str] | None = None
    comment: str = ""


@dataclass(slots=True)
class Table:
    """One table: its chains jump only to each other."""

    name: str
    """As the model's `ruleset`: `inet filter`, `ip filter legacy`."""
    chains: dict[str, Chain] = field(default_factory=dict)
    sets: list[FilterSet] = field(default_factory=list)
    dormant: bool = False
    half_told: int = 0
    """Rules whose matches only the program that made them can tell."""


def reached(table: Table) -> Mapping[str, set[str]]:
    """Return chain -> hooks from which packets come to it, through however many jumps."""
    found: dict[str, set[str]] = {}
    for base in table.chains.values():
        waiting = [base.name] if base.hook else []
        while waiting:
            name = waiting.pop()
            hooks = found.setdefault(name, set())
            if base.hook in hooks or base.hook is None:
                continue
            hooks.add(base.hook)
            waiting += [
                r.values["jump_to"] for r in table.chains[name].rules if r.values.get("jump_to") in table.chains
            ]
    return found


def plain_address(text: str) -> str:
    """Return an address or network as the model writes it: a whole network of one address is the address."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text
    if network.prefixlen == 0:
        return "any"
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def joined(values: Iterable[str], negated: bool = False) -> str:
    """Return alternatives as one text, in an order of their own: sets come in any."""
    text = ",".join(sorted(set(values), key=_order))
    return f"!{text}" if negated else text


def _order(text: str) -> tuple[int, int, str]:
    start = text.split("-")[0]
    if start.isdigit():
        return (0, int(start[:20]), text)
    try:
        return (1, int(ipaddress.ip_network(text, strict=False).network_address), text)
    except ValueError:
        return (2, 0, text)
