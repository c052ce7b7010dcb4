"""What answers about the engine, its images and its networks mean, and what the rest of an engine hangs on."""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infradb.collectors.docker.failures import guarded
from infradb.model.docker import DockerNetwork, DockerVolume
from infradb.model.network import Network
from infradb.model.physical import Host
from infradb.observation import Answer, Observation, Rejected, answer_of, digest_of, observe, observed
from infradb.redaction import redact_mapping

PARSER_VERSION = 2
_OPERATING_SYSTEM = re.compile(r"^(?P<name>.+?)\s+v?\d")
_TAGGED_PARENT = re.compile(r"^[\w\-]+\.(\d{1,4})$")
# Their subnets are the network's around the host, not the engine's own.
_OUTER_DRIVERS = frozenset({"macvlan", "ipvlan"})
_NO_ADDRESSES = frozenset({"host", "null", "none"})


@dataclass(frozen=True, slots=True)
class Subnet:
    """One address range of a Docker network."""

    cidr: str
    """Network address and prefix length."""

    gateway: str | None
    """Address that leads out of it."""


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What containers need to know of a network they are in."""

    vrf: str
    """Address space of its subnets."""

    subnets: tuple[Subnet, ...]
    """Its address ranges; empty for host and none."""

    cidrs: tuple[str, ...] = ()
    """The same in short."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an image is called."""

    names: tuple[str, ...] = ()
    """Repository and tag, in order."""

    digests: tuple[str, ...] = ()
    """Repository and digest, in order."""


@dataclass(frozen=True)
class Engine:
    """The engine that everything hangs on, with what its own containers refer to."""

    id: str
    """ID that the engine reports (Docker Engine API v1.41: SystemInfo.ID)."""

    name: str
    """Host name that the engine reports."""

    address: str | None = None
    """Name or address at which users reach published ports."""

    networks: Mapping[str, NetworkFacts] = field(default_factory=dict)
    """Network ID -> facts; empty where they could not be read."""

    network_ids: Mapping[str, str] = field(default_factory=dict)
    """Network name -> ID."""

    images: Mapping[str, Image] = field(default_factory=dict)
    """Image ID -> names."""

    networks_known: bool = True
    """Whether `networks` is everything."""

    @property
    def key(self) -> str:
        """Return the native key of the engine's host."""
        return f"engine/{self.id}"

    @property
    def vrf(self) -> str:
        """Return the address space of the engine's own networks."""
        return f"docker:{self.id.replace(':', '')[:12]}"


def engine_answer(info: Mapping[str, Any], version: Mapping[str, Any], machine_id_hash: str | None = None) -> Answer:
    """Return what an engine says of its host (Docker Engine API v1.41: SystemInfo, SystemVersion)."""
    name, system = str(info["Name"]), str(info.get("OperatingSystem") or "")
    found = _OPERATING_SYSTEM.match(system)
    memory, cores = info.get("MemTotal"), info.get("NCPU")
    values: dict[str, Any] = {
        "docker_engine_id": info["ID"],
        "docker_version": info.get("ServerVersion") or version.get("Version"),
        "os_name": found["name"] if found else system,
        "os_version": info.get("OSVersion"),
        "kernel": info.get("KernelVersion"),
        "architecture": info.get("Architecture"),
        "cpu_cores": cores,
        "total_ram_mb": memory // 2**20 if isinstance(memory, int) else None,
        "machine_id_hash": machine_id_hash,
    }
    said = {field_name: value for field_name, value in values.items() if value}
    return answer_of(
        observed(f"engine/{info['ID']}", Host, {"hostname": name, "is_docker_host": True, **said}), PARSER_VERSION
    )


def images_by_id(raw: Iterable[Mapping[str, Any]]) -> dict[str, Image]:
    """Return what each image is called (Docker Engine API v1.41: ImageSummary)."""
    unnamed = {"<none>:<none>", "<none>@<none>"}
    return {
        image["Id"]: Image(
            tuple(sorted(set(image.get("RepoTags") or ()) - unnamed)),
            tuple(sorted(set(image.get("RepoDigests") or ()) - unnamed)),
        )
        for image in raw
    }


