"""What the user sets for a Pi-hole."""

from pydantic import Field

from infradb.transport.address import HttpSettings, WebAddress
from infradb.transport.credentials import Secret


class PiholeSettings(HttpSettings):
    """Settings of the pihole collector; a Pi-hole signs its certificate itself, so it needs the `fingerprint`."""

    url: WebAddress
    """Where the web interface is, without `/admin`: `http://pihole.lan`."""

    app_password: Secret | None = None
    """Where an application password lies; left out for a Pi-hole without a password."""

    seen_within_hours: float = Field(default=24, gt=0, le=8760)
    """How long ago an address of a device may have been seen last to count as in use."""
