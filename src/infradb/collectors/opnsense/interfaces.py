"""The firewall's interfaces as both sides tell them: the API what is up, the configuration what was meant."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.opnsense.client import Readings
from infradb.collectors.opnsense.configuration import Node, nodes, said
from infradb.model.types import canonical_mac

Place = ipaddress.IPv4Interface | ipaddress.IPv6Interface
_TYPES = (
    (re.compile(r"^lo\d"), "loopback"), (re.compile(r"^bridge\d"), "bridge"), (re.compile(r"^lagg\d"), "bond"),
    (re.compile(r"^(wg|ovpn|gif|gre|tun|ipsec|enc|pppoe|ppp|l2tp|pptp|tailscale|stf)"), "tunnel"),
    (re.compile(r"(_vlan\d+|^vlan)|\.\d+$"), "vlan"), (re.compile(r"^(wlan|ath)"), "wifi"),
    (re.compile(r"^(tap|vxlan|epair|carp)"), "virtual"),
)  # fmt: skip
_NEVER = re.compile(r"^(pflog|pfsync|enc|openvpn$|ipsec$)")
_SPEED = re.compile(r"\b(\d+)(G?)base", re.IGNORECASE)


@dataclass(slots=True)
class Interface:
    """One interface, by its device, with the name it has in rules."""

    device: str
    identifier: str = ""
    """What rules call it: wan, lan, opt1."""
    description: str = ""
    mac: str = ""
    """The hardware's own address where it tells two."""
    physical: bool = False
    mtu: int | None = None
    status: str = ""
    """up, down, or empty where only the configuration was read."""
    media: str = ""
    vlan_id: int | None = None
    parent: str = ""
    members: list[str] = field(default_factory=list)
    dynamic: bool = False
    """Whether its address comes from somebody else: dhcp, pppoe."""
    upstream: bool = False
    """Whether a gateway behind it leads to the rest of the world."""
    enabled: bool = True
    addresses: list[Place] = field(default_factory=list)
    shared: set[str] = field(default_factory=set)
    """Addresses of its that another firewall may take over (CARP)."""

    @property
    def kind(self) -> str:
        """Return its type in the model's words."""
        if self.vlan_id is not None:
            return "vlan"
        return next((kind for pattern, kind in _TYPES if pattern.search(self.device)), "physical")

    @property
    def speed(self) -> int | None:
        """Return its speed in Mbit/s from the name of the medium: `1000baseT`, `10Gbase-SR`."""
        found = _SPEED.search(self.media)
        return int(found[1][:6]) * (1000 if found[2] else 1) if found else None


def read_interfaces(readings: Readings) -> list[Interface]:
    """Return the interfaces by device."""
    config = readings.one("config")
    found: dict[str, Interface] = {}
    for section in config.get("interfaces", ())[:1]:
        for identifier, (node, *_) in section.items():
            if not identifier.startswith(("@", "#")) and (one := _configured(identifier, node)):
                found[one.device] = one
    for vlan in nodes(config, "vlans/vlan"):
        device = said(vlan, "vlanif") or f"{said(vlan, 'if')}_vlan{said(vlan, 'tag')}"
        one = found.setdefault(device, Interface(device, description=said(vlan, "descr"), enabled=True))
        one.vlan_id, one.parent = _tag(said(vlan, "tag")), said(vlan, "if")
    for row in readings.rows("interfaces"):
        if (device := _text(row.get("device"))) and not _NEVER.match(device):
            _observe(found.setdefault(device, Interface(device)), row)
    for vip in nodes(config, "virtualip/vip"):
        _virtual(found.values(), vip)
    return [one for _, one in sorted(found.items())]


def network_of(address: str, networks: Sequence[str]) -> str | None:
    """Return the native key of the smallest network around an address."""
    parsed = ipaddress.ip_address(address)
    around = [n for n in map(ipaddress.ip_network, networks) if n.version == parsed.version and parsed in n]
    return f"network/{max(around, key=lambda n: n.prefixlen)}" if around else None


