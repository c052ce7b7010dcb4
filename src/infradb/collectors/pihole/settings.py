"""What the user sets for a Pi-hole."""

from pydantic import BaseModel, ConfigDict, Field

from infradb.transport.credentials import Secret


class PiholeSettings(BaseModel):
    """Settings of the pihole collector."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str = Field(pattern=r"^https?://[^/@\s]+$")
    """Where the web interface is, without `/admin`: `http://pihole.lan`."""

    app_password: Secret | None = None
    """Where an application password lies; left out for a Pi-hole without a password."""

    seen_within_hours: float = Field(default=24, gt=0, le=8760)
    """How long ago an address of a device may have been seen last to count as in use."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Time that one answer may take."""

    fingerprint: str | None = None
    """SHA-256 of the certificate, which Pi-hole signs itself, in the place of authorities."""

    ca: str | None = None
    """File with the authority that signed the certificate."""
