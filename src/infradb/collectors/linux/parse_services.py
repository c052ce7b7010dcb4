"""Turns listening sockets into the services of the host: who owns them, and which of them are none."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from infradb.collectors.linux import freebsd
from infradb.collectors.linux.links import Link, left_out
from infradb.collectors.linux.sections import Facts
from infradb.collectors.linux.sockets import ListeningSocket, container_of, read_sockets, unit_of
from infradb.model.services import Service
from infradb.observation import Observation
from infradb.service_types import guess

_EPHEMERAL = (32768, 60999)
"""Default of ip_local_port_range (ip(7))."""

_ENGINE_PORTS = (2375, 2376, 2377, 4789, 7946, 9323)
"""Ports that dockerd listens on for itself: API, swarm, gossip, metrics."""

_PROXIES = ("docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta")
_X11_FORWARDED = range(6010, 6100)  # sshd_config(5), X11DisplayOffset
_SCOPE = re.compile(r"/(?!init\.scope)[^/]+\.scope(/|$)")
_DHCP_CLIENTS = (68, 546)
_LASTING_UDP = (41641, *range(51820, 51840))
"""Ports of the ephemeral range that wait nevertheless: Tailscale's and those that people give to WireGuard."""

_KERNEL_NAMES = {2049: "nfsd", 3260: "iscsi-target", 4789: "vxlan", 8472: "vxlan"}
_PROXY_ARGUMENT = re.compile(r"-(proto|host-port) (\S+)")
_LISTEN = re.compile(r"^Listen=(?:.*:)?(\d+) \((Stream|Datagram)\)$")


def service_key(protocol: str, port: int) -> str:
    """Return the native key of a service of the host."""
    return f"service/{protocol}/{port}"


def parse_services(facts: Facts, links: Sequence[Link]) -> list[Observation]:
    """Return one service per protocol and port, IPv4 and IPv6 together.

    No services of the host are: what runs in a Docker or Podman container and what leads into one (the Docker
    collector knows these), ports of the ephemeral range without a unit, UDP ports of that range at all (whoever asks
    a question waits there for the answer), DHCP clients, and what login sessions and virtual machines open on
    loopback. Without root the process is left unsaid, and the unit where the kernel has no cgroup v2.
    """
    own = container_of(facts.text("own-cgroup"))
    published = _published(facts)
    triggered = _socket_units(facts)
    groups: dict[tuple[str, int], list[ListeningSocket]] = {}
    for socket in _sockets(facts):
        place = (socket.protocol, socket.port)
        unit = _unit(socket) or triggered.get(place, "")
        if place in published or _belongs_to_container(socket, own) or _is_published(socket, unit):
            continue
        if _is_passing(socket, unit, _range(facts)):
            continue
        groups.setdefault(place, []).append(socket)
    foreign = _foreign_addresses(links)
    return [_observe(sockets, triggered.get(place, ""), foreign) for place, sockets in sorted(groups.items())]


def lacks_processes(facts: Facts) -> bool:
    """Tell whether some socket's process could not be seen, for want of root."""
    return facts.text("uid") != "0" and any(s.process is None and not s.kernel for s in _sockets(facts))


def _sockets(facts: Facts) -> Sequence[ListeningSocket]:
    return freebsd.sockets(facts) if freebsd.is_freebsd(facts) else read_sockets(facts)


def _unit(socket: ListeningSocket) -> str:
    inside = unit_of(socket.process.control_group) if socket.process else ""
    return inside or unit_of(socket.control_group)


def _belongs_to_container(socket: ListeningSocket, own: str) -> bool:
    groups = [socket.control_group, *([socket.process.control_group] if socket.process else [])]
    ids = {container_of(group) for group in groups} - {"", own}
    return bool(ids)


def _is_published(socket: ListeningSocket, unit: str) -> bool:
    """Tell whether a socket only leads into a container.

    Without root neither docker-proxy nor dockerd show by name, but their unit does; and where there is no
    docker-proxy, dockerd itself keeps the published ports.
    """
    if socket.process and socket.process.name in _PROXIES:
        return True
    engine = unit == "docker.service" or (socket.process is not None and socket.process.name == "dockerd")
    return engine and socket.port not in _ENGINE_PORTS


