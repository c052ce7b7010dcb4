"""Networks, the addresses in them, the ways between them and the rules on those ways."""

from typing import Annotated, Literal

from pydantic import Field

from infradb.model.entity import Entity, Measured, People, Redacted, key
from infradb.model.types import (
    ContainerId,
    Count,
    Destination,
    HostId,
    Instant,
    InterfaceId,
    IpAddressText,
    JsonList,
    MacAddress,
    Name,
    NetworkId,
    OwningHostId,
    OwningInterfaceId,
    SortedAddress,
    SortedCidr,
    Text,
    VlanId,
)


class Network(Entity):
    """An IP network, known because it was seen or planned."""

    table = "networks"
    named_by = ("network_name",)
    natural_keys = (key("vrf", "cidr", unique=True),)
    adopted_by = key("vrf", "cidr")
    short_names = ("prefixes", "subnets")
    grace_seconds = 86400
    listed = ("network_name", "cidr", "vrf", "vlan_id", "gateway", "security_zone", "dhcp_enabled", "purpose")
    indexes = (("vrf", "first_key"), ("network_name",), ("parent_network_id",))

    network_name: Name
    """What it is called; the CIDR where nobody named it."""

    cidr: SortedCidr
    """Network address and prefix length."""

    vrf: Name = "default"
    """Address space it lies in: `default`, `docker:<engine>` for an engine's bridges, `host:<machine>` for loopback."""

    vlan_id: VlanId | None = None
    """802.1Q tag that carries it."""

    gateway: IpAddressText | None = None
    """Address that leads out of it."""

    dns_servers: JsonList | None = None
    """Addresses of its resolvers."""

    dhcp_enabled: bool | None = None
    """Whether addresses are handed out in it."""

    dhcp_range_start: IpAddressText | None = None
    """First address handed out."""

    dhcp_range_end: IpAddressText | None = None
    """Last address handed out."""

    purpose: Annotated[Text | None, People()] = None
    """What it is there for."""

    security_zone: Annotated[Literal["public", "dmz", "management", "private", "isolated"] | None, People()] = None
    """How far it is trusted."""

    parent_network_id: NetworkId | None = None
    """Smallest network of the same address space that contains it."""

    notes: Annotated[Text | None, People(), Redacted()] = None
    """Whatever is worth knowing about it."""


class IpAddress(Entity):
    """An address that something has, had or is to have."""

    table = "ip_addresses"
    named_by = ("ip_address",)
    natural_keys = (key("vrf", "ip_address", unique=True),)
    adopted_by = key("vrf", "ip_address")
    short_names = ("ips", "addresses")
    grace_seconds = 3600
    listed = ("ip_address", "network_id", "host_id", "interface_id", "allocation_type", "hostname", "vrf")
    indexes = (
        ("network_id", "allocation_type"),
        ("host_id",),
        ("interface_id",),
        ("docker_container_id",),
        ("vrf", "ip_key"),
    )

    ip_address: SortedAddress
    """The address itself (RFC 5952)."""

    vrf: Name = "default"
    """Address space it lies in, as its network's."""

    network_id: NetworkId | None = None
    """Smallest known network that contains it."""

    interface_id: InterfaceId | None = None
    """Interface that carries it."""

    host_id: HostId | None = None
    """Host that has it."""

    docker_container_id: ContainerId | None = None
    """Container that has it."""

    allocation_type: Literal["static", "dhcp", "reserved", "docker", "virtual"] = "static"
    """How it came to its holder."""

    hostname: Text | None = None
    """Name that belongs to it."""

    mac_address: MacAddress | None = None
    """Hardware address it was seen with."""

    mac_vendor: Text | None = None
    """Whom the first half of the hardware address belongs to (IEEE registration authority)."""

    open_ports: JsonList | None = None
    """Ports on which it answered a scan: `tcp/22`."""

    last_seen_at: Annotated[Instant | None, Measured(dead_band=0)] = None
    """When it last answered or was leased."""

    lease_ends_at: Annotated[Instant | None, Measured(dead_band=0)] = None
    """When its lease ends, where it has one."""

    purpose: Annotated[Text | None, People()] = None
    """What it is there for."""

    notes: Annotated[Text | None, People(), Redacted()] = None
    """Whatever is worth knowing about it."""


