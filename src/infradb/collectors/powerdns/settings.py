"""What the user sets for a PowerDNS authoritative server."""

from infradb.transport.address import HttpSettings, WebAddress
from infradb.transport.credentials import Secret


class PowerDnsSettings(HttpSettings):
    """Settings of the powerdns collector."""

    url: WebAddress
    """Where the server's own web server listens: `http://ns1.lan:8081`."""

    api_key: Secret
    """Where the API's key lies (`api-key` of the server)."""
