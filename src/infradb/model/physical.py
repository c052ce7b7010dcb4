"""Machines and what they are made of."""

from typing import Annotated, Literal

from infradb.model.entity import Entity, Measured, People, Redacted, Runtime, key
from infradb.model.types import (
    BootInstant,
    Count,
    Day,
    HostId,
    Hostname,
    InterfaceId,
    IpAddressText,
    JsonList,
    MacAddress,
    Name,
    OwningHostId,
    OwningInterfaceId,
    SiteId,
    Size,
    StorageDeviceId,
    Text,
    VlanId,
    Vmid,
)

Criticality = Literal["critical", "high", "medium", "low"]


class Site(Entity):
    """A place where hosts stand."""

    table = "sites"
    named_by = ("name",)
    natural_keys = (key("name", unique=True),)
    adopted_by = key("name")
    listed = ("name", "address")

    name: Name
    """What the place is called."""

    address: Text | None = None
    """Postal address."""

    notes: Annotated[Text | None, People()] = None
    """Whatever is worth knowing about it."""


class Host(Entity):
    """A machine: bare metal, a guest, a container host, an appliance or a cloud instance."""

    table = "hosts"
    named_by = ("hostname",)
    hard_keys = (
        key("smbios_uuid", exclusive=True),
        key("vendor", "serial_number", exclusive=True),
        key("machine_id_hash", exclusive=True),
        key("ssh_host_key"),
        key("docker_engine_id"),
        key("mac_addresses", "hostname", each=True),
        key("mac_addresses", "management_ip", each=True),
    )
    natural_keys = (key("hostname", "os_name", corroborates=True),)
    adopted_by = key("hostname")
    short_names = ("machines",)
    grace_seconds = 3600
    listed = ("hostname", "host_type", "status", "management_ip", "os_name", "criticality", "parent_host_id", "purpose")
    indexes = (("parent_host_id",), ("status", "host_type"))

    hostname: Hostname
    """Name the machine calls itself, without its domain unless it says otherwise; not unique."""

    host_type: Literal["physical", "vm", "lxc", "docker_host", "network_device", "cloud"] | None = None
    """What it is; `docker_host` only where nobody said what the machine under an engine is."""

    management_ip: IpAddressText | None = None
    """Address by which it is administered."""

    status: Annotated[
        Literal["active", "stopped", "maintenance", "decommissioned", "unknown"],
        Runtime(people_only=("maintenance", "decommissioned")),
    ] = "unknown"
    """Whether it runs, as last observed; maintenance and decommissioned are for people to say."""

    cpu_cores: Count | None = None
    """Logical processors."""

    cpu_model: Text | None = None
    """Processor as it names itself."""

    total_ram_mb: Count | None = None
    """Installed memory in MiB."""

    used_ram_mb: Annotated[Count | None, Measured(dead_band=0.05)] = None
    """Memory in use in MiB, without caches."""

    parent_host_id: HostId | None = None
    """Host that this one runs on."""

    vmid: Vmid | None = None
    """Number of the guest on its hypervisor."""

    purpose: Annotated[Text | None, People()] = None
    """What it is there for."""

    criticality: Annotated[Criticality | None, People()] = None
    """How badly it is missed."""

    notes: Annotated[Text | None, People(), Redacted()] = None
    """Whatever is worth knowing about it."""

    owner: Annotated[Text | None, People()] = None
    """Person or team that answers for it."""

    location: Annotated[Text | None, People()] = None
    """Room, rack and unit."""

    asset_tag: Annotated[Text | None, People()] = None
    """Inventory label."""

    supplier: Annotated[Text | None, People()] = None
    """Whom it was bought from."""

    purchased_at: Annotated[Day | None, People()] = None
    """Day of purchase."""

    warranty_until: Annotated[Day | None, People()] = None
    """Last day of warranty."""

    end_of_support_at: Annotated[Day | None, People()] = None
    """Day on which the vendor stops supporting it."""

    site_id: Annotated[SiteId | None, People()] = None
    """Site it stands at."""

    vendor: Text | None = None
    """Manufacturer as the firmware names it."""

    model: Text | None = None
    """Product as the firmware names it."""

    serial_number: Text | None = None
    """Serial number of the machine from the firmware (SMBIOS type 1)."""

    smbios_uuid: Text | None = None
    """System UUID from the firmware (SMBIOS type 1), lower case; never for containers, which show their host's."""

    machine_id_hash: Text | None = None
    """HMAC of /etc/machine-id, which is confidential (machine-id(5)); stands for one installed system."""

    ssh_host_key: Text | None = None
    """SHA-256 fingerprint of its SSH host key."""

    mac_addresses: JsonList | None = None
    """Hardware addresses that stand for it: burnt in, or set by its hypervisor for this very guest; no bridge's."""

    docker_engine_id: Text | None = None
    """ID that its Docker engine reports (`/info`: ID)."""

    docker_version: Text | None = None
    """Version of its Docker engine."""

    os_name: Text | None = None
    """Operating system (os-release(5): NAME)."""

    os_version: Text | None = None
    """Version of the operating system (os-release(5): VERSION_ID)."""

    kernel: Text | None = None
    """Release of the running kernel."""

    architecture: Text | None = None
    """Machine architecture as uname(2) names it."""

    boot_time_at: BootInstant | None = None
    """When it was started."""

    is_docker_host: bool | None = None
    """Whether a Docker engine runs on it."""


