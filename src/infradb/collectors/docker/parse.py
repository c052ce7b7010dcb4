"""What a container's description means. Pure: raw answer in, observations out.

Redacting and hashing come first, for every container of every run; the rest only for those that changed.
"""

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson

from infradb import clock
from infradb.collectors.docker.engine import PARSER_VERSION, Engine, Image
from infradb.collectors.docker.failures import MALFORMED, senseless
from infradb.collectors.docker.images import read_image
from infradb.collectors.docker.services import port_list, services
from infradb.model.docker import DockerContainer, DockerContainerNetwork, DockerContainerVolume
from infradb.model.network import IpAddress
from infradb.observation import Answer, Observation, Rejected, canonical_json, digest_of_json, observe
from infradb.redaction import redact_arguments, redact_described

_NO_IMAGE = Image()
_NEVER = "0001-01-01T00:00:00Z"
_MOUNT_TYPES = frozenset({"volume", "bind", "tmpfs", "npipe", "cluster", "image"})
_STATES = frozenset({"created", "running", "paused", "restarting", "removing", "exited", "dead"})
_HEALTH = frozenset({"healthy", "unhealthy", "starting", "none"})
_LONGEST_COMMAND = 10_000


class Read(NamedTuple):
    """What is read of a container's description, secrets already taken out."""

    id: str
    name: str
    image: tuple[str, str, Sequence[str], Sequence[str]]
    command: str
    environment: Sequence[str]
    labels: dict[str, Any]
    state: tuple[Any, ...]
    limits: tuple[Any, ...]
    restart_policy: Mapping[str, Any] | None
    mode: tuple[Any, ...]
    ports: tuple[Any, Any, Any]
    mounts: Sequence[tuple[Any, ...]]
    tmpfs: Sequence[str]
    networks: Sequence[tuple[Any, ...]]


def container_answer(raw: Mapping[str, Any], engine: Engine, used_memory_mb: int | None = None) -> Answer:
    """Return what an engine says of a container (Docker Engine API v1.41: ContainerInspect).

    Only what is read of it, redacted, is hashed and kept.
    """
    config, state, network_settings = raw["Config"], raw["State"], raw["NetworkSettings"]
    native_id, image_id, mounts = raw["Id"], raw["Image"], raw.get("Mounts") or ()
    image = engine.images.get(image_id, _NO_IMAGE)
    host, configured, health = raw["HostConfig"].get, config.get, state.get("Health")
    environment, labels = redact_described(configured("Env") or (), configured("Labels") or {})
    # In the order of `Read`; a plain tuple is what orjson writes fastest.
    read = (
        native_id,
        raw["Name"],
        (image_id, config["Image"], image.names, image.digests),
        redact_arguments([raw.get("Path") or "", *(raw.get("Args") or ())]),
        environment,
        labels,
        (state["Status"], health and health["Status"], state["StartedAt"], state["ExitCode"]),
        (host("NanoCpus"), host("CpuQuota"), host("CpuPeriod"), host("Memory")),
        host("RestartPolicy"),
        (host("NetworkMode"), host("Privileged")),
        (configured("ExposedPorts"), host("PortBindings"), network_settings.get("Ports")),
        # The engine lists them in random order.
        sorted([(m["Destination"], m.get("Type"), m.get("Name"), m.get("Source"), m.get("RW")) for m in mounts]),
        sorted(host("Tmpfs") or ()),
        [_endpoint(name, raw, engine) for name, raw in (network_settings.get("Networks") or {}).items()],
    )
    key = f"container/{native_id}"
    measured = {"restart_count": raw.get("RestartCount", 0)}
    if used_memory_mb is not None:
        measured["used_memory_mb"] = used_memory_mb
    # The text that is hashed is also what is kept: of a hundred thousand answers, lists and tuples would cost more
    # for the garbage collector to walk than to make (33 µs an answer instead of 19).
    text = canonical_json((engine.id, engine.address, read))
    digest = digest_of_json(text, PARSER_VERSION)
    return Answer(key, digest, partial(parse_container, text, engine), {key: measured}, engine.networks_known)


def _endpoint(name: str, raw: Mapping[str, Any], engine: Engine) -> tuple[Any, ...]:
    """Return a container's place in a network, with where the network's addresses lie."""
    get = raw.get
    network_id = get("NetworkID") or engine.network_ids.get(name, "")
    known = engine.networks.get(network_id)
    vrf, cidrs = (known.vrf, known.cidrs) if known else (None, ())
    addresses = (get("IPAddress"), get("GlobalIPv6Address"), get("MacAddress"), get("Aliases"))
    return (name, network_id, *addresses, vrf, cidrs)


def parse_container(text: bytes, engine: Engine) -> Sequence[Observation | Rejected]:
    """Return the container, then its mounts, networks, addresses and services, from what was read of it as JSON."""
    raw = Read(*orjson.loads(text)[-1])
    key = f"container/{raw.id}"
    try:
        container = _container(raw, engine)
    except MALFORMED as error:
        return [senseless(key, error)]
    said: list[Observation | Rejected] = [observe(key, container)]
    for parts in (
        _mounts(key, raw),
        _networks(key, raw),
        _addresses(key, container.container_name, raw),
        services(key, container, engine),
    ):
        try:
            said += parts
        except MALFORMED as error:
            said.append(senseless(key, error))
    return said


