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
    """Reads one source; made from the source's name and its own settings class.

    Settings that hold a secret are `transport.credentials.Secret`: a reference, revealed when it is needed.
    """

    @classmethod
    def grant(cls, name: str) -> str:
        """Return the exact lines that make the least-privileged account on the other side, ready to paste there.

        Markdown without a heading; empty where no account is needed. `name` is the source's.
        """
        ...

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
        """Return every call that the collector may make, so that a proxy in front can allow just these.

        What a run made is in its `calls`, under the same names. A call that is no GET but only logs in or asks says
        so: `POST /api/auth (logs in)`.
        """
        ...


class Watcher(Protocol):
    """A collector that can also follow its source's own events."""

    def watch(self) -> Iterator[CollectionRun]:
        """Yield a run per batch of events, until closed; raises `CollectionError` when the source goes away."""
        ...