class NetworkInterface(Entity):
    """A point where a host attaches to a network."""

    table = "network_interfaces"
    named_by = ("host_id", "interface_name")
    natural_keys = (
        key("host_id", "interface_name", unique=True),
        # A hypervisor and its guest call one card by two names: net0 and ens18.
        key("host_id", "mac_address", corroborates=True),
    )
    short_names = ("interfaces", "nics")
    grace_seconds = 600
    listed = (
        "host_id",
        "interface_name",
        "interface_type",
        "link_status",
        "mac_address",
        "speed_mbps",
        "vlan_id",
        "mtu",
    )
    indexes = (("mac_address",), ("parent_interface_id",))

    host_id: OwningHostId
    """Host it belongs to."""

    interface_name: Name
    """Name given by the operating system."""

    interface_type: Literal["physical", "bridge", "vlan", "virtual", "wifi", "bond", "tunnel", "loopback"] = "virtual"
    """What kind of interface it is."""

    mac_address: MacAddress | None = None
    """Hardware address."""

    pci_slot: Text | None = None
    """PCI address of the card."""

    driver: Text | None = None
    """Kernel driver."""

    speed_mbps: Annotated[int | None, Runtime()] = None
    """Link speed in Mbit/s."""

    mtu: Count | None = None
    """Largest packet in bytes."""

    bridge_name: Text | None = None
    """Bridge that it is a port of."""

    bridge_ports: JsonList | None = None
    """Names of the ports, where it is a bridge itself."""

    vlan_id: VlanId | None = None
    """802.1Q tag, where it is a VLAN interface or an access port."""

    parent_interface_id: InterfaceId | None = None
    """Interface below it: of a VLAN its link, of a bond's member the bond."""

    link_status: Annotated[Literal["up", "down", "unknown"] | None, Runtime()] = None
    """Whether it has carrier."""

    description: Annotated[Text | None, People()] = None
    """Alias or comment."""


class StorageDevice(Entity):
    """A disk, a part of one, an array, a pool, or a file system from elsewhere."""

    table = "storage_devices"
    named_by = ("host_id", "device_name")
    natural_keys = (key("host_id", "device_name", unique=True),)
    short_names = ("storage", "disks")
    grace_seconds = 600
    listed = (
        "host_id",
        "device_name",
        "device_type",
        "capacity_gb",
        "used_gb",
        "filesystem_type",
        "mount_point",
        "smart_status",
    )
    indexes = (("parent_device_id",), ("serial_number",))

    host_id: OwningHostId
    """Host it is attached to."""

    device_name: Name
    """Path of the device, name of the pool, or source of the mount."""

    device_type: Literal[
        "disk", "partition", "raid", "lvm", "zfs", "btrfs", "mergerfs", "nfs", "smb", "loop", "crypt", "other"
    ] = "disk"
    """What kind of storage it is."""

    model: Text | None = None
    """Product name of the disk."""

    serial_number: Text | None = None
    """Serial number of the disk."""

    capacity_gb: Size | None = None
    """Size in GB (10^9 bytes)."""

    filesystem_type: Text | None = None
    """File system on it."""

    mount_point: Text | None = None
    """Where it is mounted first."""

    used_gb: Annotated[Size | None, Measured(dead_band=0.02)] = None
    """Used space in GB (10^9 bytes)."""

    available_gb: Annotated[Size | None, Measured(dead_band=0.02)] = None
    """Space in GB (10^9 bytes) that users may still fill."""

    raid_level: Text | None = None
    """RAID level or profile: raid1, raidz2, mirror, single."""

    raid_members: JsonList | None = None
    """Names of the devices it is made of."""

    smart_status: Annotated[Literal["passed", "failed", "unknown"] | None, Runtime()] = None
    """What the disk says about its own health."""

    health_status: Annotated[Text | None, Runtime()] = None
    """State of the array or pool: online, degraded, faulted."""

    parent_device_id: StorageDeviceId | None = None
    """Device that it lies on."""

    purpose: Annotated[Text | None, People()] = None
    """What it is there for."""

    notes: Annotated[Text | None, People(), Redacted()] = None
    """Whatever is worth knowing about it."""


class Link(Entity):
    """A place where two interfaces meet."""

    table = "links"
    named_by = ("interface_a_id", "interface_b_id")
    natural_keys = (key("interface_a_id", "interface_b_id", unique=True),)
    listed = ("interface_a_id", "interface_b_id", "kind")
    grace_seconds = 86400
    indexes = (("interface_b_id",),)
    constraints = {"not_itself": "interface_a_id <> interface_b_id"}

    interface_a_id: OwningInterfaceId
    """One end."""

    interface_b_id: OwningInterfaceId
    """The other end."""

    kind: Literal["cable", "lldp", "fdb"] = "cable"
    """How it is known: a person said so, LLDP, or a forwarding table."""