class Vlan(Entity):
    """A virtual LAN as one bridge knows it."""

    table = "vlans"
    named_by = ("host_id", "vlan_name")
    natural_keys = (key("host_id", "vlan_id", unique=True),)
    grace_seconds = 600
    listed = ("host_id", "vlan_id", "vlan_name", "untagged_ports", "tagged_ports")
    indexes = (("vlan_id",),)

    host_id: OwningHostId
    """Switch, router or other host that has it."""

    vlan_id: VlanId
    """802.1Q tag."""

    vlan_name: Name
    """What it is called there; its number where nobody named it."""

    untagged_ports: JsonList | None = None
    """Names of the interfaces that carry it untagged."""

    tagged_ports: JsonList | None = None
    """Names of the interfaces that carry it tagged."""


class MacSighting(Entity):
    """A hardware address that was seen behind an interface of a bridge, by whomever it belongs to.

    It is what is needed to tell who is plugged in where, once another source knows the interface of that address.
    """

    table = "mac_sightings"
    named_by = ("interface_id", "mac_address")
    natural_keys = (key("interface_id", "mac_address", "vlan_id", "seen_by", unique=True),)
    short_names = ("sightings", "macs")
    grace_seconds = 86400
    listed = ("interface_id", "mac_address", "vlan_id", "seen_by")
    indexes = (("mac_address",),)

    interface_id: OwningInterfaceId
    """Interface behind which it was seen."""

    mac_address: MacAddress
    """The hardware address."""

    vlan_id: VlanId = 0
    """VLAN in which it was seen; 0 where the bridge tells none."""

    seen_by: Literal["fdb", "lldp"] = "fdb"
    """How it is known: the bridge forwards to it there, or the port at the other end announced it."""


_WAY = ("routing_table", "destination_network", "gateway_ip", "metric", "interface_name")


class NetworkRoute(Entity):
    """A way that a host sends packets."""

    table = "network_routes"
    named_by = ("host_id", "destination_network")
    natural_keys = (
        key("host_id", *_WAY, unique=True),
        key("source_network_id", *_WAY, unique=True),
    )
    short_names = ("routes",)
    grace_seconds = 600
    listed = ("host_id", "destination_network", "gateway_ip", "interface_name", "metric", "route_type")
    indexes = (("gateway_host_id",),)

    host_id: OwningHostId | None = None
    """Host whose table holds it; unknown for imported ones."""

    source_network_id: NetworkId | None = None
    """Network for which it was noted, in imported ones."""

    destination_network: Destination
    """Where it leads: `default` or a network."""

    gateway_ip: IpAddressText | Literal[""] = ""
    """Next hop; empty where the destination is on the link."""

    gateway_host_id: HostId | None = None
    """Host that has the next hop's address."""

    metric: Count = 0
    """The lower one is preferred."""

    route_type: Literal["static", "dynamic", "default", "connected"] | None = None
    """How it came about."""

    interface_name: Text = ""
    """Interface it leaves through."""

    routing_table: Text = "main"
    """Routing table that holds it."""

    description: Annotated[Text | None, People()] = None
    """Whatever is worth knowing about it."""


