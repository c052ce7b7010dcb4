"""The machine's links as raw facts, from ip(8) or, where it prints no JSON, from sysfs; and which are Docker's own."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from infradb.collectors.linux.sections import Facts
from infradb.machines import is_container_end as bears_engines_name
from infradb.machines import is_docker_bridge

_SHAPE = [
    {
        "ifname": str, "address": str, "permaddr": str, "mtu": int, "operstate": str, "flags": [str], "link_type": str,
        "master": str, "link": str, "link_netnsid": int, "ifalias": str,
        "linkinfo": {"info_kind": str, "info_data": {"id": int, "link": str, "type": str}},
        "addr_info": [{"local": str, "prefixlen": int, "dynamic": bool, "temporary": bool}],
    }
]  # fmt: skip
LinkTable = dict[str, dict[str, list[str]]]

_LXC_VETH = re.compile(r"^veth(?=.*[0-9A-Z])[0-9a-zA-Z]{6}$")
_NAMED_VETH = re.compile(r"^veth(\d{1,6}|\d+i\d+)$")
_TEXT_ADDRESS = re.compile(r"^\d+:\s+(?P<name>\S+)\s+(?P<family>inet6?)\s+(?P<local>\S+)(?P<rest>.*)$")


@dataclass(slots=True)
class Address:
    """One address of a link."""

    local: str
    prefix_length: int
    dynamic: bool = False
    temporary: bool = False


@dataclass(slots=True)
class Link:
    """One link, as ip(8) and sysfs describe it."""

    name: str
    kind: str = ""
    """Kind of a virtual link: bridge, vlan, veth, tun; empty for hardware."""
    mac: str = ""
    mtu: int | None = None
    state: str = ""
    """operstate in lower case: up, down, unknown, lowerlayerdown, dormant."""
    carrier: bool = False
    link_type: str = "ether"
    master: str = ""
    below: str = ""
    """Link that it lies on, in the same namespace."""
    peer_elsewhere: bool = False
    """Whether its other end is in another network namespace."""
    vlan_id: int | None = None
    alias: str = ""
    tap: bool = False
    addresses: list[Address] = field(default_factory=list)
    device: str = ""
    """Path of its device in sysfs; empty for virtual links."""
    driver: str = ""
    speed: int | None = None
    wireless: bool = False
    ports: list[str] = field(default_factory=list)
    """Names of its members, where the link itself tells them (FreeBSD)."""


def read_links(facts: Facts) -> list[Link]:
    """Return all links, by name; raise nothing: what could not be read is missing from them."""
    table = facts.table("interfaces")
    spoken = facts.json("ip-address", _SHAPE)
    if isinstance(spoken, list):
        links = [_from_json(entry) for entry in spoken if entry.get("ifname")]
        for link in links:
            _add_hardware(link, table.get(link.name, {}))
    else:
        links = [_from_sysfs(name, values) for name, values in table.items()]
        _add_vlans(links, facts)
        _add_below(links, table)
        _add_text_addresses(links, facts.lines("ip-address-text"))
    return sorted(links, key=lambda link: link.name)


def is_container_end(link: Link) -> bool:
    """Tell whether a link is the end of a container's veth pair: it goes when its container stops."""
    if link.kind not in ("veth", "") or link.device:
        return False
    if is_docker_bridge(link.master):
        return True
    if _NAMED_VETH.match(link.name):
        return False
    # While a container starts, both ends of Docker's pair are here for a moment, without a bridge.
    return bool(bears_engines_name(link.name) or (link.peer_elsewhere and _LXC_VETH.match(link.name)))


def left_out(links: Iterable[Link]) -> set[str]:
    """Return the names of the links whose addresses and routes are the Docker collector's business."""
    return {link.name for link in links if is_docker_bridge(link.name) or is_container_end(link)}


def _from_json(entry: dict[str, Any]) -> Link:
    info = entry.get("linkinfo") or {}
    data = info.get("info_data") or {}
    kind = str(info.get("info_kind") or "")
    below = str(entry.get("link") or data.get("link") or "")
    return Link(
        name=str(entry["ifname"]),
        kind=kind,
        mac=str(entry.get("permaddr") or entry.get("address") or ""),
        mtu=entry.get("mtu"),
        state=str(entry.get("operstate") or "").lower(),
        carrier="LOWER_UP" in (entry.get("flags") or []),
        link_type=str(entry.get("link_type") or ""),
        master=str(entry.get("master") or ""),
        below=below if kind != "veth" and "link_netnsid" not in entry else "",
        peer_elsewhere="link_netnsid" in entry,
        vlan_id=data.get("id") if kind == "vlan" else None,
        alias=str(entry.get("ifalias") or ""),
        tap=data.get("type") == "tap",
        addresses=[_address_of(said) for said in entry.get("addr_info") or [] if said.get("local")],
    )