def own_networks(interfaces: Sequence[Interface]) -> list[str]:
    """Return the networks on the firewall's interfaces."""
    return sorted({str(place.network) for one in interfaces for place in one.addresses if is_network(place)})


def is_network(place: Place) -> bool:
    """Tell whether an address lies in a network, not by itself alone."""
    return not place.ip.is_loopback and place.network.prefixlen < place.network.max_prefixlen


def _configured(identifier: str, node: Node) -> Interface | None:
    device = said(node, "if")
    # Groups stand among the interfaces.
    if not device or said(node, "type") == "group" or _NEVER.match(device):
        return None
    one = Interface(device, identifier, said(node, "descr") or identifier.upper())
    one.enabled = bool(list(nodes(node, "enable")))
    one.upstream = any(said(node, name) not in ("", "none") for name in ("gateway", "gatewayv6"))
    one.mtu = int(said(node, "mtu")) if said(node, "mtu").isdecimal() and len(said(node, "mtu")) < 7 else None
    for address, length in (("ipaddr", "subnet"), ("ipaddrv6", "subnetv6")):
        if place := _place(f"{said(node, address)}/{said(node, length)}"):
            one.addresses.append(place)
        elif said(node, address):
            one.dynamic = True
    return one


def _observe(one: Interface, row: Mapping[str, Any]) -> None:
    one.identifier = _text(row.get("identifier")) or one.identifier
    if one.identifier:
        one.description = _text(row.get("description")) or one.description
    one.mac = _mac(row.get("macaddr_hw")) or _mac(row.get("macaddr"))
    one.physical = str(row.get("is_physical")).lower() in ("true", "1")
    mtu = _text(row.get("mtu"))
    one.mtu = int(mtu) if mtu.isdecimal() and len(mtu) < 7 else one.mtu
    one.status = "up" if _text(row.get("status")) == "up" else "down"
    one.media = _text(row.get("media"))
    one.dynamic = _text(row.get("link_type")) in ("dhcp", "pppoe", "ppp", "l2tp", "pptp", "dhcp6", "slaac")
    vlan = row.get("vlan")
    if isinstance(vlan, dict) and (tag := _tag(_text(vlan.get("tag")))) is not None:
        one.vlan_id, one.parent = tag, _text(vlan.get("parent"))
    members = row.get("members") or row.get("laggport")
    if isinstance(members, dict | list):
        one.members = sorted(str(member) for member in members)
    one.addresses, one.shared = [], set()
    for listed in (row.get("ipv4"), row.get("ipv6")):
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and (place := _place(_text(each.get("ipaddr")))):
                one.addresses.append(place)
                if each.get("vhid"):
                    one.shared.add(str(place.ip))


def _virtual(interfaces: Iterable[Interface], vip: Node) -> None:
    """Add an address that is configured beside the interface's own, where the API did not tell it."""
    place = _place(f"{said(vip, 'subnet')}/{said(vip, 'subnet_bits')}")
    owner = next((one for one in interfaces if one.identifier and one.identifier == said(vip, "interface")), None)
    if place is None or owner is None or said(vip, "mode") not in ("carp", "ipalias"):
        return
    if str(place.ip) not in {str(each.ip) for each in owner.addresses}:
        owner.addresses.append(place)
    if said(vip, "mode") == "carp":
        owner.shared.add(str(place.ip))


def _place(text: str) -> Place | None:
    try:
        place = ipaddress.ip_interface(text.split("%")[0] if "/" not in text.split("%")[-1] else text)
    except ValueError:
        return None
    return None if place.ip.is_link_local or place.ip.is_unspecified or "%" in str(place) else place


def _mac(value: object) -> str:
    try:
        mac = canonical_mac(_text(value).split(" ")[0])
    except ValueError:
        return ""
    return "" if mac in ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff") or int(mac[:2], 16) & 1 else mac


def _tag(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 5 and int(text) <= 4095 else None


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
