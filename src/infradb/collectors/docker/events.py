"""Turns an engine's stream of events into batches of what is worth reading again."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

from infradb.errors import CollectionError

QUIET_SECONDS = 0.3
"""A batch ends when nothing happened for so long …"""
LONGEST_SECONDS = 0.9
"""… or this long after its first event: together with reading, the picture is to be current within two seconds."""
_POLL_SECONDS = 0.5
# Health checks run programs in the container every few seconds: exec_create, exec_start and exec_die say nothing.
_CONTAINER_ACTIONS = frozenset(
    {"create", "start", "restart", "stop", "die", "oom", "pause", "unpause", "rename", "update", "health_status"}
    | {"destroy"}
)


@dataclass(frozen=True, slots=True)
class _Ended:
    why: CollectionError | None = None


@dataclass
class Batch:
    """What happened within a moment, each thing once."""

    containers: set[str] = field(default_factory=set)
    """IDs of containers to read again."""

    networks: bool = False
    """Whether networks came or changed."""

    volumes: bool = False
    """Whether volumes came or changed."""

    _gone: set[tuple[str, str]] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.containers or self.networks or self.volumes or self._gone)

    def gone(self, kind: str) -> tuple[str, ...]:
        """Return the native keys of the things of a kind that were seen to end."""
        return tuple(sorted(f"{one_kind}/{native_id}" for one_kind, native_id in self._gone if one_kind == kind))

    def take(self, event: Any) -> None:
        """Note one event (Docker Engine API v1.41: EventMessage); what is none is passed over."""
        if not isinstance(event, dict) or not isinstance(actor := event.get("Actor"), dict):
            return
        kind, attributes = event.get("Type"), actor.get("Attributes")
        action, native_id = str(event.get("Action", "")).split(":")[0], str(actor.get("ID") or "")
        if kind == "container" and action in _CONTAINER_ACTIONS:
            self._take_container(action, native_id)
        elif kind == "network":
            self._take_part("network", action, native_id)
            container = str(attributes.get("container") or "") if isinstance(attributes, dict) else ""
            if action in ("connect", "disconnect") and container and ("container", container) not in self._gone:
                self.containers.add(container)
        elif kind == "volume":
            self._take_part("volume", action, native_id)

    def _take_container(self, action: str, native_id: str) -> None:
        if action == "destroy":
            self._gone.add(("container", native_id))
            self.containers.discard(native_id)
        elif ("container", native_id) not in self._gone:
            self.containers.add(native_id)

    def _take_part(self, kind: str, action: str, native_id: str) -> None:
        if action in ("destroy", "remove"):
            self._gone.add((kind, native_id))
        elif action in ("create", "update"):
            self._gone.discard((kind, native_id))  # a volume may come back under its name
            self.networks |= kind == "network"
            self.volumes |= kind == "volume"


def batches(stream: Iterator[dict[str, Any]], closed: threading.Event) -> Iterator[Batch]:
    """Yield a batch whenever something happened, until the stream ends or `closed` is set.

    Raises the `CollectionError` by which the stream ended, if any.
    """
    waiting: Queue[dict[str, Any] | _Ended] = Queue()
    reader = threading.Thread(target=_read, args=(stream, waiting), name="docker-events", daemon=True)
    reader.start()
    while not closed.is_set():
        try:
            event = waiting.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
        batch = Batch()
        ended = _fill(batch, event, waiting)
        if batch and not closed.is_set():
            yield batch
        if ended:
            if ended.why and not closed.is_set():
                raise ended.why
            return


def _fill(batch: Batch, event: dict[str, Any] | _Ended, waiting: "Queue[dict[str, Any] | _Ended]") -> _Ended | None:
    """Take events until it is quiet; return the end of the stream, if it came."""
    until = time.monotonic() + LONGEST_SECONDS
    while not isinstance(event, _Ended):
        batch.take(event)
        patience = min(QUIET_SECONDS, until - time.monotonic())
        try:
            event = waiting.get(timeout=patience) if batch and patience > 0 else waiting.get_nowait()
        except Empty:
            return None
    return event


def _read(stream: Iterator[dict[str, Any]], waiting: "Queue[dict[str, Any] | _Ended]") -> None:
    why: CollectionError | None = None
    try:
        for event in stream:
            waiting.put(event)
    except CollectionError as error:
        why = error
    finally:
        waiting.put(_Ended(why))