def _is_passing(socket: ListeningSocket, unit: str, ephemeral: tuple[int, int]) -> bool:
    inside = ephemeral[0] <= socket.port <= ephemeral[1]
    if socket.protocol == "udp":
        return socket.port in _DHCP_CLIENTS or (inside and socket.port not in _LASTING_UDP)
    if unit or inside:
        return inside and not unit
    if not socket.loopback_only or socket.process is None:
        return False
    forwarded = socket.process.name.startswith("sshd") and socket.port in _X11_FORWARDED
    return forwarded or bool(_SCOPE.search(socket.process.control_group))


def _observe(sockets: list[ListeningSocket], triggered: str, foreign: set[str]) -> Observation:
    # What others reach says most; then what bears a name.
    first = min(sockets, key=lambda s: (s.loopback_only, s.process is None, s.addresses))
    unit, name = _unit(first) or triggered, first.process.name if first.process else ""
    if triggered and name in ("systemd", "init", ""):
        # Only while its service sleeps does systemd hold the socket.
        unit, name = triggered, ""
    values: dict[str, Any] = {
        "host_id": "host",
        "service_name": unit.removesuffix(".service") or name or _kernel_name(first),
        "service_type": guess(first.port, first.protocol, process=name or unit.removesuffix(".service") or None),
        "protocol": first.protocol,
        "port": first.port,
        "bind_addresses": _bound(sockets, foreign),
    }
    if name:
        values["process"] = name
    if unit:
        values["unit"] = unit
    return Observation(service_key(first.protocol, first.port), Service.table, values)


def _kernel_name(socket: ListeningSocket) -> str:
    if socket.kernel and socket.port in _KERNEL_NAMES:
        return _KERNEL_NAMES[socket.port]
    if socket.kernel and socket.protocol == "udp" and socket.port in _LASTING_UDP:
        return "wireguard"
    return f"{socket.protocol}/{socket.port}"


def _bound(sockets: Iterable[ListeningSocket], foreign: set[str]) -> list[str]:
    """Return the addresses; those that come and go with containers only where there are no others."""
    addresses = sorted({address for socket in sockets for address in socket.addresses}, key=lambda a: (":" in a, a))
    lasting = [a for a in addresses if a not in foreign and not a.startswith("fe80:")]
    return lasting or addresses


def _foreign_addresses(links: Sequence[Link]) -> set[str]:
    names = left_out(links)
    return {address.local for link in links if link.name in names for address in link.addresses}


def _published(facts: Facts) -> set[tuple[str, int]]:
    """Return what docker-proxy listens on, by its arguments, which everybody may read."""
    found = set()
    for line in facts.lines("docker-proxies"):
        said = dict(_PROXY_ARGUMENT.findall(line))
        if said.get("host-port", "").isdecimal():
            found.add((said.get("proto", "tcp"), int(said["host-port"])))
    return found


def _socket_units(facts: Facts) -> dict[tuple[str, int], str]:
    """Return the unit that systemd starts for each port that it holds itself (systemd.socket(5))."""
    found: dict[tuple[str, int], str] = {}
    listens: list[tuple[str, int]] = []
    triggers = ""
    for line in [*facts.text("socket-units").split("\n"), ""]:
        if said := _LISTEN.match(line):
            listens.append(("tcp" if said[2] == "Stream" else "udp", int(said[1])))
        elif line.startswith("Triggers="):
            triggers = line.removeprefix("Triggers=").split(" ")[0]
        elif not line.strip():
            if triggers.endswith(".service"):
                found |= dict.fromkeys(listens, re.sub(r"@.*\.service$", "@.service", triggers))
            listens, triggers = [], ""
    return found


def _range(facts: Facts) -> tuple[int, int]:
    numbers = [int(word) for word in facts.text("port-range").split() if word.isdecimal()]
    return (numbers[0], numbers[1]) if len(numbers) >= 2 else _EPHEMERAL