def _address_of(said: dict[str, Any]) -> Address:
    return Address(
        local=str(said["local"]),
        prefix_length=int(said.get("prefixlen", 128 if ":" in str(said["local"]) else 32)),
        dynamic=bool(said.get("dynamic")),
        temporary=bool(said.get("temporary")),
    )


def _first(values: dict[str, list[str]], label: str) -> str:
    return values.get(label, [""])[0]


def _add_hardware(link: Link, values: dict[str, list[str]]) -> None:
    speed = _first(values, "speed")
    link.device = _first(values, "device")
    link.driver = _first(values, "driver")
    link.speed = int(speed) if speed.isdecimal() and 0 < int(speed) < 2**32 - 1 else None
    link.wireless = _first(values, "devtype") == "wlan" or bool({"wireless", "phy80211"} & set(values.get("is", [])))
    link.alias = link.alias or _first(values, "ifalias")


_ARPHRD = {"1": "ether", "772": "loopback", "512": "ppp", "65534": "none", "32": "infiniband"}
"""Hardware types of linux/if_arp.h."""


def _from_sysfs(name: str, values: dict[str, list[str]]) -> Link:
    marks = set(values.get("is", []))
    kind = _first(values, "devtype")
    if "bonding" in marks:
        kind = "bond"
    elif "bridge" in marks:
        kind = "bridge"
    elif flags := _first(values, "tun_flags"):
        kind = "tun"
    mtu, state = _first(values, "mtu"), _first(values, "operstate")
    elsewhere = bool(_first(values, "iflink")) and not _first(values, "device") and name.startswith(("veth", "cali"))
    link = Link(
        name=name,
        kind="veth" if elsewhere and not kind else "" if kind in ("wlan", "gadget") else kind,
        mac=_first(values, "address"),
        mtu=int(mtu) if mtu.isdecimal() else None,
        state=state,
        carrier=state in ("up", "unknown"),
        link_type=_ARPHRD.get(_first(values, "type"), "other"),
        master=_first(values, "master"),
        peer_elsewhere=elsewhere,
        tap=kind == "tun" and bool(int(flags, 16) & 2),  # IFF_TAP
    )
    _add_hardware(link, values)
    return link


def _add_vlans(links: list[Link], facts: Facts) -> None:
    """Take VLAN IDs from /proc/net/vlan/config (root only), else from names such as eth0.10."""
    said = {}
    for line in facts.lines("vlans"):
        name, _, rest = line.partition("|")
        number, _, below = rest.partition("|")
        said[name.strip()] = (number.strip(), below.strip())
    names = {link.name for link in links}
    for link in links:
        if link.kind != "vlan":
            continue
        below, _, number = link.name.rpartition(".")
        number, below = said.get(link.name, (number, below))
        link.vlan_id = int(number) if number.isdecimal() and int(number) < 4096 else None
        link.below = below if below in names else ""


def _add_below(links: list[Link], table: LinkTable) -> None:
    """Take what a link lies on from its iflink, which counts only in its own namespace."""
    names = {_first(values, "ifindex"): name for name, values in table.items()}
    for link in links:
        values = table[link.name]
        index = _first(values, "iflink")
        if not link.below and link.kind != "veth" and index != _first(values, "ifindex"):
            link.below = names.get(index, "")


def _add_text_addresses(links: list[Link], lines: list[str]) -> None:
    by_name = {link.name: link for link in links}
    for line in lines:
        said = _TEXT_ADDRESS.match(line)
        if said is None or (link := by_name.get(said["name"].split("@")[0])) is None:
            continue
        local, _, length = said["local"].partition("/")
        if peer := re.search(r"\bpeer \S+/(\d+)", said["rest"]):
            length = peer[1]
        words = said["rest"].split("\\")[0].split()
        default = "128" if said["family"] == "inet6" else "32"
        link.addresses.append(Address(local, int(length or default), "dynamic" in words, "temporary" in words))
