"""What a device's interfaces are, and how its numbers, its bridge's ports and LLDP's ports name them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.snmp.parse_system import PARSER_VERSION, host_key, is_linux
from infradb.collectors.snmp.tables import DeviceFacts
from infradb.collectors.snmp.values import index, mac, number, text
from infradb.model.physical import NetworkInterface
from infradb.observation import Answer, Observation, digest_of
from infradb.redaction import redact_text

_ETHERNET = (6, 26, 62, 69, 117)
_TYPES = {
    24: "loopback",
    53: "virtual",
    71: "wifi",
    131: "tunnel",
    135: "vlan",
    136: "vlan",
    150: "tunnel",
    161: "bond",
    209: "bridge",
}
"""IANAifType -> interface_type; every other kind is virtual."""
_STATUS = {1: "up", 2: "down", 3: "unknown", 4: "unknown", 5: "up", 6: "down", 7: "down"}
"""ifOperStatus (RFC 2863)."""
_VLAN_NAME = re.compile(r"^(?:vlan|vl|vlan-interface|vlanif)[ ._-]?(\d{1,4})$", re.IGNORECASE)
_TAGGED_NAME = re.compile(r"^.+\.(\d{1,4})$")
_DOCKER = re.compile(r"^(?:docker0|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni-podman\d+)$")
_CONTAINER_END = re.compile(r"^veth(?:[0-9a-f]{7}|[0-9a-f]{8}|\w{6})$")
_ACTIVE_STACK = 1


@dataclass(frozen=True)
class Interfaces:
    """The interfaces of one device, by everything that names them."""

    device: str
    names: Mapping[int, str] = field(default_factory=dict)
    """ifIndex -> name, unique on the device; those that are left out are not among them."""

    macs: Mapping[int, str] = field(default_factory=dict)
    """ifIndex -> hardware address."""

    ports: Mapping[int, int] = field(default_factory=dict)
    """Port of the bridge -> ifIndex (BRIDGE-MIB, dot1dBasePortIfIndex)."""

    left_out: frozenset[int] = frozenset()
    """ifIndex of those that belong to Docker on a Linux machine."""

    spoken: Mapping[str, int] = field(default_factory=dict)
    """Any unique name, description or alias -> ifIndex."""

    def key(self, number_: int) -> str | None:
        """Return the native key of an interface by its ifIndex; None where there is none."""
        name = self.names.get(number_)
        return None if name is None else interface_key(host_key(self.device), name)

    def by_mac(self, address: str) -> int | None:
        """Return the ifIndex of the only interface with a hardware address."""
        found = [n for n, m in self.macs.items() if m == address and n in self.names]
        return found[0] if len(found) == 1 else None


def interface_key(host: str, name: str) -> str:
    """Return the native key of an interface below its host."""
    return f"{host}/interface/{name}"


def read_interfaces(facts: DeviceFacts) -> Interfaces:
    """Return the interfaces of a device with a name each.

    ifName is what the device itself calls them. Where two have the same one, or none, ifDescr is taken, then both
    with the number.
    """
    short, long = _texts(facts, "ifName"), _texts(facts, "ifDescr")
    numbers = sorted({*short, *long, *_by_number(facts, "ifType")})
    left_out = frozenset(n for n in numbers if is_linux(facts) and _is_containers(short.get(n) or long.get(n, "")))
    often_short, often_long = Counter(short.values()), Counter(long.values())
    names: dict[int, str] = {}
    for n in numbers:
        if n in left_out:
            continue
        one, other = short.get(n, ""), long.get(n, "")
        if one and often_short[one] == 1:
            names[n] = one
        elif other and often_long[other] == 1 and other not in often_short:
            names[n] = other
        else:
            names[n] = f"{one or other or 'interface'} ({n})"
    macs = {n: m for n, raw in _by_number(facts, "ifPhysAddress").items() if (m := mac(raw))}
    ports = {
        n: at for n, raw in _by_number(facts, "dot1dBasePortIfIndex", "ports").items() if (at := number(raw, 2**31))
    }
    return Interfaces(facts.name, names, macs, ports, left_out, _spoken(names, short, long, _texts(facts, "ifAlias")))


def interface_answers(facts: DeviceFacts, known: Interfaces) -> list[Answer]:
    """Return an answer per interface, what others lie on first."""
    below = _below(facts, known)
    ordered = sorted(known.names, key=lambda n: (_depth(n, below), n))
    return [_answer(facts, known, n, below.get(n)) for n in ordered]


def vlan_of_name(name: str, kind: Any = None) -> int | None:
    """Return the tag in the name of a VLAN's interface: Vlan20, Vl20; of a tagged one also eth0.20."""
    match = _VLAN_NAME.match(name) or (_TAGGED_NAME.match(name) if kind == 135 else None)
    tag = int(match[1]) if match else 0
    return tag if 0 < tag < 4095 else None


