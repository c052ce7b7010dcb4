"""What a guest's own system says: through the guest agent of a virtual machine, or through a container's namespaces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from infradb.collectors.proxmox.keys import address_key, guest_key, interface_key, network_key
from infradb.collectors.proxmox.nics import Nic
from infradb.collectors.proxmox.parse_guests import Configuration
from infradb.collectors.proxmox.said import Said, answer, say
from infradb.collectors.proxmox.values import Interface, interface, mac, number, objects, text
from infradb.model.network import IpAddress
from infradb.model.physical import Host
from infradb.observation import Answer


class Held(NamedTuple):
    """An address that a guest has now."""

    ip: str
    network: str | None
    nic: str
    mac: str
    vlan_id: int | None


@dataclass(frozen=True, slots=True)
class Inside:
    """What one running guest says of itself."""

    config: Configuration
    addresses: tuple[Held, ...]
    system: Mapping[str, Any]

    @classmethod
    def read(cls, config: Configuration, interfaces: Sequence[Any], system: Any) -> "Inside":
        """Understand `agent/network-get-interfaces` and `agent/get-osinfo` (QEMU guest agent, QAPI schema), or
        `lxc/{vmid}/interfaces`.

        Only addresses on interfaces with the hardware address of a configured NIC count: bridges of containers and
        tunnels inside the guest are not the network's.
        """
        nics = {nic.mac: nic for nic in reversed(config.nics) if nic.mac}
        found: dict[str, Held] = {}
        for entry in objects(interfaces):
            nic = nics.get(mac(entry.get("hardware-address") or entry.get("hwaddr")) or "")
            for at in _addresses(entry) if nic else ():
                found.setdefault(str(at.ip), _held(at, nic))  # type: ignore[arg-type]
        return cls(config, tuple(found[ip] for ip in sorted(found)), _system(system))


def inside_answer(inside: Inside) -> Answer | None:
    """Return a guest's addresses and system; None where it says nothing that counts."""
    if not inside.addresses and not inside.system:
        return None
    guest, raw = inside.config.guest, inside.config.raw
    dynamic = {n.name for n in inside.config.nics if not n.interfaces and _asks(guest.kind, n, raw)}
    named = {"hostname": inside.config.name, "host_type": guest.kind, "vmid": guest.vmid}
    parse = partial(_parse, guest.vmid, named, inside.system, inside.addresses, dynamic)
    return answer(guest_key(guest.vmid), [named, inside.system, inside.addresses, sorted(dynamic)], parse, whole=True)


def _parse(
    vmid: int, named: Mapping[str, Any], system: Mapping[str, Any], addresses: Sequence[Held], dynamic: set[str]
) -> Said:
    key = guest_key(vmid)
    said = say(key, Host, named, **system)
    for held in addresses:
        facts = {
            "host_id": key,
            "interface_id": interface_key(key, held.nic),
            "network_id": network_key(held.network) if held.network else None,
            "mac_address": held.mac,
            "allocation_type": "dhcp" if held.nic in dynamic else "static",
        }
        said += say(address_key(key, held.ip), IpAddress, {"ip_address": held.ip}, **facts)
    return said


def _asks(kind: str, nic: Nic, raw: Mapping[str, str]) -> bool:
    """Tell whether an interface is configured to get its address from elsewhere."""
    given = raw.get(nic.name, "") if kind == "lxc" else raw.get(f"ipconfig{nic.name[3:]}", "")
    return any(part in given.split(",") for part in ("ip=dhcp", "ip6=dhcp", "ip6=auto"))


def _addresses(entry: Mapping[str, Any]) -> Iterator[Interface]:
    listed = [interface(a.get("ip-address"), number(a.get("prefix"))) for a in objects(entry.get("ip-addresses"))]
    # Before 8.3 a container's interfaces come with one address of each kind.
    older = [interface(entry.get(name)) for name in ("inet", "inet6")] if not listed else []
    yield from (found for found in [*listed, *older] if found)


def _held(at: Interface, nic: Nic) -> Held:
    network = at.network
    lone = network.prefixlen == network.max_prefixlen
    return Held(str(at.ip), None if lone else str(network), nic.name, str(nic.mac), nic.vlan_id)


def _system(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        return {}
    said = {
        "os_name": text(raw.get("name")) or text(raw.get("pretty-name")),
        "os_version": text(raw.get("version-id")) or text(raw.get("version")),
        "kernel": text(raw.get("kernel-release")),
        "architecture": text(raw.get("machine")),
    }
    return {name: value for name, value in said.items() if value is not None}
