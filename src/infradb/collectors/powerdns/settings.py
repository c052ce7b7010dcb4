"""What the user sets for a PowerDNS authoritative server."""

from pydantic import BaseModel, ConfigDict, Field

from infradb.transport.credentials import Secret


class PowerDnsSettings(BaseModel):
    """Settings of the powerdns collector."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str = Field(pattern=r"^https?://[^/@\s]+(/[^@\s]*)?$")
    """Where the server's own web server listens: `http://ns1.lan:8081`."""

    api_key: Secret
    """Where the API's key lies (`api-key` of the server)."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Time that one answer may take."""

    fingerprint: str | None = None
    """SHA-256 of the certificate, in the place of authorities, where a proxy speaks TLS."""

    ca: str | None = None
    """File with the authority that signed the certificate."""
