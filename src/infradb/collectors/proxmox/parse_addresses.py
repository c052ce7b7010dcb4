"""Which addresses guests have: those that their systems report now, and those that they are configured with."""

from collections.abc import Iterable, Sequence
from functools import partial

from infradb.collectors.proxmox.keys import address_key, guest_key, interface_key, network_key
from infradb.collectors.proxmox.nics import Held
from infradb.collectors.proxmox.said import answer, say
from infradb.model.network import IpAddress
from infradb.observation import Answer


def address_answers(vmid: int, reported: Sequence[Held], fixed: Iterable[Held]) -> list[Answer]:
    """Return a guest's addresses, each once; what its system reports counts before what is configured."""
    owner, answers = guest_key(vmid), []
    held = {a.ip: a for a in [*fixed, *reported]}
    for ip, found in sorted(held.items()):
        key, named = address_key(owner, ip), {"ip_address": ip}
        facts = {
            "host_id": owner,
            "interface_id": interface_key(owner, found.nic),
            "network_id": network_key(found.network) if found.network else None,
            "mac_address": found.mac,
            "allocation_type": "dhcp" if found.dynamic else "static",
        }
        answers.append(answer(key, [named, facts], partial(say, key, IpAddress, named, **facts)))
    return answers
