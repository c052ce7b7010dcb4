"""What the user sets for a Kea DHCP server."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from infradb.transport.credentials import Secret
from infradb.transport.files import Listed


class KeaSettings(BaseModel):
    """Settings of the kea collector: a control socket, a control agent, or lease files."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    socket: Listed = ()
    """Control sockets on this machine, with commas between: `/run/kea/kea4-ctrl-socket`."""

    url: str | None = Field(default=None, pattern=r"^https?://[^/@\s]+(/[^@\s]*)?$")
    """Control agent, or a server's own HTTP channel (Kea 2.7 and newer): `http://kea.lan:8000`."""

    user: str | None = None
    """User of the control agent (basic authentication)."""

    password: Secret | None = None
    """Where the user's password lies."""

    services: Listed = ("dhcp4",)
    """Servers to ask through `url`: `dhcp4`, `dhcp4,dhcp6`."""

    path: Listed = ()
    """Lease files (memfile), with commas between: `/var/lib/kea/kea-leases4.csv`. Read beside what servers tell."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Time that one answer may take."""

    fingerprint: str | None = None
    """SHA-256 of the agent's certificate, in the place of authorities."""

    ca: str | None = None
    """File with the authority that signed the certificate."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if not (self.socket or self.url or self.path):
            raise ValueError("needs `socket`, `url` or `path`")
        if self.socket and self.url:
            raise ValueError("takes `socket` or `url`, not both")
        if bool(self.user) is not bool(self.password):
            raise ValueError("needs `user` and `password` together")
        if not set(self.services) <= {"dhcp4", "dhcp6"}:
            raise ValueError("knows the services dhcp4 and dhcp6")
        return self
