"""What Docker engines run."""

from typing import Annotated, Literal

from infradb.model.entity import Entity, Measured, Redacted, Runtime, key
from infradb.model.types import (
    Count,
    DockerVolumeId,
    Instant,
    IpAddressText,
    JsonList,
    JsonObject,
    MacAddress,
    Name,
    OwningContainerId,
    OwningDockerNetworkId,
    OwningHostId,
    Size,
    Text,
)


class DockerContainer(Entity):
    """A container of a Docker engine; it stays itself when compose re-creates it."""

    table = "docker_containers"
    named_by = ("docker_host_id", "container_name")
    hard_keys = (key("container_id"),)
    natural_keys = (
        key("docker_host_id", "compose_project", "compose_service", "compose_number", succeeds=True),
        key("docker_host_id", "container_name", unique=True, succeeds=True),
    )
    adopted_by = key("docker_host_id", "container_name")
    short_names = ("containers",)
    listed = (
        "container_name",
        "docker_host_id",
        "image",
        "image_tag",
        "status",
        "health_status",
        "compose_project",
        "ports",
    )
    indexes = (("docker_host_id", "status"), ("container_name",), ("image",))

    docker_host_id: OwningHostId
    """Host whose engine runs it."""

    container_id: Text | None = None
    """ID of this incarnation: 64 hexadecimal digits, or the 12 that people copy."""

    container_name: Name
    """Name without the leading slash."""

    image: Text
    """Image it was made from, without its tag; the image's ID where it has no name."""

    image_tag: Text | None = None
    """Tag it was asked for by."""

    image_digest: Text | None = None
    """Digest of the image in its registry, else the image's ID."""

    status: Annotated[
        Literal["created", "running", "paused", "restarting", "removing", "exited", "dead"] | None, Runtime()
    ] = None
    """State as the engine names it."""

    restart_policy: Text | None = None
    """What the engine does when it exits."""

    network_mode: Text | None = None
    """bridge, host, none, container:… or the name of a network."""

    ports: JsonList | None = None
    """Exposed and published ports: container_port, protocol, and host_ip and host_port where published."""

    environment_vars: Annotated[JsonObject | None, Redacted()] = None
    """Names of the environment variables, with the values that are not secret."""

    cpu_limit: Size | None = None
    """Processors it may use at most."""

    memory_limit_mb: Count | None = None
    """Memory it may use at most, in MiB."""

    used_memory_mb: Annotated[Count | None, Measured(dead_band=0.1)] = None
    """Memory in use in MiB, without caches."""

    restart_count: Annotated[Count | None, Measured(dead_band=0)] = None
    """How often the engine restarted it."""

    health_status: Annotated[Literal["healthy", "unhealthy", "starting", "none"] | None, Runtime()] = None
    """Verdict of its own health check."""

    labels: Annotated[JsonObject | None, Redacted()] = None
    """Labels, secrets redacted."""

    command: Annotated[Text | None, Redacted()] = None
    """Entry point and arguments, secrets redacted."""

    compose_project: Text | None = None
    """Compose project it belongs to."""

    compose_service: Text | None = None
    """Service of that project."""

    compose_number: Count | None = None
    """Number among the service's replicas."""

    depends_on: JsonList | None = None
    """Services of its compose project that are to run before it."""

    privileged: bool | None = None
    """Whether it runs with all privileges."""

    started_at: Annotated[Instant | None, Runtime()] = None
    """When it was last started."""

    exit_code: Annotated[int | None, Runtime()] = None
    """Code that it last ended with, where it does not run."""


class DockerNetwork(Entity):
    """A network of a Docker engine."""

    table = "docker_networks"
    named_by = ("docker_host_id", "network_name")
    natural_keys = (key("docker_host_id", "network_name", unique=True),)
    listed = ("network_name", "docker_host_id", "driver", "subnet", "gateway", "internal")

    docker_host_id: OwningHostId
    """Host whose engine has it."""

    network_name: Name
    """What it is called."""

    network_id: Text | None = None
    """ID that the engine gave it."""

    driver: Text | None = None
    """bridge, host, overlay, macvlan, ipvlan, null."""

    subnet: Text | None = None
    """First subnet in CIDR form."""

    gateway: IpAddressText | None = None
    """Address that leads out of it."""

    internal: bool | None = None
    """Whether it is cut off from the outside."""

    attachable: bool | None = None
    """Whether containers may join it by hand."""

    labels: Annotated[JsonObject | None, Redacted()] = None
    """Labels, secrets redacted."""


class DockerContainerNetwork(Entity):
    """A container's place in a network."""

    table = "docker_container_networks"
    named_by = ("docker_container_id", "docker_network_id")
    natural_keys = (key("docker_container_id", "docker_network_id", unique=True),)
    listed = ("docker_container_id", "docker_network_id", "ip_address", "mac_address")
    indexes = (("docker_network_id",),)

    docker_container_id: OwningContainerId
    """The container."""

    docker_network_id: OwningDockerNetworkId
    """The network."""

    ip_address: IpAddressText | None = None
    """Address of the container there."""

    mac_address: MacAddress | None = None
    """Hardware address of the container there."""

    aliases: JsonList | None = None
    """Names by which others in the network find it."""


class DockerVolume(Entity):
    """A named volume of a Docker engine."""

    table = "docker_volumes"
    named_by = ("docker_host_id", "volume_name")
    natural_keys = (key("docker_host_id", "volume_name", unique=True),)
    short_names = ("volumes",)
    listed = ("volume_name", "docker_host_id", "driver", "mount_point", "size_mb")

    docker_host_id: OwningHostId
    """Host whose engine has it."""

    volume_name: Name
    """What it is called."""

    driver: Text | None = "local"
    """Volume driver."""

    mount_point: Text | None = None
    """Where it lies on the host."""

    options: Annotated[JsonObject | None, Redacted()] = None
    """Options of the driver, secrets redacted."""

    size_mb: Annotated[Size | None, Measured(dead_band=0.05)] = None
    """Space it takes in MB (10^6 bytes)."""

    labels: Annotated[JsonObject | None, Redacted()] = None
    """Labels, secrets redacted."""


class DockerContainerVolume(Entity):
    """Something mounted into a container: a volume, a folder of the host, or memory."""

    table = "docker_container_volumes"
    named_by = ("docker_container_id", "mount_path")
    natural_keys = (key("docker_container_id", "mount_path", unique=True),)
    short_names = ("mounts",)
    listed = ("docker_container_id", "mount_path", "mount_type", "docker_volume_id", "host_path", "read_only")
    indexes = (("docker_volume_id",),)

    docker_container_id: OwningContainerId
    """The container."""

    docker_volume_id: DockerVolumeId | None = None
    """The volume, where it is one."""

    mount_path: Name
    """Where it appears in the container."""

    host_path: Text | None = None
    """Where it lies on the host."""

    read_only: bool | None = None
    """Whether the container may not write."""

    mount_type: Literal["volume", "bind", "tmpfs", "npipe", "cluster", "image"] | None = None
    """What is mounted."""