def network_facts(raw: Mapping[str, Any], engine: Engine) -> NetworkFacts:
    """Return a network's address ranges (Docker Engine API v1.41: Network.IPAM)."""
    driver = str(raw.get("Driver") or "")
    vrf = "default" if driver in _OUTER_DRIVERS else engine.vrf
    if driver in _NO_ADDRESSES:
        return NetworkFacts(vrf, ())
    ranges = (raw.get("IPAM") or {}).get("Config") or ()
    subnets = tuple(s for s in map(_subnet, ranges) if s)
    return NetworkFacts(vrf, subnets, tuple(s.cidr for s in subnets))


def network_answer(raw: Mapping[str, Any], engine: Engine) -> Answer:
    """Return what an engine says of a network (Docker Engine API v1.41: Network)."""
    reduced = {
        **{name: raw.get(name) for name in ("Id", "Name", "Driver", "Internal", "Attachable", "IPAM")},
        "Labels": redact_mapping(raw.get("Labels") or {}),
        "parent": str((raw.get("Options") or {}).get("parent") or ""),
    }
    digest = digest_of([engine.id, reduced], PARSER_VERSION)
    key = f"network/{raw['Id']}"
    return Answer(key, digest, guarded(key, partial(_parse_network, reduced, engine)), whole=True)


def volume_answer(raw: Mapping[str, Any], engine: Engine, size: int | None = None) -> Answer:
    """Return what an engine says of a volume (Docker Engine API v1.41: Volume); `size` is in bytes."""
    reduced = {
        **{name: raw.get(name) for name in ("Name", "Driver", "Mountpoint")},
        "Labels": redact_mapping(raw.get("Labels") or {}),
        "Options": redact_mapping(raw.get("Options") or {}),
    }
    key = f"volume/{raw['Name']}"
    measured = {key: {"size_mb": round(size / 1e6, 3)}} if size is not None else {}
    digest = digest_of([engine.id, reduced], PARSER_VERSION)
    return Answer(key, digest, guarded(key, partial(_parse_volume, reduced, engine)), measured, whole=True)


def _subnet(raw: Mapping[str, Any]) -> Subnet | None:
    try:
        network = ipaddress.ip_network(str(raw.get("Subnet") or ""), strict=False)
    except ValueError:
        return None
    gateway = str(raw.get("Gateway") or "").split("/")[0]
    try:
        return Subnet(str(network), str(ipaddress.ip_address(gateway)) if gateway else None)
    except ValueError:
        return Subnet(str(network), None)


def _parse_network(raw: Mapping[str, Any], engine: Engine) -> Sequence[Observation | Rejected]:
    key, facts = f"network/{raw['Id']}", network_facts(raw, engine)
    first = facts.subnets[0] if facts.subnets else Subnet("", None)
    row = DockerNetwork(
        docker_host_id=engine.key,
        network_name=raw["Name"],
        network_id=raw["Id"],
        driver=raw["Driver"],
        subnet=first.cidr or None,
        gateway=first.gateway,
        internal=bool(raw["Internal"]),
        attachable=bool(raw["Attachable"]),
        labels=raw["Labels"],
    )
    return [observe(key, row), *(_prefix(key, s, raw, facts.vrf) for s in facts.subnets)]


def _prefix(key: str, subnet: Subnet, raw: Mapping[str, Any], vrf: str) -> Observation:
    said: dict[str, Any] = {"gateway": subnet.gateway} if subnet.gateway else {}
    if raw["Driver"] in _OUTER_DRIVERS and (tagged := _TAGGED_PARENT.match(raw["parent"])):
        said["vlan_id"] = int(tagged[1])
    network = Network(network_name=raw["Name"], cidr=subnet.cidr, vrf=vrf, **said)
    return observe(f"{key}/prefix/{subnet.cidr}", network)


def _parse_volume(raw: Mapping[str, Any], engine: Engine) -> Sequence[Observation | Rejected]:
    row = DockerVolume(
        docker_host_id=engine.key,
        volume_name=raw["Name"],
        driver=raw["Driver"],
        mount_point=raw["Mountpoint"] or None,
        options=raw["Options"] or None,
        labels=raw["Labels"],
    )
    return [observe(f"volume/{raw['Name']}", row)]