def _answer(facts: DeviceFacts, known: Interfaces, n: int, parent: int | None) -> Answer:
    host, name = host_key(facts.name), known.names[n]

    def said(column: str) -> Any:
        return facts.column("interfaces", column).get(str(n))

    status = _STATUS.get(said("ifOperStatus") if isinstance(said("ifOperStatus"), int) else 4)
    alias = redact_text(text(said("ifAlias")))
    values: dict[str, Any] = {
        "host_id": host,
        "interface_name": name,
        "interface_type": _type(facts, name, said("ifType"), said("ifConnectorPresent")),
        "mac_address": known.macs.get(n),
        "mtu": number(said("ifMtu"), 2**31 - 1) or None,
        # A port without a link shows its last speed, its highest, or none.
        "speed_mbps": _speed(said("ifHighSpeed"), said("ifSpeed")) if status == "up" else None,
        "link_status": status,
        "vlan_id": vlan_of_name(name, said("ifType")),
        "description": alias if alias and alias != name else None,
        "parent_interface_id": known.key(parent) if parent is not None else None,
    }
    values = {field_: value for field_, value in values.items() if value is not None}
    key = interface_key(host, name)
    observation = Observation(key, NetworkInterface.table, values)
    return Answer(key, digest_of(values, PARSER_VERSION), lambda: (observation,))


def _type(facts: DeviceFacts, name: str, kind: Any, connector: Any) -> str | None:
    if not isinstance(kind, int):
        return None
    if vlan_of_name(name, kind):
        return "vlan"
    if kind in _ETHERNET:
        # Linux calls bridges, bonds and the ends of veth pairs Ethernet as well.
        if is_linux(facts):
            return None
        return "virtual" if connector == 2 else "physical"
    return _TYPES.get(kind, "virtual")


def _speed(high: Any, low: Any) -> int | None:
    """Return the speed in Mbit/s: ifHighSpeed, else ifSpeed, which ends at 4.29 Gbit/s (RFC 2863)."""
    if found := number(high, 10**7):
        return found
    slow = number(low, 2**32 - 2)
    return slow // 10**6 or None if slow else None


def _below(facts: DeviceFacts, known: Interfaces) -> dict[int, int]:
    """Return interface -> the one below it in the model: of a VLAN its link, of a bond's member the bond."""
    types = _by_number(facts, "ifType")
    found: dict[int, int] = {}
    for dotted, status in facts.column("interfaces", "ifStackStatus").items():
        pair = index(dotted)
        if len(pair) != 2 or status != _ACTIVE_STACK or not {*pair} <= known.names.keys() or pair[0] == pair[1]:
            continue
        higher, lower = pair
        if types.get(higher) == 161:
            found[lower] = higher
        elif types.get(higher) == 135 and types.get(lower) in (*_ETHERNET, 161):
            found.setdefault(higher, lower)
    return found


def _depth(n: int, below: Mapping[int, int]) -> int:
    depth = 0
    while n in below and depth < 10:
        n, depth = below[n], depth + 1
    return depth


def _texts(facts: DeviceFacts, column: str) -> dict[int, str]:
    return {n: said for n, raw in _by_number(facts, column).items() if (said := text(raw, 200))}


def _by_number(facts: DeviceFacts, column: str, part: str = "interfaces") -> dict[int, Any]:
    found = {}
    for dotted, value in facts.column(part, column).items():
        at = index(dotted)
        if len(at) == 1 and 0 < at[0] < 2**31:
            found[at[0]] = value
    return found


def _spoken(names: Mapping[int, str], *others: Mapping[int, str]) -> dict[str, int]:
    """Return every text that names exactly one interface, whichever of its names it is."""
    said: dict[str, set[int]] = {}
    for column in (names, *others):
        for n, name in column.items():
            said.setdefault(name, set()).add(n)
    return {name: next(iter(at)) for name, at in said.items() if len(at) == 1 and at <= names.keys()}


def _is_containers(name: str) -> bool:
    """Tell whether an interface is Docker's or Podman's own, which comes and goes with containers."""
    return bool(_DOCKER.match(name) or _CONTAINER_END.match(name))


def interfaces_of(devices: Iterable[DeviceFacts]) -> dict[str, Interfaces]:
    """Return the interfaces of each device, by the device's name."""
    return {facts.name: read_interfaces(facts) for facts in devices}
