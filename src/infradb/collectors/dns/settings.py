"""What the user sets for zones of the DNS."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from infradb.transport.credentials import Secret
from infradb.transport.files import Listed


class DnsSettings(BaseModel):
    """Settings of the dns collector: a server and its zones, or zone files."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    server: str | None = Field(default=None, min_length=1)
    """Name server that transfers the zones: an address or a name."""

    port: int = Field(default=53, ge=1, le=65535)
    """TCP port of the server."""

    zones: Listed = ()
    """Zones, with commas between: `lab.example,0.0.10.in-addr.arpa`. For files, their origins in the same order."""

    path: Listed = ()
    """Zone files in the place of a server, with commas between."""

    tsig_key: str | None = None
    """Name of the TSIG key that signs transfers."""

    tsig_secret: Secret | None = None
    """Where the key's secret lies, which is base64 as in the server's configuration."""

    tsig_algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224", "hmac-sha1", "hmac-md5"] = (
        "hmac-sha256"
    )
    """The key's algorithm."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Time that the transfer of one zone may take."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.server) is bool(self.path):
            raise ValueError("needs either `server` and `zones`, or `path`")
        if self.server and not self.zones:
            raise ValueError("needs `zones`: a server does not tell which zones it has")
        if self.path and self.zones and len(self.path) != len(self.zones):
            raise ValueError("needs as many `zones` as files in `path`, or none")
        if bool(self.tsig_key) is not bool(self.tsig_secret):
            raise ValueError("needs `tsig_key` and `tsig_secret` together")
        return self
