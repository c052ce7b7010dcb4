"""What a scan found, as addresses; hosts are not made of addresses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from infradb.collectors.scan.links import Attachment, IpAddress
from infradb.collectors.scan.names import Names
from infradb.collectors.scan.settings import IpNetwork
from infradb.model.network import IpAddress as Address
from infradb.model.network import Network
from infradb.observation import Answer, Observation, digest_of

PARSER_VERSION = 1
MOST_PER_MAC = 16
"""Addresses of which one hardware address may be the only witness; a router that answers for others has more."""


@dataclass
class Found:
    """Who answered in one network."""

    replied: set[IpAddress] = field(default_factory=set)
    """Those that answered themselves: to an echo request, or to a connection."""

    macs: dict[IpAddress, str] = field(default_factory=dict)
    """Those on the link whose hardware address was told now."""

    ports: dict[IpAddress, list[int]] = field(default_factory=dict)
    """Open ports of those that were asked."""

    def alive(self) -> list[IpAddress]:
        """Return who is there, sorted."""
        return sorted(self.replied | self.macs.keys(), key=lambda a: (a.version, int(a)))

    def drop_proxied(self) -> tuple[str, int]:
        """Leave out addresses that one hardware address claims for all; return it and how many these were."""
        silent = Counter(mac for address, mac in self.macs.items() if address not in self.replied)
        mac, count = silent.most_common(1)[0] if silent else ("", 0)
        if count <= MOST_PER_MAC:
            return "", 0
        self.macs = {a: m for a, m in self.macs.items() if m != mac or a in self.replied}
        return mac, count


def found_answers(
    found: Found, network: IpNetwork, here: Sequence[Attachment], seen_at: str, *, asked_ports: bool
) -> list[Answer]:
    """Return the addresses that answered, with the network around them where this machine is in it."""
    answers: list[Answer] = []
    attached = any(a.network == network for a in here)
    if attached:
        answers.append(
            _answer(f"network/{network}", Network.table, {"network_name": str(network), "cidr": str(network)})
        )
    for address in found.alive():
        values: dict[str, Any] = {"ip_address": str(address)}
        if attached:
            values["network_id"] = f"network/{network}"
        if mac := found.macs.get(address):
            values["mac_address"] = mac
            if vendor := vendor_of(mac):
                values["mac_vendor"] = vendor
        if asked_ports:
            values["open_ports"] = [f"tcp/{p}" for p in sorted(found.ports.get(address, ()))]
        answers.append(_answer(_key(address), Address.table, values, {"last_seen_at": seen_at}))
    return answers


def name_answers(names: Names, alive: Sequence[IpAddress]) -> list[Answer]:
    """Return what addresses are called."""
    return [
        _answer(_key(a), Address.table, {"ip_address": str(a), "hostname": name})
        for a in alive
        if (name := names.best(a))
    ]


@lru_cache(maxsize=4096)
def vendor_of(mac: str) -> str | None:
    """Return whom the first half of a hardware address belongs to, by the IEEE's list in netaddr; None if made up.

    >>> vendor_of("bc:24:11:00:00:01"), vendor_of("52:54:00:00:00:01")
    ('Proxmox Server Solutions GmbH', None)
    """
    from netaddr import EUI
    from netaddr.core import NotRegisteredError

    if int(mac[:2], 16) & 2:  # locally administered: nobody's
        return None
    try:
        return str(EUI(mac).oui.registration().org).strip() or None
    except NotRegisteredError:
        return None


def _key(address: IpAddress) -> str:
    return f"address/{address}"


def _answer(key: str, table: str, values: dict[str, Any], measured: Mapping[str, Any] | None = None) -> Answer:
    observation = Observation(key, table, values)
    return Answer(key, digest_of(values, PARSER_VERSION), lambda: (observation,), {key: measured} if measured else {})
