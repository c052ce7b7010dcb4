"""The forms in which the lab's data is written down: only what a person would say; the rest is derived."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface of a machine."""

    name: str
    kind: str = "virtual"
    address: str = ""
    speed: int | None = None
    up: bool = True
    mac: bool = True
    """Whether it has a hardware address."""
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields; `parent` names the interface below it."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A storage device of a machine."""

    name: str
    kind: str
    capacity_gb: float
    used: float | None = None
    """Share in use, where it can be told."""
    parent: str = ""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Machine:
    """A host and its parts."""

    name: str
    kind: str
    ram_mb: int | None
    cores: int | None
    more: dict[str, Any]
    nics: tuple[Nic, ...] = ()
    disks: tuple[Disk, ...] = ()
    used_ram: float = 0.4
    """Share of the memory in use."""


@dataclass(frozen=True, slots=True)
class Guest:
    """The virtualization side of a machine."""

    name: str
    node: str
    vmid: int
    kind: str
    size_gb: int
    storage: str = "local-zfs"
    auto_start: bool = True
    start_order: int | None = None
    backup: str | None = "OK"
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """A service: what it is called, what it does and where it listens."""

    name: str
    kind: str
    port: int
    criticality: str | None = None
    url: str = ""
    protocol: str = "tcp"
    version: str = ""
    check: str = ""
    """Kind of its check: http, tcp, dns; none where empty."""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Box:
    """A container of a compose project."""

    service: str
    image: str
    """Image with its tag."""
    ports: tuple[str, ...] = ()
    """As compose writes them: `8080:80`, `53:53/udp`; the host's port is missing where none is published."""
    mounts: tuple[str, ...] = ()
    """As compose writes them: a volume's name or a folder, `:`, the path, and `:ro`."""
    offers: tuple[Offer, ...] = ()
    proxied: bool = False
    """Whether it is in the reverse proxy's network too."""
    mode: str = ""
    """Network mode, where it is not the project's network."""
    memory_mb: int | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stack:
    """A compose project on a Docker host."""

    host: str
    project: str
    boxes: tuple[Box, ...]
