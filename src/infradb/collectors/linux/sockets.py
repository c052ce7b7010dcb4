"""The sockets that wait for somebody, from ss(8) or /proc/net, with the processes behind them."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from infradb.collectors.linux.sections import Facts

_SS_LINE = re.compile(
    r"^(?P<protocol>tcp|udp)\s+(?P<state>\S+)\s+\d+\s+\d+\s+(?P<local>\S+)\s+(?P<peer>\S+)(?P<rest>.*)$"
)
_USER = re.compile(r'\("(?P<name>(?:[^"\\]|\\.)*)",pid=(?P<pid>\d+)')
_CGROUP = re.compile(r"\bcgroup:(\S+)")
_INODE = re.compile(r"\bino:(\d+)")
_PROC_LINE = re.compile(
    r"^(?P<protocol>tcp|udp)6? (?P<address>[0-9A-F]+):(?P<port>[0-9A-F]{4}) \S+ \S+ "
    r"\S+ \S+ \S+\s+\d+\s+\d+ (?P<inode>\d+)"
)
_CONTAINER = re.compile(
    r"(?:docker|libpod|nerdctl)[-/](?:[a-z]+-)?(?P<id>[0-9a-f]{64})|/docker/(?P<short>[0-9a-f]{12,64})"
)
_COMM_LENGTH = 15
"""Bytes of its name that the kernel keeps of a process (proc(5), TASK_COMM_LEN)."""
_STARTERS = ("systemd", "init")
_IPV4_DUAL = "0.0.0.0"  # noqa: S104 - what is read, not what is bound


@dataclass(frozen=True, slots=True)
class Process:
    """The process behind a socket."""

    name: str
    control_group: str = ""
    container: str = ""
    """Id of the container it runs in."""


@dataclass(frozen=True, slots=True)
class ListeningSocket:
    """One listening TCP socket or one bound UDP socket."""

    protocol: str
    addresses: tuple[str, ...]
    """Canonical addresses; a socket for both families has two."""
    port: int
    process: Process | None = None
    """None where it could not be seen, for want of rights."""
    control_group: str = ""
    """Of the socket itself: known to everybody where the kernel has cgroup v2."""
    kernel: bool = False
    """Whether no process holds it, but the kernel: NFS, WireGuard."""

    @property
    def loopback_only(self) -> bool:
        """Tell whether only this machine reaches it."""
        return all(ipaddress.ip_address(address).is_loopback for address in self.addresses)


def read_sockets(facts: Facts) -> list[ListeningSocket]:
    """Return the sockets, whoever holds them."""
    processes = _read_processes(facts)
    if facts.has("ss"):
        found = [_from_ss(line, processes) for line in facts.lines("ss")]
    else:
        holders = {inode: pid for pid, values in facts.table("processes").items() for inode in values.get("inode", [])}
        found = [_from_proc(line, holders, processes) for line in facts.lines("sockets")]
    return [socket for socket in found if socket is not None and socket.port]


def container_of(control_group: str) -> str:
    """Return the id of the Docker or Podman container that a control group belongs to; empty where it is none."""
    said = _CONTAINER.search(control_group)
    return (said["id"] or said["short"]) if said else ""


def unit_of(control_group: str) -> str:
    """Return the systemd unit that a control group belongs to; a login session and a user's manager are none.

    >>> unit_of("/system.slice/ssh.service"), unit_of("/user.slice/user-1000.slice/session-3.scope")
    ('ssh.service', '')
    """
    parts = control_group.split("/")
    services = [part for part in parts if part.endswith(".service") and not re.match(r"user@\d+\.service$", part)]
    return services[-1].replace("\\x2d", "-") if services else ""


def _read_processes(facts: Facts) -> dict[str, Process]:
    processes = {}
    for pid, values in facts.table("processes").items():
        name, program = values.get("comm", [""])[0], values.get("exe", [""])[0].removesuffix(" (deleted)")
        if len(name.encode()) >= _COMM_LENGTH and program.startswith(name):
            name = program
        groups = values.get("cgroup", [])
        # Of several hierarchies (cgroup v1) the one that names a unit or a container counts.
        group = next((g for g in groups if unit_of(g) or container_of(g)), groups[0] if groups else "")
        processes[pid] = Process(name, group, container_of(group))
    return processes


def _from_ss(line: str, processes: dict[str, Process]) -> ListeningSocket | None:
    said = _SS_LINE.match(line)
    if said is None or not said["peer"].endswith(":*"):
        return None
    address, _, port = said["local"].rpartition(":")
    if not port.isdecimal():
        return None
    rest = said["rest"]
    users = [(user["name"], user["pid"]) for user in _USER.finditer(rest)]
    group, inode = _CGROUP.search(rest), _INODE.search(rest)
    return ListeningSocket(
        protocol=said["protocol"],
        addresses=addresses_of(address),
        port=int(port),
        process=_choose([processes.get(pid) or Process(name) for name, pid in users]),
        control_group=group[1] if group else "",
        kernel=inode is not None and inode[1] == "0",
    )


def _choose(holders: Sequence[Process]) -> Process | None:
    """Return the process that a socket is for: not the one that only opened it for another."""
    if not holders:
        return None
    return min(holders, key=lambda p: (p.name in _STARTERS, p.container != "", p.name, p.control_group))


def addresses_of(text: str) -> tuple[str, ...]:
    """Return the addresses that a socket's local end stands for; `*` is both families. Raises `ValueError`."""
    bare = text.split("%")[0].strip("[]")
    if bare == "*":
        return (_IPV4_DUAL, "::")
    address = ipaddress.ip_address(bare)
    mapped = address.ipv4_mapped if address.version == 6 else None
    return (str(mapped or address),)


def _from_proc(line: str, holders: dict[str, str], processes: dict[str, Process]) -> ListeningSocket | None:
    said = _PROC_LINE.match(line)
    if said is None:
        return None
    pid = holders.get(said["inode"])
    return ListeningSocket(
        protocol=said["protocol"],
        addresses=addresses_of(_proc_address(said["address"])),
        port=int(said["port"], 16),
        process=processes.get(pid) if pid else None,
        kernel=said["inode"] == "0",
    )


def _proc_address(digits: str) -> str:
    """Read an address of /proc/net: 32-bit words in the machine's byte order, nearly always little-endian."""
    words = [bytes.fromhex(digits[i : i + 8])[::-1] for i in range(0, len(digits), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
