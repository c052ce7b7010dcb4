"""What a container's row says beside its columns: its compose labels, and the networks that it is in."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from infradb.importers.infrastructure_db.clean import clean_names
from infradb.importers.infrastructure_db.convert import Blank, Unfit, converter, document
from infradb.importers.infrastructure_db.faults import Faults
from infradb.importers.infrastructure_db.parts import Draft
from infradb.importers.infrastructure_db.reader import OldFile
from infradb.model.catalog import BY_TABLE
from infradb.observation import Answer, Observation, Rejected

MADE = "docker_containers.networks"
"""Scope of the networks that only containers name."""
_COMPOSE = {"compose_project": "com.docker.compose.project", "compose_service": "com.docker.compose.service"}
_NUMBER = "com.docker.compose.container-number"
_FIELDS = BY_TABLE["docker_container_networks"].fields
_PLACE = {name: converter(_FIELDS[name]) for name in ("ip_address", "mac_address")}
_DOCKER = (("IPAddress", "ip_address"), ("MacAddress", "mac_address"))
_LONGEST_NAME = 255


class Networks:
    """Knows which Docker networks the old file has rows for."""

    def __init__(self, file: OldFile, faults: Faults) -> None:
        self._known: dict[tuple[int, str], int] = {}
        columns = {c.lower() for c in file.tables.get("docker_networks", ())}
        if columns.issuperset(("docker_host_id", "network_name")):
            dead = faults.dead.get("docker_networks", {})
            for number, host, name in file.rows("docker_networks", ["id", "docker_host_id", "network_name"]):
                if number not in dead and isinstance(name, str):
                    self._known.setdefault((host, name.strip()), number)

    def key(self, host: int, name: str) -> str:
        """Return the native key of a network: of its row, or made of its host and name."""
        number = self._known.get((host, name))
        return f"docker_hosts/{host}/network/{name}" if number is None else f"docker_networks/{number}"

    def has(self, host: int, name: str) -> bool:
        """Tell whether the old file has a row for the network."""
        return (host, name) in self._known

    def part(self, draft: Draft) -> None:
        """Add to a container what its labels and its networks say."""
        if labels := draft.values.get("labels"):
            _compose(labels, draft.values)
        host = draft.old("docker_host_id")
        found = draft.converted("networks", network_names) or {}
        for name, place in found.items():
            values = {"docker_container_id": draft.key, "docker_network_id": self.key(host, name), **place}
            draft.said.append(Observation(f"{draft.key}/network/{name}", "docker_container_networks", values))


class MadeNetworks:
    """Answers about the networks that only containers name; each once, and re-iterable."""

    def __init__(self, file: OldFile, faults: Faults, networks: Networks) -> None:
        self._file, self._networks = file, networks
        self._dead = faults.dead.get("docker_containers", {})

    def __iter__(self) -> Iterator[Answer]:
        seen: set[str] = set()
        for number, host, column in self._file.rows("docker_containers", ["id", "docker_host_id", "networks"]):
            if number in self._dead or type(column) is not str:
                continue
            try:
                names = network_names(clean_names(column))
            except (Unfit, Blank):
                continue  # the container's own row says so
            for name in names:
                key = self._networks.key(host, name)
                if key not in seen and not self._networks.has(host, name):
                    seen.add(key)
                    # The key says it all, so nothing can ever differ.
                    yield Answer(key, 1, partial(_made, key, host, name))


def _made(key: str, host: int, name: str) -> list[Observation | Rejected]:
    return [Observation(key, "docker_networks", {"docker_host_id": f"hosts/{host}", "network_name": name})]


def network_names(value: Any) -> dict[str, dict[str, Any]]:
    """Return the networks that a container's column names, with what it says of the container there.

    It takes a list of names, and the object that `docker inspect` shows. Raises `Unfit`, `Blank`.
    """
    found = document(value)
    if not isinstance(found, list | dict):
        raise Unfit("is JSON, but not a list of networks")
    networks: dict[str, dict[str, Any]] = {}
    for each in found:
        name = each.strip() if isinstance(each, str) else ""
        if not 0 < len(name) <= _LONGEST_NAME:
            raise Unfit("holds something that is not the name of a network")
        networks.setdefault(name, _place(found[each]) if isinstance(found, dict) else {})
    return networks


def _place(said: Any) -> dict[str, Any]:
    """Return a container's addresses and names in a network, from the names that `docker inspect` uses."""
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise Unfit("says something of a network that is not understood")
    try:
        place: dict[str, Any] = {field: _PLACE[field](said[docker]) for docker, field in _DOCKER if said.get(docker)}
    except Blank as error:
        raise Unfit("holds a blank address") from error
    if isinstance(said.get("Aliases"), list):
        place["aliases"] = said["Aliases"]
    return place


def _compose(labels: dict[str, Any], values: dict[str, Any]) -> None:
    for field, label in _COMPOSE.items():
        if isinstance(labels.get(label), str) and labels[label]:
            values[field] = labels[label]
    number = labels.get(_NUMBER)
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) < 10:
        values["compose_number"] = int(number)
