"""What the user sets for a Proxmox VE cluster."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from infradb.transport.credentials import Secret

_TOKEN_ID = re.compile(r"[^\s@!=]+@[A-Za-z][\w.-]*![A-Za-z][\w.-]*")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:?[0-9A-Fa-f]{2}){31}")


class ProxmoxSettings(BaseModel):
    """Settings of the Proxmox VE collector: one source is one cluster, or one lone node."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str
    """Address of any node of the cluster: `https://pve1:8006`; that node passes calls on to the others."""

    token_id: str
    """Name of the API token, `user@realm!id`: `infradb@pve!read`."""

    token_secret: Secret
    """Where the token's secret lies: `env:NAME`, `file:/path` …"""

    fingerprint: str | None = None
    """SHA-256 of the node's certificate, as `pvenode cert info` shows it; takes the place of an authority."""

    ca: Path | None = None
    """PEM file of the authority that signed the certificate: the cluster's own is `/etc/pve/pve-root-ca.pem`."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """How long one answer may take."""

    parallel: int = Field(default=8, ge=1, le=32)
    """How many calls run at once."""

    agents: bool = True
    """Whether to ask running guests for their addresses and system; costs two calls per virtual machine."""

    guest_firewalls: bool = True
    """Whether to read guests' firewalls where the datacenter's is on; costs one to four calls per guest."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("is no address such as https://pve1:8006")
        if parts.username or parts.password:
            raise ValueError("must not hold a login: that is what token_id and token_secret are for")
        return value.rstrip("/").removesuffix("/api2/json")

    @field_validator("token_id")
    @classmethod
    def _a_token(cls, value: str) -> str:
        if not _TOKEN_ID.fullmatch(value):
            # Perhaps somebody gave the secret along with it, so it is not repeated.
            raise ValueError("is no name of a token: it looks like infradb@pve!read")
        return value

    @field_validator("fingerprint")
    @classmethod
    def _a_fingerprint(cls, value: str | None) -> str | None:
        if value is not None and not _FINGERPRINT.fullmatch(value):
            raise ValueError("is no SHA-256 fingerprint: 32 pairs of hexadecimal digits with colons between")
        return value
