"""The list of collectors. Adding one means adding a line; nothing is imported before it is used."""

from importlib import import_module
from typing import Any

from infradb.errors import UsageError

COLLECTORS: dict[str, str] = {
    "local": "infradb.collectors.local.collector:LocalCollector",
    "docker": "infradb.collectors.docker.collector:DockerCollector",
}
RANKS: dict[str, int] = {"local": 10, "docker": 40}
"""Place in the order of sources; the lower one wins. What reads the machine itself comes first."""


def collector_class(kind: str) -> Any:
    """Return the class of a collector; raise `UsageError` for an unknown kind."""
    if kind not in COLLECTORS:
        raise UsageError(f"there is no collector {kind!r}", hint=f"one of: {', '.join(COLLECTORS)}")
    module, name = COLLECTORS[kind].split(":")
    return getattr(import_module(module), name)
