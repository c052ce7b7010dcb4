"""Every call to the API, what it is for, and the privilege that allows it, by the name that OPNsense gives it."""

from typing import NamedTuple


class Endpoint(NamedTuple):
    """One call."""

    path: str
    """Below the base address. In snake_case, as the privileges' patterns are written (since 25.1)."""

    kind: type
    """dict or list; str for XML."""

    tells: str
    """What it is for."""

    privilege: str
    """Name in System: Access: Users: Privileges."""

    optional: bool = False
    """Whether a firewall may be without it: a plugin, a DHCP server that is not installed."""


_LEASES = "the leases of {}"

ENDPOINTS: dict[str, Endpoint] = {
    "system": Endpoint("/api/diagnostics/system/system_information", dict, "name and version", "Lobby: Dashboard"),
    "config": Endpoint(
        "/api/core/backup/download/this", str, "the configuration", "Diagnostics: Configuration History"
    ),
    "history": Endpoint("/api/core/backup/backups/this", dict, "who changed it", "Diagnostics: Configuration History"),
    "interfaces": Endpoint(
        "/api/interfaces/overview/interfaces_info", dict, "interfaces and addresses", "Status: Interfaces"
    ),
    "gateways": Endpoint("/api/routing/settings/search_gateway", dict, "gateways", "System: Gateways"),
    "routes": Endpoint(
        "/api/diagnostics/interface/get_routes", list, "the routing table", "Diagnostics: Routing tables"
    ),
    "aliases": Endpoint("/api/firewall/alias/export", dict, "aliases", "Firewall: Aliases"),
    "filter": Endpoint(
        "/api/firewall/filter/search_rule", dict, "rules, also automatic ones, and counters", "Firewall: Rules [new]"
    ),
    "destination": Endpoint(
        "/api/firewall/d_nat/search_rule", dict, "port forwards", "Firewall: NAT: Destination NAT", optional=True
    ),
    "source": Endpoint("/api/firewall/source_nat/search_rule", dict, "outbound NAT", "Firewall: NAT: Source NAT"),
    "one_to_one": Endpoint("/api/firewall/one_to_one/search_rule", dict, "1:1 NAT", "Firewall: NAT: 1:1"),
    "npt": Endpoint("/api/firewall/npt/search_rule", dict, "prefix translation", "Firewall: NAT: NPTv6"),
    "kea4": Endpoint("/api/kea/leases4/search", dict, _LEASES.format("Kea"), "Services: DHCP: Kea(v4)", optional=True),
    "kea6": Endpoint(
        "/api/kea/leases6/search", dict, _LEASES.format("Kea, IPv6"), "Services: DHCP: Kea(v6)", optional=True
    ),
    "dnsmasq": Endpoint(
        "/api/dnsmasq/leases/search",
        dict,
        _LEASES.format("dnsmasq"),
        "Services: Dnsmasq DNS/DHCP: Settings",
        optional=True,
    ),
    "isc4": Endpoint(
        "/api/dhcpv4/leases/search_lease", dict, _LEASES.format("ISC DHCP"), "Status: DHCP leases", optional=True
    ),
    "isc6": Endpoint(
        "/api/dhcpv6/leases/search_lease",
        dict,
        _LEASES.format("ISC DHCP, IPv6"),
        "Status: DHCPv6 leases",
        optional=True,
    ),
    "reservations": Endpoint(
        "/api/kea/dhcpv4/search_reservation", dict, "reservations of Kea", "Services: DHCP: Kea(v4)", optional=True
    ),
    "hosts": Endpoint(
        "/api/unbound/settings/search_host_override", dict, "names of Unbound", "Services: Unbound", optional=True
    ),
    "dnsmasq_hosts": Endpoint(
        "/api/dnsmasq/settings/search_host",
        dict,
        "names and reservations of dnsmasq",
        "Services: Dnsmasq DNS/DHCP: Settings",
        optional=True,
    ),
    "arp": Endpoint("/api/diagnostics/interface/get_arp", list, "neighbours", "Diagnostics: ARP Table"),
    "ndp": Endpoint("/api/diagnostics/interface/get_ndp", list, "neighbours, IPv6", "Diagnostics: NDP Table"),
}
"""In the order in which they are made."""

WITHOUT_CONFIG = ("reservations", "hosts", "dnsmasq_hosts")
"""Calls that are made only where the configuration could not be read, which tells the same and more."""

OLDER_NAMES = {
    "Lobby: Dashboard": "Lobby: Login / Logout / Dashboard",
    "Firewall: Rules [new]": "Firewall: Rules: API",
    "Firewall: NAT: Source NAT": "Firewall: SourceNat: API",
}
"""Name of a privilege -> the one that older versions give it."""
