"""Builds what the lab's machines run: containers with networks and mounts, services, checks, and who needs whom."""

import ipaddress
from collections.abc import Iterator
from typing import Any

from infradb.importers.demo.derive import Meter, hexadecimal, start_of
from infradb.importers.demo.gather import Gathered, Part
from infradb.importers.demo.hardware import host_key
from infradb.importers.demo.house import HOUSE_STACKS
from infradb.importers.demo.machines import MACHINES
from infradb.importers.demo.shapes import Box, Offer, Stack
from infradb.importers.demo.stacks import DOMAIN, PEOPLE_STACKS
from infradb.importers.demo.wiring import NATIVE, NEEDS, REDUNDANT
from infradb.model.docker import (
    DockerContainer,
    DockerContainerNetwork,
    DockerContainerVolume,
    DockerNetwork,
    DockerVolume,
)
from infradb.model.services import Check, Service, ServiceDependency

STACKS: tuple[Stack, ...] = (*PEOPLE_STACKS, *HOUSE_STACKS)
_PROXY = "proxy"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what the engine writes, not what we bind
_CHECKED_BY_IMAGE = (
    "immich",
    "authentik",
    "paperless",
    "vaultwarden",
    "pihole",
    "jellyfin",
    "linuxserver/bookstack",
    "gluetun",
)
"""Images that bring a health check of their own."""


def tell_software(gathered: Gathered, meter: Meter) -> None:
    """Tell what the Docker engines hold, then services and dependencies."""
    for host in dict.fromkeys(s.host for s in STACKS):
        nets = _Networks(host)
        for part in nets.parts():
            gathered.tell(part)
        for part in _volumes(host, meter):
            gathered.tell(part)
        for stack in (s for s in STACKS if s.host == host):
            for box in stack.boxes:
                gathered.tell(*_container(stack, box, nets, meter))
    _tell_native(gathered)
    for stack in STACKS:
        for box in stack.boxes:
            for offer in box.offers:
                _tell_contained(gathered, stack, box, offer)
    for dependent, needed, kind in NEEDS:
        gathered.tell(_dependency(dependent, needed, kind))


def _tell_native(gathered: Gathered) -> None:
    for host, offers in NATIVE.items():
        place = {"host_id": host_key(host), "bind_addresses": [_EVERYWHERE]}
        for offer in offers:
            gathered.tell(*_service(offer, host, offer.port, place))


def _tell_contained(gathered: Gathered, stack: Stack, box: Box, offer: Offer) -> None:
    place: dict[str, Any] = {"docker_container_id": _container_key(stack, box)}
    published = dict(_ports(box)).get((offer.port, offer.protocol))
    if published:
        place["published_port"] = published
    gathered.tell(*_service(offer, stack.host, published or offer.port, place))


class _Networks:
    """The networks of one engine, with subnets and addresses given out as Docker does."""

    def __init__(self, host: str) -> None:
        self.host = host
        stacks = [s for s in STACKS if s.host == host]
        shared = [_PROXY] if any(b.proxied for s in stacks for b in s.boxes) else []
        names = ["bridge", *shared, *(f"{s.project}_default" for s in stacks)]
        self._free = {name: ipaddress.ip_network(_subnet(n)) for n, name in enumerate(names)}
        self._taken = dict.fromkeys(names, 1)

    def parts(self) -> Iterator[Part]:
        for name, subnet in self._free.items():
            yield self._network(name, driver="bridge", subnet=str(subnet), gateway=str(subnet[1]))
        yield self._network("host", driver="host")
        yield self._network("none", driver="null")

    def _network(self, name: str, **values: Any) -> Part:
        network_id = hexadecimal(f"network {self.host} {name}")
        project = name.removesuffix("_default")
        if project != name:
            values["labels"] = {"com.docker.compose.project": project, "com.docker.compose.network": "default"}
        return self.key(name), DockerNetwork(
            docker_host_id=host_key(self.host),
            network_name=name,
            network_id=network_id,
            internal=False,
            attachable=False,
            **values,
        )

    def key(self, name: str) -> str:
        return f"docker_networks/{self.host}/{name}"

    def join(self, container: str, name: str, alias: str) -> Part:
        values: dict[str, Any] = {}
        if name in self._free:
            self._taken[name] += 1
            address = self._free[name][self._taken[name]]
            digits = hexadecimal(f"{self.host} {container} {name}", 12)
            values = {
                "ip_address": str(address),
                "mac_address": f"02:42:{digits[:2]}:{digits[2:4]}:{digits[4:6]}:{digits[6:8]}",
            }
            values["aliases"] = [alias]
        return (
            f"docker_container_networks/{container.removeprefix('docker_containers/')}/{name}",
            DockerContainerNetwork(docker_container_id=container, docker_network_id=self.key(name), **values),
        )


def _subnet(number: int) -> str:
    """Return a subnet of Docker's default pools, in their order."""
    return f"172.{17 + number}.0.0/16" if number < 15 else f"192.168.{16 * (number - 15)}.0/20"


def _volumes(host: str, meter: Meter) -> Iterator[Part]:
    names = [_source(m) for s in STACKS if s.host == host for b in s.boxes for m in b.mounts]
    for name in dict.fromkeys(n for n in names if not n.startswith("/")):
        smallest, largest = (400, 9000) if name.endswith(("pgdata", "_db")) else (2, 900)
        yield (
            f"docker_volumes/{host}/{name}",
            DockerVolume(
                docker_host_id=host_key(host),
                volume_name=name,
                driver="local",
                size_mb=float(meter.pick(smallest, largest)),
                mount_point=f"/var/lib/docker/volumes/{name}/_data",
                labels={"com.docker.compose.project": name.split("_")[0]},
            ),
        )


