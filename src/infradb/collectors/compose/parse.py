"""What a project's files say is to run, as claims about its containers, networks and volumes. Pure.

Only what the files decide alone is said: not what an image adds (environment, labels, exposed ports, a command without
an entry point), nor what the engine picks (free ports, IDs, addresses). Nothing here says that something runs.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infradb.collectors.compose.interpolation import Unknown
from infradb.collectors.compose.ports import Unclear, mount_of, number, published_ports, size_in_bytes, words
from infradb.collectors.compose.project import Project
from infradb.model.docker import (
    DockerContainer,
    DockerContainerNetwork,
    DockerContainerVolume,
    DockerNetwork,
    DockerVolume,
)
from infradb.observation import Answer, Observation, Rejected, answer_of, observed
from infradb.redaction import redact_arguments, redact_text

PARSER_VERSION = 1
"""Raised whenever the same files are to be understood in another way."""

_MOST_REPLICAS = 100
_OWN_MODES = ("host", "none", "bridge")
Said = Iterator[Observation | Rejected]


@dataclass(frozen=True, slots=True)
class Place:
    """Where projects are to run."""

    host: str
    """Native key of the engine's host."""

    separator: str = "-"
    """What stands between the parts of a name."""

    is_here: bool = True
    """Whether relative paths in the files are paths on the engine's host too."""


def parse_project(project: Project, place: Place) -> list[Answer]:
    """Return the project's networks and volumes, then its containers with their places in both."""
    networks = {n: _real_name(project, n, said, place) for n, said in project.networks.items()}
    if any(_joins_default(s) for s in project.services.values()):
        networks.setdefault("default", f"{project.name}_default")
    volumes = {n: _real_name(project, n, said, place) for n, said in project.volumes.items()}
    key = f"project/{project.name}"
    found = [_network(key, n, name, project.networks.get(n, {}), place) for n, name in networks.items()]
    found += [_volume(key, n, name, project.volumes.get(n, {}), place) for n, name in volumes.items()]
    for service, said in project.services.items():
        for replica in range(1, _replicas(said) + 1):
            own = f"{key}/service/{service}/{replica}"
            container = observed(own, DockerContainer, _container(project, service, replica, said, place))
            if not isinstance(container[0], Observation):
                found.append(container)
                continue
            parts = (*_mounts(own, key, said, project, place), *_networks(own, key, said, networks))
            found.append((*container, *parts))
    return [answer_of(said, PARSER_VERSION, whole=True) for said in found]


def _container(project: Project, service: str, replica: int, said: Mapping[str, Any], place: Place) -> dict[str, Any]:
    name = said.get("container_name")
    default = place.separator.join((project.name, service, str(replica)))
    values: dict[str, Any] = {
        "docker_host_id": place.host,
        "container_name": name if isinstance(name, str) and name else default,
        **_image(said, place.separator.join((project.name, service))),
        "compose_project": project.name,
        "compose_service": service,
        "compose_number": replica,
        "privileged": str(said.get("privileged")).lower() == "true",
        "depends_on": sorted(map(str, said["depends_on"])) if isinstance(said.get("depends_on"), list | dict) else None,
    }
    limits = _mapping(_mapping(_mapping(said.get("deploy")).get("resources")).get("limits"))
    sayings: dict[str, Callable[[], Any]] = {
        "restart_policy": lambda: _restart(said),
        "network_mode": lambda: _mode(said),
        "ports": lambda: published_ports(_known(said.get("ports"))),
        "cpu_limit": lambda: number(said.get("cpus") or limits.get("cpus")),
        "memory_limit_mb": lambda: _mebibytes(size_in_bytes(said.get("mem_limit") or limits.get("memory"))),
        "command": lambda: _command(said),
    }
    for field, say in sayings.items():
        try:
            values[field] = say()
        except Unclear:  # what hangs on a variable, an image or the engine is not said
            continue
    return values


def _image(said: Mapping[str, Any], built: str) -> dict[str, Any]:
    """Return the image as the Docker collector writes it: `registry:5000/team/app:1.2@sha256:…` in its parts."""
    image = said.get("image")
    if not isinstance(image, str) or not image:
        # What is built here goes by the service's name; with an image that hangs on a variable nothing is certain.
        return {"image": built if said.get("build") and not isinstance(image, Unknown) else None}
    rest, _, digest = redact_text(image).partition("@")
    folder, slash, last = rest.rpartition("/")
    base, colon, tag = last.partition(":")
    named = {"image": f"{folder}{slash}{base}"}
    if digest:
        return {**named, "image_tag": tag if colon else None, "image_digest": digest}
    return {**named, "image_tag": tag if colon and tag else "latest"}


