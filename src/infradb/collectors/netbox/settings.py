"""What the user sets for NetBox."""

from pydantic import Field

from infradb.transport.address import HttpSettings, WebAddress
from infradb.transport.credentials import Secret


class NetboxSettings(HttpSettings):
    """Settings of the NetBox collector."""

    url: WebAddress
    """Its address: `https://netbox.lan`, with its base path where it has one."""

    token: Secret
    """Where the API token lies: `env:NAME`, `file:/path` …; make it with writing disabled."""

    page_size: int = Field(default=500, ge=1, le=1000)
    """How many things one answer is to hold; NetBox gives fewer where its own MAX_PAGE_SIZE says so."""
