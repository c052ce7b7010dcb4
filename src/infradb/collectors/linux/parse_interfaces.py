"""Turns links into network interfaces."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infradb.collectors.linux.links import Link, is_container_end
from infradb.collectors.linux.parse_system import is_container, virtualization
from infradb.collectors.linux.sections import Facts
from infradb.machines import is_docker_bridge
from infradb.model.physical import NetworkInterface
from infradb.model.types import canonical_mac
from infradb.observation import Observation
from infradb.redaction import redact_text

_KINDS = {
    "bridge": "bridge",
    "vlan": "vlan",
    "bond": "bond",
    "team": "bond",
    **dict.fromkeys(
        (
            "amt", "erspan", "geneve", "gre", "gretap", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "l2tp",
            "ovpn", "ppp", "sit", "vti", "vti6", "vxlan", "wireguard", "xfrm",
        ),
        "tunnel",
    ),
}  # fmt: skip
"""IFLA_INFO_KIND of rtnetlink(7) -> interface_type; every other kind is virtual."""

_VLANS = [{"ifname": str, "vlans": [{"vlan": int, "vlanEnd": int, "flags": [str]}]}]
_PCI_DEVICE = re.compile(r"/(?P<slot>[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(/virtio\d+)?$")
_NO_MAC = {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "ee:ee:ee:ee:ee:ee"}


def interface_key(name: str) -> str:
    """Return the native key of an interface."""
    return f"interface/{name}"


def parse_interfaces(links: Sequence[Link], facts: Facts) -> list[Observation]:
    """Return an observation per link that stays when containers come and go, what others lie on first.

    Of a bridge that Docker made only the name and the kind are said: its carrier, its MTU and its ports follow its
    containers.
    """
    kept = {link.name: link for link in links if not is_container_end(link)}
    tags = _access_vlans(facts.json("bridge-vlan", _VLANS))
    ordered: dict[str, Link] = {}
    for name in kept:
        _add_in_order(name, kept, ordered)
    return [_observe(link, kept, tags) for link in ordered.values()]


def own_addresses(links: Sequence[Link], facts: Facts) -> list[str]:
    """Return the hardware addresses that stand for the machine: of its cards, and of an LXC guest's ends of veth pairs.

    A VM's card and a guest's end have what the hypervisor set for them; bridges, bonds and VLANs share theirs.
    """
    guest = virtualization(facts) in ("lxc", "lxc-libvirt")
    if is_container(facts) and not guest:
        return []
    cards = [link for link in links if interface_type(link) in ("physical", "wifi") and link.device]
    ends = [link for link in links if guest and link.kind == "veth" and link.peer_elsewhere and not link.master]
    found = {_mac(link) for link in cards + [end for end in ends if not is_container_end(end)]}
    return sorted(mac for mac in found if mac)


def interface_type(link: Link) -> str:
    """Return the type of interface that a link is."""
    if link.link_type == "loopback":
        return "loopback"
    if link.wireless:
        return "wifi"
    if link.kind == "tun":
        return "virtual" if link.tap else "tunnel"
    if link.kind in _KINDS:
        return _KINDS[link.kind]
    if link.link_type in ("ppp", "sit", "gre", "tunnel", "tunnel6") and not link.device:
        return "tunnel"
    if link.device and link.kind in ("", "dsa"):
        return "physical"
    return "virtual"


def _add_in_order(name: str, kept: Mapping[str, Link], ordered: dict[str, Link]) -> None:
    trail: list[str] = []
    while name in kept and name not in ordered and name not in trail:
        trail.append(name)
        name = _below(kept[name], kept)
    ordered.update((each, kept[each]) for each in reversed(trail))


def _below(link: Link, kept: Mapping[str, Link]) -> str:
    """Return the interface below a link: of a VLAN its link, of a bond's member the bond."""
    master = kept.get(link.master)
    if master is not None and interface_type(master) == "bond":
        return master.name
    return link.below if link.below in kept and link.below != link.name else ""


def _observe(link: Link, kept: Mapping[str, Link], tags: Mapping[str, int]) -> Observation:
    values: dict[str, Any] = {
        "host_id": "host",
        "interface_name": link.name,
        "interface_type": interface_type(link),
    }
    if not is_docker_bridge(link.name):
        values |= _said(link, tags)
        master = kept.get(link.master)
        if master is not None and interface_type(master) == "bridge":
            values["bridge_name"] = master.name
        if values["interface_type"] == "bridge":
            values["bridge_ports"] = sorted(other.name for other in kept.values() if other.master == link.name)
        if below := _below(link, kept):
            values["parent_interface_id"] = interface_key(below)
    return Observation(interface_key(link.name), NetworkInterface.table, values)


def _said(link: Link, tags: Mapping[str, int]) -> dict[str, Any]:
    slot = _PCI_DEVICE.search(link.device)
    said = {
        "mac_address": _mac(link),
        "mtu": link.mtu,
        "speed_mbps": link.speed if link.device or link.kind in ("bond", "team") else None,
        "driver": link.driver or None,
        "pci_slot": slot["slot"] if slot else None,
        "vlan_id": link.vlan_id if link.vlan_id is not None else tags.get(link.name),
        "description": redact_text(link.alias) if link.alias else None,
        "link_status": _status(link),
    }
    return {name: value for name, value in said.items() if value is not None}


def _status(link: Link) -> str:
    if link.state == "up":
        return "up"
    if link.state == "unknown":
        # Loopback and tunnels know no operational state; their carrier says as much.
        return "up" if link.carrier else "unknown"
    return "down" if link.state else "unknown"


def _mac(link: Link) -> str | None:
    if link.link_type != "ether":
        return None
    try:
        mac = canonical_mac(link.mac)
    except ValueError:
        return None
    return None if mac in _NO_MAC else mac


def _access_vlans(spoken: Any) -> dict[str, int]:
    """Return the VLAN of each bridge port that carries just one, untagged (bridge(8), vlan show)."""
    tags: dict[str, int] = {}
    for port in spoken if isinstance(spoken, list) else []:
        vlans = port.get("vlans") or []
        if len(vlans) == 1 and "vlanEnd" not in vlans[0]:
            flags = set(vlans[0].get("flags") or [])
            # VLAN 1 is what every port has where nobody set any.
            if {"PVID", "Egress Untagged"} <= flags and vlans[0].get("vlan", 1) != 1:
                tags[str(port.get("ifname"))] = vlans[0]["vlan"]
    return tags
