"""Whose word counts first, field by field, where the general order of sources would choose badly.

Names are those of sources or of their kinds. Who is not named comes after all who are, in the general order.
"""

from collections.abc import Mapping, Sequence

from infradb.change import SourceOrder

Order = Mapping[str, Sequence[str]]
"""`table.field` -> names of sources or kinds, the first one counts first."""

DEFAULTS: Order = {
    # A machine knows its own name; what its hypervisor or a switch calls it may be years old.
    "hosts.hostname": ("local", "ssh", "opnsense", "ansible", "node_exporter", "docker", "proxmox", "snmp"),
    # Who runs a guest knows that it runs; a guest that is off says nothing at all.
    "hosts.status": ("proxmox", "local", "ssh", "opnsense", "docker"),
    "hosts.host_type": ("proxmox", "local", "ssh", "opnsense", "snmp"),
    "hosts.parent_host_id": ("proxmox",),
    "hosts.vmid": ("proxmox",),
    # Inside, a guest sees the processors and the memory that it was given; so does its hypervisor, before a restart.
    "hosts.management_ip": ("opnsense", "netbox", "local", "ssh"),
    # Who hands addresses out knows how each came to its holder.
    "ip_addresses.allocation_type": ("kea", "opnsense", "isc_dhcp", "dnsmasq", "pihole", "adguard"),
    "ip_addresses.hostname": ("local", "ssh", "opnsense", "kea", "dnsmasq", "isc_dhcp", "dns", "powerdns", "scan"),
    # Who routes a network knows where it leads; a guest sees one interface of it.
    "networks.network_name": ("opnsense", "netbox", "proxmox", "kea"),
    "networks.gateway": ("opnsense", "kea", "isc_dhcp", "dnsmasq"),
    "networks.vlan_id": ("opnsense", "netbox", "snmp", "proxmox"),
}  # fmt: skip


def places(order: Order) -> dict[str, dict[str, dict[str, int]]]:
    """Return table -> field -> name of a source or kind -> its place."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name, sources in order.items():
        table, _, field = name.partition(".")
        found.setdefault(table, {})[field] = {source: place for place, source in enumerate(sources)}
    return found


def place(places_of_field: Mapping[str, int], source: SourceOrder) -> int:
    """Return the place of a source for a field: under its own name, else under its kind's, else after all."""
    own = places_of_field.get(source.name)
    return own if own is not None else places_of_field.get(source.kind, len(places_of_field))