def _container(stack: Stack, box: Box, nets: _Networks, meter: Meter) -> list[Part]:
    key = _container_key(stack, box)
    parts: list[Part] = [(key, DockerContainer(**_container_values(stack, box, meter)))]
    if not box.mode:
        parts.append(nets.join(key, f"{stack.project}_default", box.service))
    elif box.mode == "host":
        parts.append(nets.join(key, "host", box.service))
    if box.proxied:
        parts.append(nets.join(key, _PROXY, box.service))
    return parts + [_mount(stack, key, mount) for mount in box.mounts]


def _container_values(stack: Stack, box: Box, meter: Meter) -> dict[str, Any]:
    name, (image, tag) = _name(stack, box), box.image.rsplit(":", 1)
    values: dict[str, Any] = {
        "docker_host_id": host_key(stack.host),
        "container_id": hexadecimal(f"container {stack.host} {name}"),
        "container_name": name,
        "image": image,
        "image_tag": tag,
        "image_digest": f"sha256:{hexadecimal(box.image)}",
        "status": "running",
        "restart_policy": "unless-stopped",
        "network_mode": box.mode or f"{stack.project}_default",
        "health_status": "healthy" if any(word in box.image for word in _CHECKED_BY_IMAGE) else "none",
        "compose_project": stack.project,
        "compose_service": box.service,
        "compose_number": 1,
        "privileged": False,
        "environment_vars": {"TZ": "Europe/Vienna"},
        "labels": _labels(stack, box),
        "started_at": start_of(f"{stack.host} {name}"),
        "ports": [_port(port, published, protocol) for (port, protocol), published in _ports(box)],
    }
    if box.memory_mb:
        values["memory_limit_mb"] = box.memory_mb
    values |= box.more
    if values["status"] == "running":
        # Most containers use a fraction of what they may.
        values["used_memory_mb"] = round(meter.share(box.memory_mb or meter.pick(60, 420), 0.35))
    values["restart_count"] = 0
    return values


def _labels(stack: Stack, box: Box) -> dict[str, str]:
    labels = {"com.docker.compose.project": stack.project, "com.docker.compose.service": box.service}
    for offer in box.offers:
        if box.proxied and offer.url.endswith(f".{DOMAIN}/"):
            hostname = offer.url.removeprefix("https://").rstrip("/")
            labels |= {"traefik.enable": "true", f"traefik.http.routers.{offer.name}.rule": f"Host(`{hostname}`)"}
    return labels


def _ports(box: Box) -> Iterator[tuple[tuple[int, str], int | None]]:
    """Yield container port and protocol, and the published port where there is one."""
    for text in box.ports:
        ports, _, protocol = text.partition("/")
        published, _, port = ports.rpartition(":")
        yield (int(port), protocol or "tcp"), int(published) if published else None


def _port(port: int, published: int | None, protocol: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"container_port": port, "protocol": protocol}
    return {**entry, "host_ip": _EVERYWHERE, "host_port": published} if published else entry


def _mount(stack: Stack, container: str, mount: str) -> Part:
    source, path, *rest = mount.split(":")
    values: dict[str, Any] = {"mount_type": "bind", "host_path": source}
    if not source.startswith("/"):
        values = {"mount_type": "volume", "docker_volume_id": f"docker_volumes/{stack.host}/{source}"}
        values["host_path"] = f"/var/lib/docker/volumes/{source}/_data"
    key = f"docker_container_volumes/{container.removeprefix('docker_containers/')}{path}"
    return key, DockerContainerVolume(docker_container_id=container, mount_path=path, read_only="ro" in rest, **values)


def _service(offer: Offer, host: str, reached_at: int, place: dict[str, Any]) -> list[Part]:
    key = f"services/{offer.name}"
    said = {"criticality": offer.criticality, "endpoint_url": offer.url, "version": offer.version}
    values: dict[str, Any] = {**place, **offer.more, **{name: value for name, value in said.items() if value}}
    service = Service(
        service_name=offer.name, service_type=offer.kind, protocol=offer.protocol, port=offer.port, **values
    )
    parts: list[Part] = [(key, service)]
    if offer.check:
        address = next(str(m.more["management_ip"]) for m in MACHINES if m.name == host)
        target = offer.url if offer.check == "http" else f"{address}:{reached_at}"
        parts.append((f"checks/{offer.name}", Check(service_id=key, check_type=offer.check, target=target)))
    return parts


def _dependency(dependent: str, needed: str, kind: str) -> Part:
    group = REDUNDANT.get((dependent, needed))
    values: dict[str, Any] = {"redundancy_group": group, "redundancy_rule": "any"} if group else {}
    return f"service_dependencies/{dependent}/{needed}", ServiceDependency(
        dependent_service_id=f"services/{dependent}",
        dependency_service_id=f"services/{needed}",
        dependency_type=kind,
        origin="declared",
        **values,
    )


def _source(mount: str) -> str:
    return mount.split(":")[0]


def _name(stack: Stack, box: Box) -> str:
    """Return the container's name: its own in a project of one, else as compose makes it."""
    return box.service if box.service == stack.project else f"{stack.project}-{box.service}-1"


def _container_key(stack: Stack, box: Box) -> str:
    return f"docker_containers/{stack.host}/{_name(stack, box)}"
