"""What the tests of the OPNsense collector share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collectors.opnsense.peer import KEY, SECRET, Fake, recorded, served


@pytest.fixture
def firewall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """A firewall of version 26.1 that answers on loopback."""
    monkeypatch.setenv("OPNSENSE_KEY", KEY)
    monkeypatch.setenv("OPNSENSE_SECRET", SECRET)
    with served(recorded("26.1"), tmp_path) as fake:
        yield fake
