"""What a guest's own system says: through the guest agent of a virtual machine, or through a container's namespaces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infradb.collectors.proxmox.nics import Held, Nic
from infradb.collectors.proxmox.parse_guests import Configuration
from infradb.collectors.proxmox.values import Interface, interface, mac, number, objects, text


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
        dynamic = [nic for nic in config.nics if not nic.interfaces and _asks(nic, config)]
        found: dict[str, Held] = {}
        for entry in objects(interfaces):
            nic = nics.get(mac(entry.get("hardware-address") or entry.get("hwaddr")) or "")
            for at in _addresses(entry) if nic else ():
                found.setdefault(str(at.ip), nic.held(at, dynamic=nic in dynamic))  # type: ignore[union-attr]
        return cls(config, tuple(found[ip] for ip in sorted(found)), _system(system))


def _asks(nic: Nic, config: Configuration) -> bool:
    """Tell whether an interface is configured to get its address from elsewhere."""
    given = config.raw.get(nic.name if config.guest.kind == "lxc" else f"ipconfig{nic.name[3:]}", "")
    return any(part in given.split(",") for part in ("ip=dhcp", "ip6=dhcp", "ip6=auto"))


def _addresses(entry: Mapping[str, Any]) -> Iterator[Interface]:
    listed = [interface(a.get("ip-address"), number(a.get("prefix"))) for a in objects(entry.get("ip-addresses"))]
    # Before 8.3 a container's interfaces come with one address of each kind.
    older = [interface(entry.get(name)) for name in ("inet", "inet6")] if not listed else []
    yield from (found for found in [*listed, *older] if found)


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
