"""Decides the fate of a packet by rows of `firewall_rules` alone, as decisions/0018 says, for tests."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

Row = Mapping[str, Any]
_ENDS = ("allow", "deny", "reject")


class Undecidable(Exception):
    """A condition that rows alone cannot decide."""


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection that comes in."""

    interface: str
    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    state: str = "new"


@dataclass(frozen=True)
class Filter:
    """A machine's rules and sets, and its own addresses."""

    rules: Sequence[Row]
    sets: Mapping[tuple[str, str], Sequence[str]]
    local: Sequence[str]

    def incoming(self, packet: Packet) -> str:
        """allow, deny or reject, for a packet to the machine itself."""
        for hook in ("prerouting", "input"):
            for ruleset, chain in self._bases(hook, packet):
                verdict, packet = self._base(ruleset, chain, packet)
                if verdict in ("deny", "reject"):
                    return verdict
        return "allow"

    def _bases(self, hook: str, packet: Packet) -> Iterator[tuple[str, str]]:
        """The chains that a packet of this version of IP enters at a hook, in their order."""
        here = [r for r in self.rules if r.get("hook") == hook and r["enabled"]]
        found = {(r["priority"], r["ruleset"], r["chain"]) for r in here if r["native_id"].endswith("/policy")
                 and r.get("family", _family(packet)) == _family(packet)}  # fmt: skip
        yield from ((ruleset, chain) for _, ruleset, chain in sorted(found))

    def _base(self, ruleset: str, chain: str, packet: Packet) -> tuple[str, Packet]:
        verdict, packet = self._chain(ruleset, chain, packet)
        if verdict in _ENDS:
            return verdict, packet
        (policy,) = [r["action"] for r in self._rows(ruleset, chain)[-1:]]
        return policy, packet

    def _rows(self, ruleset: str, chain: str) -> list[Row]:
        rows = [r for r in self.rules if r["ruleset"] == ruleset and r["chain"] == chain and r["enabled"]]
        return sorted(rows, key=lambda row: row["rule_number"])

    def _chain(self, ruleset: str, chain: str, packet: Packet) -> tuple[str, Packet]:
        """A verdict, `return` at the chain's end, or `gone` where a goto left it."""
        for row in self._rows(ruleset, chain):
            if not self._matches(row, packet):
                continue
            action = row["action"]
            if action in _ENDS:
                return action, packet
            if action == "return":
                return "return", packet
            if action == "nat":
                return "allow", _translated(row, packet)
            if action in ("jump", "goto"):
                verdict, packet = self._chain(ruleset, row["jump_to"], packet)
                if verdict in (*_ENDS, "gone"):
                    return verdict, packet
                if action == "goto":
                    return "gone", packet
        return "return", packet

    def _matches(self, row: Row, packet: Packet) -> bool:
        if row.get("family", _family(packet)) != _family(packet):
            return False
        said = (
            ("protocol", packet.protocol), ("source_network", packet.source),
            ("destination_network", packet.destination), ("destination_port", str(packet.port)),
            ("connection_state", packet.state), ("interface", packet.interface), ("out_interface", ""),
        )  # fmt: skip
        if not all(self._one(row, name, value) for name, value in said):
            return False
        return all(self._decide(text, packet) for text in row.get("conditions", ()))

    def _one(self, row: Row, name: str, value: str) -> bool:
        text = row.get(name, "any")
        if text == "any":
            return True
        negated, parts = text.startswith("!"), text.lstrip("!").split(",")
        wanted: list[str] = []
        for part in parts:
            wanted += self.sets[row["ruleset"], part[1:]] if part.startswith("@") else [part]
        return any(_is(name, one, value) for one in wanted) is not negated

    def _decide(self, text: str, packet: Packet) -> bool:
        if text.startswith(("limit ", "limit-burst")):
            return True  # the first packets are within every limit
        kind = text.split(" ")[-1].upper()
        if text.startswith(("dst-type", "fib daddr type")):
            return {"LOCAL": packet.destination in self.local}.get(kind, False)
        if text.startswith(("icmp", "meta pkttype broadcast")):
            return False
        raise Undecidable(text)


def _family(packet: Packet) -> str:
    return f"ipv{ipaddress.ip_address(packet.source).version}"


def _is(name: str, wanted: str, value: str) -> bool:
    if name.endswith("_network"):
        low, dash, high = wanted.partition("-")
        address = ipaddress.ip_address(value)
        if dash:
            return int(ipaddress.ip_address(low)) <= int(address) <= int(ipaddress.ip_address(high))
        network = ipaddress.ip_network(wanted)
        return network.version == address.version and address in network
    if name.endswith("_port"):
        low, _, high = wanted.partition("-")
        return int(low) <= int(value) <= int(high or low)
    return fnmatch(value, wanted)


def _translated(row: Row, packet: Packet) -> Packet:
    address, _, port = (
        row.get("nat_to", "").rpartition(":") if ":" in row.get("nat_to", "") else (row["nat_to"], "", "")
    )
    return replace(packet, destination=address or packet.destination, port=int(port or packet.port))
