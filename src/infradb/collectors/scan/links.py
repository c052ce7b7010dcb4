"""What this machine is attached to, and which neighbours its kernel knows: read with ip(8), which only reads here."""

import ipaddress
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from infradb.collectors.scan.settings import IpNetwork
from infradb.model.types import canonical_mac
from infradb.transport.calls import CallLog

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
ADDRESSES, NEIGHBOURS = "ip -json address show", "ip -json neighbour show"
SETTLED = frozenset({"REACHABLE", "PERMANENT", "NOARP"})
"""States of a neighbour that answered (ip-neighbour(8)); STALE, DELAY and PROBE say only that it once did."""
UNSETTLED = frozenset({"STALE", "DELAY", "PROBE", "INCOMPLETE"})
_DOCKER = re.compile(r"^(?:docker0|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni-podman\d+)$")
_NO_MAC = frozenset({"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"})


@dataclass(frozen=True, slots=True)
class Attachment:
    """An address of this machine."""

    device: str
    address: IpAddress
    network: IpNetwork
    mac: str | None
    asks: bool
    """Whether neighbours are found by asking for them: no tunnel, no loopback."""

    @property
    def is_docker(self) -> bool:
        """Tell whether a container engine made the bridge that it is on."""
        return bool(_DOCKER.match(self.device))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What the kernel knows of an address on the link."""

    mac: str | None
    state: str


def attachments(log: CallLog) -> list[Attachment]:
    """Return the addresses of this machine; none where ip(8) is not there."""
    return parse_attachments(_ip(log, ADDRESSES))


def neighbours(log: CallLog) -> dict[IpAddress, Neighbour]:
    """Return what the kernel knows of addresses on its links."""
    return parse_neighbours(_ip(log, NEIGHBOURS))


def parse_attachments(document: Any) -> list[Attachment]:
    """Return the addresses in the answer of `ip -json address show`."""
    found = []
    for link in _objects(document):
        flags = link.get("flags")
        silent = isinstance(flags, list) and ("NOARP" in flags or "LOOPBACK" in flags)
        for said in _objects(link.get("addr_info")):
            try:
                interface = ipaddress.ip_interface(f"{said.get('local')}/{said.get('prefixlen')}")
            except ValueError:
                continue
            mac = None if silent else _mac(link.get("address"))
            name = str(link.get("ifname") or "")
            found.append(Attachment(name, interface.ip, interface.network, mac, not silent))
    return found


def parse_neighbours(document: Any) -> dict[IpAddress, Neighbour]:
    """Return the neighbours in the answer of `ip -json neighbour show`."""
    found: dict[IpAddress, Neighbour] = {}
    for entry in _objects(document):
        try:
            address = ipaddress.ip_address(str(entry.get("dst")))
        except ValueError:
            continue
        states = entry.get("state")
        state = str(states[0]) if isinstance(states, list) and states else ""
        mac = _mac(entry.get("lladdr"))
        if address not in found or state in SETTLED:
            found[address] = Neighbour(mac, state)
    return found


def docker_overlap(network: IpNetwork, here: Sequence[Attachment]) -> Attachment | None:
    """Return the container engine's bridge that a network lies on."""
    for each in here:
        if each.is_docker and each.network.version == network.version and each.network.overlaps(network):
            return each
    return None


def _ip(log: CallLog, command: str) -> Any:
    with log.recording(command):
        try:
            done = subprocess.run(
                command.split(), stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20
            )
            return orjson.loads(done.stdout or b"[]")
        except (OSError, subprocess.TimeoutExpired, orjson.JSONDecodeError):
            return []


def _objects(document: Any) -> list[dict[str, Any]]:
    return [e for e in document if isinstance(e, dict)] if isinstance(document, list) else []


def _mac(value: Any) -> str | None:
    try:
        mac = canonical_mac(str(value))
    except ValueError:
        return None
    return None if mac in _NO_MAC else mac
