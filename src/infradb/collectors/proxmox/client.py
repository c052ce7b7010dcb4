"""Reads Proxmox VE's API with an API token; understands nothing. Only GET requests are ever sent."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar

from infradb.collectors.proxmox.settings import ProxmoxSettings
from infradb.errors import CollectionError, SourceMalformed, SourceRefused, SourceUnreachable
from infradb.transport.calls import CallLog
from infradb.transport.credentials import reveal
from infradb.transport.http import HttpReader

_API = "/api2/json"
_GIVE_UP_AFTER = 3
"""Calls that a node may leave unanswered before it is not asked any more; of the whole cluster so many per thread."""
_LONGEST_LOG = 100_000
_TASKS = 500
NODE_IS_AWAY = frozenset({595, 596, 599})
"""What the node that is asked answers where it cannot reach the one that a call is for (pve-http-server)."""
_SAYS_NOTHING = re.compile(
    r"not running|no qemu guest agent|not (been )?found|disabled|(un|not )supported", re.IGNORECASE
)
"""What is answered where no agent runs, or one that is too old or was told not to: no fault of the reading."""
T = TypeVar("T", bound=type)

CALLS = (
    "GET /access/permissions", "GET /version", "GET /cluster/status", "GET /cluster/resources", "GET /cluster/tasks",
    "GET /storage", "GET /cluster/ha/resources", "GET /cluster/ha/rules",
    "GET /cluster/sdn/zones", "GET /cluster/sdn/vnets", "GET /cluster/sdn/vnets/{vnet}/subnets",
    "GET /cluster/sdn/vnets/{vnet}/firewall/rules", "GET /cluster/firewall/options", "GET /cluster/firewall/rules",
    "GET /cluster/firewall/groups", "GET /cluster/firewall/groups/{group}", "GET /cluster/firewall/aliases",
    "GET /cluster/firewall/ipset", "GET /cluster/firewall/ipset/{ipset}", "GET /nodes/{node}/status",
    "GET /nodes/{node}/config", "GET /nodes/{node}/network", "GET /nodes/{node}/disks/list",
    "GET /nodes/{node}/disks/zfs",
    "GET /nodes/{node}/firewall/options", "GET /nodes/{node}/firewall/rules", "GET /nodes/{node}/tasks",
    "GET /nodes/{node}/tasks/{upid}/log", "GET /nodes/{node}/storage/{storage}/content",
    "GET /nodes/{node}/qemu/{vmid}/config", "GET /nodes/{node}/qemu/{vmid}/snapshot",
    "GET /nodes/{node}/qemu/{vmid}/agent/network-get-interfaces", "GET /nodes/{node}/qemu/{vmid}/agent/get-osinfo",
    "GET /nodes/{node}/lxc/{vmid}/config", "GET /nodes/{node}/lxc/{vmid}/snapshot",
    "GET /nodes/{node}/lxc/{vmid}/interfaces",
    *(f"GET /nodes/{{node}}/{kind}/{{vmid}}/firewall/{what}"
      for kind in ("qemu", "lxc") for what in ("options", "rules", "aliases", "ipset", "ipset/{ipset}")),
)  # fmt: skip


class ProxmoxClient:
    """One cluster, reached through one of its nodes; threads share it. Every method raises `CollectionError`."""

    def __init__(self, settings: ProxmoxSettings, log: CallLog) -> None:
        self.settings = settings
        secret = reveal(settings.token_secret)
        self._http = HttpReader(
            settings.url + _API,
            headers={"Authorization": f"PVEAPIToken={settings.token_id}={secret}"},
            timeout_seconds=settings.timeout_seconds,
            fingerprint=settings.fingerprint,
            ca=str(settings.ca) if settings.ca else None,
            parallel=settings.parallel,
            log=log,
        )
        self._lock = Lock()
        self._silent: Counter[str] = Counter()
        self._in_a_row = 0
        self._given_up: dict[str, CollectionError] = {}

    def get_object(self, path: str, **names: object) -> dict[str, Any]:
        """Return what `GET path` answers, which must be an object; names in braces are filled in."""
        found: dict[str, Any] = self._get(path, dict, {}, names)
        return found

    def get_list(self, path: str, query: Mapping[str, Any] | None = None, **names: object) -> list[Any]:
        """Return what `GET path` answers, which must be a list."""
        found: list[Any] = self._get(path, list, dict(query or {}), names)
        return found

    def vzdump_tasks(self, node: str) -> list[Any]:
        """Return a node's finished backups, newest first."""
        return self.get_list("/nodes/{node}/tasks", {"typefilter": "vzdump", "limit": _TASKS}, node=node)

    def task_log(self, node: str, upid: str) -> list[Any]:
        """Return the lines of a task's log."""
        return self.get_list("/nodes/{node}/tasks/{upid}/log", {"limit": _LONGEST_LOG}, node=node, upid=upid)

    def backups(self, node: str, storage: str) -> list[Any]:
        """Return the backups on a storage, as a node sees it."""
        return self.get_list(
            "/nodes/{node}/storage/{storage}/content", {"content": "backup"}, node=node, storage=storage
        )

    def agent(self, command: str, node: str, vmid: int) -> Any:
        """Return what a virtual machine's guest agent answers; None where it does not run, which says nothing of us."""
        try:
            found = self.get_object(f"/nodes/{{node}}/qemu/{{vmid}}/agent/{command}", node=node, vmid=vmid)
        except CollectionError as error:
            if error.status == 500 and _SAYS_NOTHING.search(str(error)):
                return None
            raise
        return found.get("result")

    def close(self) -> None:
        """End all connections."""
        self._http.close()

    def _get(self, path: str, kind: T, query: dict[str, Any], names: dict[str, object]) -> Any:
        node = str(names.get("node", ""))
        with self._lock:
            if error := self._given_up.get(node) or self._given_up.get(""):
                raise error
        call = f"GET {path} at {self.settings.url}"
        try:
            found = self._once_more(path, query, names)
        except SourceUnreachable as error:
            self._note_silence(node, error)
            raise
        except SourceRefused as error:
            raise self._refused(error) from error
        with self._lock:
            self._in_a_row = 0
            self._silent.pop(node, None)
        data = found.get("data")
        if data is None and "data" in found:
            data = kind()  # what is empty comes as null
        if not isinstance(data, kind):
            hint = "does Proxmox VE listen there, in a version that infradb reads (7 and newer)?"
            wanted = "an object" if kind is dict else "a list"
            raise SourceMalformed(f"{call}: `data` of the answer is not {wanted}", hint=hint)
        return data

    def _once_more(self, path: str, query: dict[str, Any], names: dict[str, object]) -> dict[str, Any]:
        """Ask again where the connection broke off: pveproxy ends those that were idle for five seconds."""
        try:
            found: dict[str, Any] = self._http.get(path, dict, query=query or None, **names)
        except SourceUnreachable as error:
            if error.status is not None or "broke off" not in str(error):
                raise
            found = self._http.get(path, dict, query=query or None, **names)
        return found

    def _note_silence(self, node: str, error: CollectionError) -> None:
        """Ask a node no more that is away, or that left three calls unanswered: each would take its whole time."""
        answered = error.status is not None and error.status not in NODE_IS_AWAY
        with self._lock:
            if answered:
                self._in_a_row = 0
                return
            self._in_a_row += 1
            self._silent[node] += 1
            if node and (error.status in NODE_IS_AWAY or self._silent[node] >= _GIVE_UP_AFTER):
                self._given_up[node] = error
            if self._in_a_row >= _GIVE_UP_AFTER * self.settings.parallel:
                self._given_up[""] = error

    def _refused(self, error: SourceRefused) -> SourceRefused:
        if error.status != 401:
            return error
        said = SourceRefused(
            f"{self.settings.url} refuses the token {self.settings.token_id} (HTTP 401)",
            hint="is the secret the token's own, and neither token nor user expired, disabled or removed?"
            f" `pveum user token list {self.settings.token_id.partition('!')[0]}` shows it; a clock that is off"
            " expires it too",
        )
        said.status = 401
        return said


def attempt(read: Callable[[], Any]) -> Any:
    """Return what a call gives, or its error as a value."""
    try:
        return read()
    except CollectionError as error:
        return error


def in_words(error: CollectionError) -> str:
    """Return an error with what to do about it."""
    return f"{error} ({error.hint})" if error.hint else str(error)