def _container(raw: Read, engine: Engine) -> DockerContainer:
    labels, image = raw.labels, read_image(*raw.image)
    status, health, started_at, exit_code = raw.state
    nano_cpus, quota, period, memory = raw.limits
    mode, privileged = raw.mode
    stopped = status in ("exited", "dead")
    number = str(labels.get("com.docker.compose.container-number") or "")
    # `docker compose run` numbers its one-off containers like the service's own.
    numbered = number.isdigit() and str(labels.get("com.docker.compose.oneoff")).lower() != "true"
    return DockerContainer(
        docker_host_id=engine.key,
        container_id=raw.id,
        container_name=str(raw.name).lstrip("/") or raw.id[:12],
        image=image.name,
        image_tag=image.tag,
        image_digest=image.digest,
        status=status if status in _STATES else None,
        restart_policy=_restart_policy(raw.restart_policy),
        network_mode="bridge" if mode in (None, "", "default") else mode,
        ports=port_list(*raw.ports),
        environment_vars=_environment(raw.environment),
        cpu_limit=nano_cpus / 1e9 if nano_cpus else quota / (period or 100_000) if (quota or 0) > 0 else None,
        memory_limit_mb=memory // 2**20 if memory else None,
        health_status=health if health in _HEALTH else "none",
        labels=labels,
        command=raw.command[:_LONGEST_COMMAND] or None,
        compose_project=labels.get("com.docker.compose.project"),
        compose_service=labels.get("com.docker.compose.service"),
        compose_number=int(number) if numbered else None,
        **_depends_on(labels.get("com.docker.compose.depends_on")),
        privileged=bool(privileged),
        started_at=None if started_at in (None, "", _NEVER) else clock.to_instant(clock.to_moment(started_at)),
        exit_code=exit_code if stopped else None,
    )


def _depends_on(label: Any) -> dict[str, list[str]]:
    """Return the services that compose 2 notes in a label, `db:service_healthy:true,cache`; version 1 notes none."""
    if not isinstance(label, str):
        return {}
    return {"depends_on": sorted({part.split(":")[0].strip() for part in label.split(",")} - {""})}


def _restart_policy(raw: Mapping[str, Any] | None) -> str:
    name = (raw or {}).get("Name") or "no"
    most = (raw or {}).get("MaximumRetryCount")
    return f"{name}:{most}" if name == "on-failure" and most else str(name)


def _environment(entries: Sequence[str]) -> dict[str, str]:
    pairs = (entry.partition("=") for entry in entries)
    return {name: value for name, _, value in pairs}


def _mounts(key: str, raw: Read) -> Iterator[Observation]:
    seen = set()
    for path, kind, volume, source, writable in raw.mounts:
        seen.add(path)
        said: dict[str, Any] = {"mount_type": kind} if kind in _MOUNT_TYPES else {}
        if kind == "volume" and volume:
            said["docker_volume_id"] = f"volume/{volume}"
        row = DockerContainerVolume(
            docker_container_id=key,
            mount_path=path,
            host_path=source or None,
            read_only=writable is False,
            **said,
        )
        yield observe(f"{key}/mount/{path}", row)
    for path in raw.tmpfs:
        if path not in seen:  # --tmpfs is listed apart from --mount type=tmpfs
            row = DockerContainerVolume(docker_container_id=key, mount_path=path, mount_type="tmpfs")
            yield observe(f"{key}/mount/{path}", row)


def _networks(key: str, raw: Read) -> Iterator[Observation]:
    short_id = raw.id[:12]
    for name, network_id, ipv4, ipv6, mac, aliases, *_ in raw.networks:
        if not network_id:
            continue
        row = DockerContainerNetwork(
            docker_container_id=key,
            docker_network_id=f"network/{network_id}",
            ip_address=ipv4 or ipv6 or None,
            mac_address=mac or None,
            # The short id is always among them, and another one after every re-creation.
            aliases=sorted({a for a in aliases or () if a != short_id}) or None,
        )
        yield observe(f"{key}/network/{name}", row)


def _addresses(key: str, name: str, raw: Read) -> Iterator[Observation]:
    for _, network_id, ipv4, ipv6, mac, _, vrf, cidrs in raw.networks:
        for address in filter(None, (ipv4, ipv6)):
            # Without its network nobody can say in which address space it lies.
            if vrf is None or not (cidr := _containing(address, cidrs)):
                continue
            row = IpAddress(
                ip_address=address,
                vrf=vrf,
                network_id=f"network/{network_id}/prefix/{cidr}",
                docker_container_id=key,
                allocation_type="docker",
                hostname=name,
                **({"mac_address": mac} if mac else {}),
            )
            yield observe(f"{key}/address/{address}", row)


def _containing(address: str, cidrs: Sequence[str]) -> str | None:
    ip = ipaddress.ip_address(address)
    return next((cidr for cidr in cidrs if ip in ipaddress.ip_network(cidr)), None)
