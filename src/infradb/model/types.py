"""Names for the kinds of value that several types share: each says its own form and normalizes to it."""

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from infradb import clock
from infradb.model.entity import InstantMark, Json, References, SortKey

_MAC = re.compile(r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")


def canonical_address(value: str) -> str:
    """Return an IP address as canonical text (RFC 5952), without zone or prefix; raise `ValueError`."""
    return str(ipaddress.ip_address(value.strip().split("%")[0]))


def canonical_network(value: str) -> str:
    """Return a network in CIDR form; raise `ValueError` where host bits are set."""
    return str(ipaddress.ip_network(value.strip()))


def canonical_destination(value: str) -> str:
    """Return a route's destination: `default` or a network; a lone address counts as its own network."""
    text = value.strip().lower()
    if text in ("default", "0.0.0.0/0", "::/0"):
        return "default"
    return str(ipaddress.ip_network(text))


def canonical_mac(value: str) -> str:
    """Return a MAC address as lower-case pairs with colons; raise `ValueError`."""
    digits = re.sub(r"[^0-9a-f]", "", value.lower())
    text = ":".join(digits[i : i + 2] for i in range(0, len(digits), 2))
    if not _MAC.match(text):
        raise ValueError("not a MAC address")
    return text


def canonical_instant(value: str) -> str:
    """Return an instant; takes any ISO 8601 time, without a zone as UTC."""
    return clock.to_instant(clock.to_moment(value))


def address_key(address: str) -> bytes:
    """Return the 16 bytes by which addresses sort: IPv4 as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2)."""
    parsed = ipaddress.ip_address(address)
    return b"\0" * 10 + b"\xff\xff" + parsed.packed if parsed.version == 4 else parsed.packed


def network_keys(cidr: str) -> tuple[bytes, bytes]:
    """Return the 16-byte keys of a network's first and last address."""
    network = ipaddress.ip_network(cidr)
    return address_key(str(network.network_address)), address_key(str(network.broadcast_address))


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


Name = Annotated[str, BeforeValidator(_stripped), Field(min_length=1, max_length=255)]
Text = Annotated[str, Field(max_length=100_000)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Size = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65535)]
VlanId = Annotated[int, Field(ge=0, le=4095)]
Vmid = Annotated[int, Field(ge=1, le=999_999_999)]
Hostname = Annotated[str, BeforeValidator(_stripped), Field(min_length=1, max_length=253)]
IpAddressText = Annotated[str, AfterValidator(canonical_address)]
SortedAddress = Annotated[str, AfterValidator(canonical_address), SortKey(("ip_key",))]
Cidr = Annotated[str, AfterValidator(canonical_network)]
SortedCidr = Annotated[str, AfterValidator(canonical_network), SortKey(("first_key", "last_key"))]
Destination = Annotated[str, AfterValidator(canonical_destination)]
MacAddress = Annotated[str, AfterValidator(canonical_mac)]
Instant = Annotated[str, AfterValidator(canonical_instant), InstantMark()]
BootInstant = Annotated[str, AfterValidator(canonical_instant), InstantMark(tolerance_seconds=60)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
JsonList = Annotated[list[Any], Json()]
JsonObject = Annotated[dict[str, Any], Json()]
JsonValue = Annotated[list[Any] | dict[str, Any], Json()]

EntityId = Annotated[str, References("entities")]
SiteId = Annotated[str, References("sites")]
HostId = Annotated[str, References("hosts")]
OwningHostId = Annotated[str, References("hosts", owns=True)]
InterfaceId = Annotated[str, References("network_interfaces")]
OwningInterfaceId = Annotated[str, References("network_interfaces", owns=True)]
StorageDeviceId = Annotated[str, References("storage_devices")]
NetworkId = Annotated[str, References("networks")]
ContainerId = Annotated[str, References("docker_containers")]
OwningContainerId = Annotated[str, References("docker_containers", owns=True)]
ProxmoxContainerId = Annotated[str, References("proxmox_containers")]
OwningProxmoxContainerId = Annotated[str, References("proxmox_containers", owns=True)]
ProxmoxStorageId = Annotated[str, References("proxmox_storages")]
CertificateId = Annotated[str, References("certificates")]
DockerNetworkId = Annotated[str, References("docker_networks")]
OwningDockerNetworkId = Annotated[str, References("docker_networks", owns=True)]
DockerVolumeId = Annotated[str, References("docker_volumes")]
ServiceId = Annotated[str, References("services")]
OwningServiceId = Annotated[str, References("services", owns=True)]
