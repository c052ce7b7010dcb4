"""What the programs of FreeBSD print, as the raw facts that the parsers know from Linux.

Formats: ifconfig(8), netstat(1) -rnW, sockstat(1) -46l, geom(8) disk list; FreeBSD 12 to 14, OPNsense and pfSense.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from infradb.collectors.linux.blocks import Block
from infradb.collectors.linux.links import Address, Link
from infradb.collectors.linux.routes import Route, ways
from infradb.collectors.linux.sections import Facts
from infradb.collectors.linux.sockets import ListeningSocket, Process, addresses_of

_KINDS = {
    "vlan": "vlan", "bridge": "bridge", "lagg": "bond", "tun": "tun", "tap": "tun", "wg": "wireguard", "gif": "ipip",
    "gre": "gre", "ipsec": "xfrm", "ovpn": "ovpn", "ovpnc": "tun", "ovpns": "tun", "vxlan": "vxlan", "ng": "ppp",
    "ppp": "ppp", "pppoe": "ppp", "epair": "veth", "lo": "loopback", "pflog": "pflog", "pfsync": "pfsync",
    "enc": "enc", "ipfw": "ipfw", "usbus": "usbus", "disc": "disc", "edsc": "edsc", "stf": "sit",
}  # fmt: skip
"""Name without its number, or group of an interface -> kind of the link, in the words of rtnetlink(7)."""

_HEAD = re.compile(r"^(?P<name>\S+): flags=\w+<(?P<flags>[^>]*)>.*?(?: mtu (?P<mtu>\d+))?\s*$")
_SPEED = re.compile(r"\((\d+(?:\.\d+)?)(G?)base", re.IGNORECASE)
_INET = re.compile(r"^inet (?P<local>[\d.]+)(?:/(?P<length>\d+))?(?: --> [\d.]+)?(?: netmask 0x(?P<mask>[0-9a-f]{8}))?")
_INET6 = re.compile(r"^inet6 (?P<local>[0-9a-fA-F:.]+)(?:%\S+?)?(?:/(?P<length>\d+)| .*?prefixlen (?P<prefix>\d+))")
_NO_DISKS = re.compile(r"^(cd|md|fd)\d")
_SOCKET = re.compile(r"^(?P<head>.*)\s(?P<protocol>tcp|udp)(?:4|6|46)\s+(?P<local>\S+)\s+(?P<peer>\S+)")
_LASTING_UDP = (41641, *range(51820, 51840))


def is_freebsd(facts: Facts) -> bool:
    """Tell whether the machine runs FreeBSD or what is made of it."""
    return facts.fields("kernel").get("sysname") == "FreeBSD"


def links(facts: Facts) -> list[Link]:
    """Return the interfaces of ifconfig(8)."""
    found: list[Link] = []
    leased = set(facts.text("leases").split())
    for line in facts.lines("ifconfig"):
        if head := _HEAD.match(line):
            found.append(_link(head))
        elif found:
            _add_line(found[-1], line.strip(), leased)
    masters = {port: link.name for link in found if link.kind in ("bridge", "bond") for port in link.ports}
    for link in found:
        link.master = masters.get(link.name, "")
    return found


def _link(head: re.Match[str]) -> Link:
    flags, name = head["flags"].split(","), head["name"]
    stem = name.rstrip("0123456789")
    link = Link(name=name, kind="", link_type="ether", mtu=int(head["mtu"]) if head["mtu"] else None)
    link.state, link.carrier = "unknown", "RUNNING" in flags
    link.device, link.driver = name, stem
    _set_kind(link, stem)
    return link


def _set_kind(link: Link, word: str) -> None:
    kind = _KINDS.get(word, "")
    if not kind:
        return
    link.kind, link.tap = kind, word == "tap"
    link.device, link.driver = "", ""
    if kind == "loopback":
        link.kind, link.link_type = "", "loopback"


def _add_line(link: Link, line: str, leased: set[str]) -> None:
    label, _, rest = line.partition(" ")
    words = rest.split()
    match label:
        case "ether" if words:
            link.mac = link.mac or words[0]
        case "hwaddr" if words and words[0].strip("0:"):
            link.mac = words[0]  # the card's own, where a bond has given it another
        case "description:":
            link.alias = rest.strip()
        case "groups:":
            for word in words:
                _set_kind(link, word)
        case "member:" | "laggport:" if words:
            link.ports.append(words[0])
        case "vlan:" if words:
            link.kind, link.device, link.driver = "vlan", "", ""
            link.vlan_id = int(words[0]) if words[0].isdecimal() and int(words[0]) < 4096 else None
            link.below = words[-1] if words[-2:-1] == ["interface:"] and words[-1] != "<none>" else ""
        case "status:":
            link.state = "up" if rest in ("active", "associated", "running") else "down"
        case "media:":
            link.wireless = "802.11" in rest
            if speed := _SPEED.search(rest):
                link.speed = int(float(speed[1]) * (1000 if speed[2] else 1))
        case "inet" | "inet6":
            link.addresses += _address(line, leased)


def _address(line: str, leased: set[str]) -> list[Address]:
    words = line.split()
    if said := _INET.match(line):
        length = said["length"] or (bin(int(said["mask"], 16)).count("1") if said["mask"] else 32)
        return [Address(said["local"], int(length), dynamic=said["local"] in leased)]
    if said := _INET6.match(line):
        length = said["length"] or said["prefix"]
        return [Address(said["local"], int(length), dynamic="autoconf" in words, temporary="temporary" in words)]
    return []


def routes(facts: Facts) -> list[Route]:
    """Return the ways of netstat(1)."""
    found: list[Route] = []
    for version in (4, 6):
        columns: list[str] = []
        for line in facts.lines(f"netstat{version}"):
            words = line.split()
            if words[0] == "Destination":
                columns = words
            said = dict(zip(columns, words, strict=False))
            if said.get("Netif", "Netif") != "Netif" and (entry := _route(said)):
                try:
                    found += ways(entry, version)
                except ValueError as error:
                    facts.malformed[f"netstat{version}"] = f"printed a route that makes no sense: {error}"
    return found


def _route(said: dict[str, str]) -> dict[str, Any] | None:
    flags, gateway = said.get("Flags", ""), said.get("Gateway", "")
    # Addresses of one's own, what is refused, and what a redirect (RFC 792) made.
    if not flags.startswith("U") or set(flags) & set("RBDM") or ("H" in flags and "G" not in flags):
        return None
    entry = {"dst": re.sub(r"%[^/]*", "", said["Destination"]), "dev": said["Netif"]}
    if "G" not in flags:
        return {**entry, "protocol": "kernel"}
    return {**entry, "gateway": gateway, "protocol": "static" if "S" in flags else "routed"}


def sockets(facts: Facts) -> list[ListeningSocket]:
    """Return the sockets of sockstat(1), without the UDP ports at which somebody waits for an answer."""
    numbers = [int(word) for word in facts.text("port-range").split() if word.isdecimal()][2:4]
    passing = range(numbers[0], numbers[1] + 1) if len(numbers) == 2 else range(10000, 65536)
    found = []
    for line in facts.lines("sockstat"):
        said = _SOCKET.match(line)
        if said is None or not said["peer"].endswith(":*"):
            continue
        address, _, port = said["local"].rpartition(":")
        if not port.isdecimal() or int(port) > 65535:
            continue
        if said["protocol"] == "udp" and int(port) in passing and int(port) not in _LASTING_UDP:
            continue
        if (local := _local(address, line)) is None:
            continue
        name = _command(said["head"])
        process = Process(name) if name else None
        found.append(ListeningSocket(said["protocol"], local, int(port), process, kernel=not name))
    return found


def _local(address: str, line: str) -> tuple[str, ...] | None:
    if address == "*":
        families = re.search(r"\s(?:tcp|udp)(4|6|46)\s", line)
        both = addresses_of("*")
        return {"4": both[:1], "6": both[1:]}.get(families[1] if families else "", both)
    try:
        return addresses_of(address)
    except ValueError:
        return None


def _command(head: str) -> str:
    """Return the command of `USER COMMAND PID FD`; a name may hold spaces, and a long PID may stick to it."""
    words = head.split()
    name = " ".join(words[1:-2]) or re.sub(r"\.?\d+$", "", " ".join(words[1:-1]))
    return "" if name in ("?", "") else name


def disks(facts: Facts) -> dict[str, Block]:
    """Return the disks of geom(8) by path."""
    found: dict[str, Block] = {}
    for said in _providers(facts.lines("geom-disk")):
        name, size = said["Name"], said.get("Mediasize", "").split(" ")[0]
        if size.isdecimal() and int(size) and not _NO_DISKS.match(name):
            block = Block(f"/dev/{name}", name, "", "disk", int(size))
            block.model, block.serial = (_known(said.get(label, "")) for label in ("descr", "ident"))
            found[block.path] = block
    return found


def _providers(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    said: dict[str, str] = {}
    for line in [*lines, "Geom name: "]:
        label, _, value = line.strip().partition(": ")
        if label == "Geom name":
            if said.get("Name"):
                yield said
            said = {}
        else:
            said.setdefault(re.sub(r"^\d+\. ", "", label), value.strip())


def _known(text: str) -> str:
    return "" if text == "(null)" else text
