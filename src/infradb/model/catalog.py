"""The list of types. Adding one means adding it here, parents before children."""

from infradb.model.bookkeeping import (
    Anchor,
    Claim,
    DiscoveryRun,
    DriftDecision,
    EntityRecord,
    IdentifierRecord,
    InfrastructureChange,
    KeptApart,
    Merge,
    Meta,
    Quarantine,
    Sample,
    Scope,
    Source,
)
from infradb.model.describe import EntityType, RecordType, describe, describe_record
from infradb.model.docker import (
    DockerContainer,
    DockerContainerNetwork,
    DockerContainerVolume,
    DockerNetwork,
    DockerVolume,
)
from infradb.model.network import (
    DnsRecord,
    FirewallAlias,
    FirewallRule,
    IpAddress,
    MacSighting,
    Network,
    NetworkRoute,
    Vlan,
)
from infradb.model.operations import (
    ApiToken,
    Finding,
    HealthCheck,
    HealthCheckRollup,
    Incident,
    MaintenanceWindow,
    User,
)
from infradb.model.physical import Host, Link, NetworkInterface, Site, StorageDevice
from infradb.model.proxmox import GuestDisk, ProxmoxContainer, ProxmoxStorage
from infradb.model.services import Certificate, Check, ProxyRoute, Service, ServiceDependency

ENTITY_TYPES: tuple[EntityType, ...] = tuple(
    describe(c)
    for c in (
        Site,
        Host,
        NetworkInterface,
        StorageDevice,
        Link,
        Vlan,
        MacSighting,
        Network,
        ProxmoxStorage,
        ProxmoxContainer,
        GuestDisk,
        DockerNetwork,
        DockerVolume,
        DockerContainer,
        DockerContainerNetwork,
        DockerContainerVolume,
        IpAddress,
        NetworkRoute,
        FirewallRule,
        FirewallAlias,
        DnsRecord,
        Service,
        ServiceDependency,
        Check,
        Certificate,
        ProxyRoute,
    )
)
RECORD_TYPES: tuple[RecordType, ...] = tuple(
    describe_record(c)
    for c in (
        Meta,
        EntityRecord,
        Source,
        Scope,
        DiscoveryRun,
        Claim,
        IdentifierRecord,
        Merge,
        KeptApart,
        DriftDecision,
        InfrastructureChange,
        Anchor,
        Sample,
        Quarantine,
        HealthCheck,
        HealthCheckRollup,
        Incident,
        Finding,
        MaintenanceWindow,
        User,
        ApiToken,
    )
)
BY_TABLE: dict[str, EntityType] = {t.table: t for t in ENTITY_TYPES}
BY_CLASS: dict[type, EntityType] = {t.cls: t for t in ENTITY_TYPES}
RECORDS: dict[str, RecordType] = {t.table: t for t in RECORD_TYPES}
ORDER: dict[str, int] = {t.table: n for n, t in enumerate(ENTITY_TYPES)}
