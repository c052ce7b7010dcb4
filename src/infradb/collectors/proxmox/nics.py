"""Network interfaces of guests as configured (qm.conf(5): net[n], ipconfig[n]; pct.conf(5): net[n])."""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from infradb.collectors.proxmox.parse_cluster import Guest
from infradb.collectors.proxmox.values import Interface, address, flag, interface, mac, number, numbered, properties

_MODELS = frozenset(
    {
        "e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",
        "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3",
    }
)  # fmt: skip


class Held(NamedTuple):
    """An address that an interface of a guest has, or is configured to have."""

    ip: str
    network: str | None
    """The network around it; None where it is a lone address."""
    nic: str
    mac: str | None
    vlan_id: int | None
    gateway: str | None
    dynamic: bool = False
    """Whether it came from elsewhere: DHCP, router advertisements."""


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface of a guest."""

    name: str
    """Its place: net0."""
    system_name: str
    """What the system in a container calls it; of a virtual machine its place, because its system names it later."""
    model: str | None
    mac: str | None
    bridge: str | None
    vlan_id: int | None
    firewall: bool
    unplugged: bool
    mtu: int | None
    options: tuple[tuple[str, str], ...]
    interfaces: tuple[Interface, ...]
    gateways: tuple[str, ...]

    @classmethod
    def read_all(cls, kind: str, config: Mapping[str, str]) -> tuple[Self, ...]:
        """Return a guest's interfaces, net0 first."""
        return tuple(cls._read(kind, name, config) for name in numbered(dict(config), ("net",)))

    @property
    def shown(self) -> dict[str, Any]:
        """Return it as one object."""
        said = {
            "name": self.name,
            "interface": self.system_name if self.system_name != self.name else None,
            "model": self.model,
            "mac_address": self.mac,
            "bridge": self.bridge,
            "vlan_id": self.vlan_id,
            "firewall": self.firewall,
            "link_down": self.unplugged or None,
            **dict(self.options),
        }
        return {name: value for name, value in said.items() if value is not None}

    @property
    def facts(self) -> dict[str, Any]:
        """Return what is noted of it as an interface of the guest."""
        return {
            "interface_type": "virtual",
            "mac_address": self.mac,
            "bridge_name": self.bridge,
            "vlan_id": self.vlan_id,
            "mtu": self.mtu,
            "link_status": "down" if self.unplugged else None,
        }

    def fixed(self) -> Iterable[Held]:
        """Yield the addresses that it is configured with."""
        return (self.held(at) for at in self.interfaces)

    def held(self, at: Interface, *, dynamic: bool = False) -> Held:
        """Return an address of it."""
        network = at.network
        if network.prefixlen == network.max_prefixlen:
            return Held(str(at.ip), None, self.name, self.mac, self.vlan_id, None, dynamic)
        near = [g for g in self.gateways if ipaddress.ip_address(g) in network]
        gateway = near[0] if near else None
        return Held(str(at.ip), str(network), self.name, self.mac, self.vlan_id, gateway, dynamic)

    @classmethod
    def _read(cls, kind: str, name: str, config: Mapping[str, str]) -> Self:
        options = properties(config[name], "model")
        model = next((m for m in _MODELS if m in options), options.get("model")) if kind == "vm" else None
        own = mac(options.get(model or "") or options.get("macaddr") or options.get("hwaddr"))
        given = options if kind == "lxc" else properties(config.get(f"ipconfig{name[3:]}", ""))
        tag, mtu = number(options.get("tag")), number(options.get("mtu"))
        known = {"model", "macaddr", "hwaddr", "name", "bridge", "tag", "firewall", "link_down", *_MODELS}
        return cls(
            name,
            options.get("name", name) if kind == "lxc" else name,
            model,
            own,
            options.get("bridge"),
            tag if tag is not None and 0 < tag < 4095 else None,
            bool(flag(options.get("firewall"))),
            bool(flag(options.get("link_down"))),
            mtu if mtu is not None and mtu > 1 else None,  # 1 means: as the bridge
            tuple(sorted((n, v) for n, v in options.items() if n not in known)),
            tuple(found for n in ("ip", "ip6") if (found := interface(given.get(n)))),
            tuple(via for n in ("gw", "gw6") if (via := address(given.get(n)))),
        )


def fixed_addresses(guests: Iterable[tuple[Guest, tuple[Nic, ...]]]) -> dict[int, list[Held]]:
    """Return the configured addresses that count, by guest.

    Templates have none. Of several guests with one address, as a clone and what it was made from, those that run count
    where any does.
    """
    holders: dict[str, list[tuple[Guest, Held]]] = {}
    for guest, nics in guests:
        for found in () if guest.template else (a for nic in nics for a in nic.fixed()):
            holders.setdefault(found.ip, []).append((guest, found))
    counting: dict[int, list[Held]] = {}
    for held in holders.values():
        running = [h for h in held if h[0].runs]
        for guest, found in running if len(held) > 1 and running else held:
            counting.setdefault(guest.vmid, []).append(found)
    return {vmid: sorted(own, key=lambda c: (c.ip, c.nic)) for vmid, own in counting.items()}
