"""What the user sets for a Caddy."""

from infradb.collectors.reverse_proxy.settings import HttpProxySettings
from infradb.transport.address import HttpSettings, WebAddress


class CaddySettings(HttpProxySettings, HttpSettings):
    """Settings of the Caddy collector; none is needed for a Caddy on this machine."""

    url: WebAddress = "http://127.0.0.1:2019"
    """Where its admin API answers."""
