"""The fake clusters that tests read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collectors.proxmox.peer import SECRET, Peer, lab, serving


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A cluster of two nodes that listens on loopback."""
    monkeypatch.setenv("PVE_SECRET", SECRET)
    with serving(lab()) as listening:
        yield listening
