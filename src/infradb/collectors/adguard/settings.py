"""What the user sets for an AdGuard Home."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from infradb.transport.credentials import Secret


class AdGuardSettings(BaseModel):
    """Settings of the adguard collector."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    url: str = Field(pattern=r"^https?://[^/@\s]+(/[^@\s]*)?$")
    """Where the web interface is: `http://adguard.lan`."""

    user: str | None = None
    """User of the web interface; left out where it has none."""

    password: Secret | None = None
    """Where the user's password lies."""

    timeout_seconds: float = Field(default=30, gt=0, le=600)
    """Time that one answer may take."""

    fingerprint: str | None = None
    """SHA-256 of the certificate, in the place of authorities."""

    ca: str | None = None
    """File with the authority that signed the certificate."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.user) is not bool(self.password):
            raise ValueError("needs `user` and `password` together")
        return self
