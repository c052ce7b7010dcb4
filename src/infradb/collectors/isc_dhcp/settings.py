"""What the user sets for an ISC DHCP server."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from infradb.transport.files import Listed


class IscDhcpSettings(BaseModel):
    """Settings of the isc_dhcp collector: where the server's files lie on this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    leases: Listed = ("/var/lib/dhcp/dhcpd.leases",)
    """Lease files, with commas between; that of version 6 is `dhcpd6.leases`. Empty: none."""

    configuration: Listed = ("/etc/dhcp/dhcpd.conf",)
    """Configuration files, with commas between; what they include is read too. Empty: none."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not (self.leases or self.configuration):
            raise ValueError("needs `leases` or `configuration`")
        return self
