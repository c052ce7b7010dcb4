"""What the user sets for Uptime Kuma."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from infradb.transport.address import HttpSettings, WebAddress
from infradb.transport.credentials import Secret


class UptimeKumaSettings(HttpSettings):
    """Settings of the Uptime Kuma collector: either `path`, which tells everything, or `url`."""

    path: Path | None = None
    """Its database (`kuma.db`) or a backup that version 1 exported (JSON)."""

    url: WebAddress | None = None
    """Its address, for what its metrics tell: `http://kuma.lan:3001`."""

    api_key: Secret | None = None
    """Where the API key for the metrics lies: `env:NAME`, `file:/path` …"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either path or url")
        return self
