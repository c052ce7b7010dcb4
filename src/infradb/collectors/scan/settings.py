"""What the user sets for a scan; without networks that he names himself, nothing is ever sent."""

import ipaddress
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_BITS = {4: 16, 6: 16}
_KNOCK_ON = (22, 80, 443, 445)


class ScanSettings(BaseModel):
    """Settings of the scan."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    networks: tuple[str, ...] = Field(min_length=1, max_length=64)
    """Networks whose addresses are tried, as a list or separated by commas: `10.0.20.0/24`; each at most a /16, or an
    IPv6 /112. Nothing outside of them is tried."""

    public: bool = False
    """Whether public networks may be tried; only do that with networks that are yours."""

    methods: tuple[Literal["arp", "icmp", "tcp"], ...] = ("arp", "icmp", "tcp")
    """How: `arp` asks the kernel's neighbour table (ARP and ND, on the link only), `icmp` sends an echo request, `tcp`
    connects to `knock` where the others found nothing."""

    knock: tuple[int, ...] = Field(default=_KNOCK_ON, max_length=16)
    """Ports that `tcp` tries, to find addresses that answer nothing else."""

    ports: tuple[int, ...] = Field(default=(), max_length=1000)
    """Ports that are tried on each address that answered, to say which are open; none by default."""

    rate_per_second: float = Field(default=200, gt=0, le=5000)
    """How many packets are sent at most per second, of all kinds together."""

    timeout_seconds: float = Field(default=1, gt=0, le=10)
    """How long an answer is waited for."""

    names: tuple[Literal["ptr", "mdns", "netbios"], ...] = ("ptr", "mdns", "netbios")
    """Where the name of an address that answered is looked up: in the DNS, or by asking the address itself."""

    resolver: str | None = None
    """Address of the DNS server that is asked for names; default: the system's."""

    @field_validator("networks", "methods", "knock", "ports", "names", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return [value]
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("knock", "ports")
    @classmethod
    def _are_ports(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if wrong := [p for p in value if not 0 < p < 65536]:
            raise ValueError(f"{wrong[0]} is no port")
        return tuple(sorted(set(value)))

    @field_validator("resolver")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        return None if value is None else str(ipaddress.ip_address(value))

    @model_validator(mode="after")
    def _may_be_tried(self) -> Self:
        found = [network_of(text, public=self.public) for text in self.networks]
        for n, one in enumerate(found):
            for other in found[n + 1 :]:
                if one.version == other.version and one.overlaps(other):
                    raise ValueError(f"{one} and {other} overlap: each address is tried once")
        if not self.methods:
            raise ValueError("methods: at least one of arp, icmp, tcp")
        return self

    @property
    def wanted(self) -> tuple[IpNetwork, ...]:
        """Return the networks."""
        return tuple(network_of(text, public=self.public) for text in self.networks)


def network_of(text: str, *, public: bool) -> IpNetwork:
    """Return a network that may be tried; raise `ValueError` that says why another may not."""
    network = ipaddress.ip_network(text.strip())
    if network.max_prefixlen - network.prefixlen > _MOST_BITS[network.version]:
        most = "/16" if network.version == 4 else "/112"
        raise ValueError(f"{network} is larger than a {most}: name the networks in it that are used")
    if network.is_loopback or network.is_link_local or network.is_multicast or network.is_unspecified:
        raise ValueError(f"{network} means something else on every machine")
    if network.version == 4 and int(network.network_address) >= 0xF0000000:
        raise ValueError(f"{network} is reserved")
    if network.is_global and not public:
        raise ValueError(f"{network} is public: set public=true if it is yours")
    return network