class FirewallRule(Entity):
    """One rule of one packet filter, in the order in which it is evaluated (decisions/0018)."""

    table = "firewall_rules"
    named_by = ("firewall_host_id", "native_id")
    natural_keys = (key("firewall_host_id", "native_id", unique=True),)
    short_names = ("rules",)
    listed = (
        "firewall_host_id",
        "ruleset",
        "chain",
        "rule_number",
        "action",
        "direction",
        "protocol",
        "source_network",
        "destination_network",
        "destination_port",
        "enabled",
        "description",
    )
    indexes = (("firewall_host_id", "ruleset", "chain", "rule_number"),)

    firewall_host_id: OwningHostId
    """Host that filters."""

    native_id: Name
    """Identifier that the firewall gives it, or a hash of what it matches; never its number."""

    ruleset: Text | None = None
    """Table that holds its chain: `inet filter`, `ip nat`, `ip filter legacy`; `filter` and `nat` of pf."""

    chain: Text | None = None
    """Chain, zone or interface group that holds it."""

    rule_number: Count | None = None
    """Place in the order of evaluation, within its chain; within its ruleset where that has no chains that jump."""

    hook: Literal["prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"] | None = None
    """Where packets enter its chain; empty of a chain that others jump to, and of pf."""

    priority: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None = None
    """Place of its chain among those of the same hook: the lower one is asked first."""

    action: Literal["allow", "deny", "reject", "nat", "jump", "goto", "return", "continue", "queue"]
    """What it does with a packet that matches; goto comes not back, return leaves the chain, queue asks a program."""

    jump_to: Text | None = None
    """Chain of the same ruleset that it asks."""

    quick: bool | None = None
    """Whether the first match decides; where not, the last matching rule does (pf)."""

    direction: Literal["in", "out", "forward", "any"]
    """Which packets it looks at; any where several hooks lead to its chain."""

    family: Literal["ipv4", "ipv6"] | None = None
    """Version of IP that it is about; empty where both."""

    protocol: Literal["tcp", "udp", "icmp", "any"] | Text | None = None
    """Protocol that it matches."""

    source_network: Text | None = None
    """Where packets come from: network, alias (`@name` of a set) or `any`; commas between several, `!` for all but."""

    source_port: Text | None = None
    """Source port, range or `any`."""

    destination_network: Text | None = None
    """Where packets go, in the form of their source."""

    destination_port: Text | None = None
    """Destination port, range or `any`."""

    connection_state: Text | None = None
    """States of the connection that it matches: `established,related`; all but these with `!`."""

    conditions: JsonList | None = None
    """What else has to hold, in the firewall's own words; who can't tell whether it does knows no verdict."""

    nat_type: Literal["source", "destination", "both"] | None = None
    """Which address it rewrites; both in a one-to-one translation."""

    nat_to: Text | None = None
    """Address and port that it rewrites to."""

    interface: Text | None = None
    """Interface that it is bound to: where packets come in, or of pf's rules of direction out, leave."""

    out_interface: Text | None = None
    """Interface that packets leave through."""

    schedule_name: Text | None = None
    """Schedule that switches it."""

    schedule_enabled: bool | None = None
    """Whether the schedule is in force."""

    enabled: bool = True
    """Whether it is in force: switched on, and in a chain that packets come to."""

    managed_by: Text | None = None
    """Program that made it and keeps it so: docker, ufw, firewalld, fail2ban …"""

    rule: Annotated[Text | None, Redacted()] = None
    """The rule in the firewall's own words, without counters."""

    packets: Annotated[Count | None, Measured(dead_band=0.5)] = None
    """Packets that it has matched since the firewall counts."""

    description: Annotated[Text | None, People(), Redacted()] = None
    """Comment."""


class FirewallAlias(Entity):
    """A name that a firewall's rules use for addresses, networks, ports or other names."""

    table = "firewall_aliases"
    named_by = ("firewall_host_id", "alias_name")
    natural_keys = (key("firewall_host_id", "zone", "alias_name", unique=True),)
    short_names = ("aliases",)
    grace_seconds = 600
    listed = ("firewall_host_id", "alias_name", "alias_type", "content", "zone", "enabled", "description")

    firewall_host_id: OwningHostId
    """Host that filters."""

    alias_name: Name
    """Name that rules use."""

    zone: Text = ""
    """Part of the configuration that the name is valid in: a table, `datacenter`, a guest; empty where everywhere."""

    alias_type: Literal["network", "port", "set", "group", "other"] = "network"
    """What it stands for: addresses and networks, ports, a set that is filled elsewhere, a group of rules."""

    content: JsonList | None = None
    """What it stands for now, one entry each."""

    enabled: bool = True
    """Whether it is in force."""

    description: Annotated[Text | None, People(), Redacted()] = None
    """Comment."""


class DnsRecord(Entity):
    """A name in the DNS and what it answers."""

    table = "dns_records"
    named_by = ("record_name", "record_type")
    natural_keys = (key("server", "zone", "record_name", "record_type", "content", unique=True),)
    short_names = ("records",)
    grace_seconds = 3600
    listed = ("record_name", "record_type", "content", "ttl_seconds", "zone", "server", "host_id")
    indexes = (("record_name", "record_type"), ("content",), ("host_id",))

    record_name: Name
    """Full name in lower case without the last dot (RFC 1034, 3.1)."""

    record_type: Name
    """Type of the record: A, AAAA, CNAME, PTR, MX, TXT, SRV …"""

    content: Name
    """What it answers, in the form of zone files (RFC 1035, 5); addresses in canonical form."""

    zone: Text = ""
    """Zone that holds it; empty for local overrides."""

    server: Text = ""
    """Server that answers so: the name of its source."""

    ttl_seconds: Count | None = None
    """How long it may be kept."""

    host_id: HostId | None = None
    """Host that serves it."""
