"""How each source is read: one folder each, none knows another, none knows the database.

A folder holds `settings.py` (what the user sets), `client.py` (reads, understands nothing), `parse.py`
(understands, reads nothing), `collector.py` (joins them), `README.md` and `quality.toml`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from infradb.observation import CollectionRun


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing a collector needs, and whether it has it."""

    needs: str
    """What is needed, in words: `GET /containers/json`, `root, for the processes of sockets`."""

    ok: bool
    """Whether it is there."""

    detail: str = ""
    """What was found."""

    hint: str = ""
    """What to do where it is missing."""


class Collector(Protocol):
    """Reads one source; made from the source's name and its own settings class."""

    def collect(self) -> CollectionRun:
        """Return what the source shows now.

        A part that cannot be read makes its scope partial or failed, with an error in words. Raises
        `CollectionError` only where nothing at all could be read.
        """
        ...

    def diagnose(self) -> Sequence[Diagnosis]:
        """Prove each right and tool that the collector needs, and say what is missing."""
        ...

    def calls(self) -> Sequence[str]:
        """Return every call that the collector makes, so that a proxy in front can allow just these."""
        ...


class Watcher(Protocol):
    """A collector that can also follow its source's own events."""

    def watch(self) -> Iterator[CollectionRun]:
        """Yield a run per batch of events, until closed; raises `CollectionError` when the source goes away."""
        ...
