"""What the user sets for a dnsmasq."""

from ipaddress import ip_network
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from infradb.transport.files import Listed


class DnsmasqSettings(BaseModel):
    """Settings of the dnsmasq collector: where its files lie on this machine; all have the defaults of Debian."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    configuration: Listed = ("/etc/dnsmasq.conf",)
    """Configuration files, with commas between; those that they name are read too. Empty: none."""

    leases: Listed = ()
    """Lease files, with commas between; left out, the configuration's `dhcp-leasefile`, else dnsmasq's default."""

    hosts: Listed = ("/etc/hosts",)
    """Hosts files that it answers from, beside those that the configuration names. Empty: none."""

    networks: Listed = ()
    """Networks in which ranges without a netmask lie: `192.168.1.0/24`. dnsmasq takes them from its interfaces."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not (self.configuration or self.leases or self.hosts):
            raise ValueError("needs `configuration`, `leases` or `hosts`")
        for cidr in self.networks:
            ip_network(cidr)
        return self