def _restart(said: Mapping[str, Any]) -> str:
    policy = _known(said.get("restart"))
    if policy is None and _mapping(said.get("deploy")).get("restart_policy"):
        raise Unclear
    return str(policy or "no")


def _mode(said: Mapping[str, Any]) -> str:
    mode = _known(said.get("network_mode"))
    if mode not in _OWN_MODES:  # a network's, or another container's
        raise Unclear
    return str(mode)


def _command(said: Mapping[str, Any]) -> str:
    """Return the whole command, which only a file that sets the entry point knows."""
    if not (entry := words(_known(said.get("entrypoint")))):
        raise Unclear
    return redact_arguments([*entry, *words(_known(said.get("command")))])[:10_000]


def _replicas(said: Mapping[str, Any]) -> int:
    wanted = said.get("scale") or _mapping(said.get("deploy")).get("replicas")
    return min(int(wanted), _MOST_REPLICAS) if isinstance(wanted, str) and wanted.isdecimal() and len(wanted) < 6 else 1


def _real_name(project: Project, name: str, said: Mapping[str, Any], place: Place) -> str:
    """Return what the engine calls a network or a volume of the file."""
    outer = said.get("external")
    given = said.get("name") or (outer.get("name") if isinstance(outer, Mapping) else None)
    if isinstance(given, str) and given:
        return given
    return name if outer not in (None, "", "false") else f"{project.name}_{name}"


def _network(
    key: str, name: str, called: str, said: Mapping[str, Any], place: Place
) -> tuple[Observation | Rejected, ...]:
    values: dict[str, Any] = {"docker_host_id": place.host, "network_name": called}
    if isinstance(said.get("driver"), str):
        values["driver"] = said["driver"]
    if said.get("internal"):
        values["internal"] = str(said["internal"]).lower() == "true"
    return observed(f"{key}/network/{name}", DockerNetwork, values)


def _volume(
    key: str, name: str, called: str, said: Mapping[str, Any], place: Place
) -> tuple[Observation | Rejected, ...]:
    values = {"docker_host_id": place.host, "volume_name": called}
    if isinstance(said.get("driver"), str):
        values["driver"] = said["driver"]
    return observed(f"{key}/volume/{name}", DockerVolume, values)


def _mounts(own: str, key: str, said: Mapping[str, Any], project: Project, place: Place) -> Said:
    volumes, tmpfs = said.get("volumes"), said.get("tmpfs")
    entries: list[Any] = list(volumes) if isinstance(volumes, list) else []
    entries += [
        {"type": "tmpfs", "target": t.split(":")[0]}
        for t in (tmpfs if isinstance(tmpfs, list) else [tmpfs])
        if isinstance(t, str) and t
    ]
    seen = set()
    for entry in entries:
        try:
            mount = mount_of(entry)
        except Unclear:
            continue
        target, source = posixpath.normpath(mount["target"]), mount["source"]
        if target in seen:
            continue
        seen.add(target)
        values: dict[str, Any] = {"docker_container_id": own, "mount_path": target, "mount_type": mount["type"]}
        if mount["type"] != "tmpfs":
            values["read_only"] = mount["read_only"]
        if mount["type"] == "volume" and source in project.volumes:
            values["docker_volume_id"] = f"{key}/volume/{source}"
        if mount["type"] == "bind" and (path := _host_path(source, project, place)):
            values["host_path"] = path
        yield from observed(f"{own}/mount/{target}", DockerContainerVolume, values)


def _host_path(source: str | None, project: Project, place: Place) -> str | None:
    if not source or source.startswith("~"):
        return None
    if source.startswith("/"):
        return redact_text(posixpath.normpath(source))
    return redact_text(posixpath.normpath(f"{project.folder.absolute()}/{source}")) if place.is_here else None


def _networks(own: str, key: str, said: Mapping[str, Any], known: Mapping[str, str]) -> Said:
    if said.get("network_mode"):
        return
    joined = said.get("networks")
    names = [str(n) for n in joined] if isinstance(joined, list | dict) and joined else ["default"]
    for name in dict.fromkeys(n for n in names if n in known):
        values = {"docker_container_id": own, "docker_network_id": f"{key}/network/{name}"}
        yield from observed(f"{own}/network/{name}", DockerContainerNetwork, values)


def _joins_default(said: Mapping[str, Any]) -> bool:
    joined = said.get("networks")
    return not said.get("network_mode") and (not joined or (isinstance(joined, list | dict) and "default" in joined))


def _mebibytes(size: int | None) -> int | None:
    return None if size is None else size // 2**20


def _known(value: Any) -> Any:
    """Return a value that hangs on no unset variable; raise `Unclear`."""
    if isinstance(value, Unknown) or (isinstance(value, list) and any(isinstance(v, Unknown) for v in value)):
        raise Unclear
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
