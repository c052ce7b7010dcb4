"""What the user sets for an AdGuard Home."""

from infradb.transport.address import LoginSettings, WebAddress


class AdGuardSettings(LoginSettings):
    """Settings of the adguard collector; `user` is one of the web interface, and left out where it has none."""

    url: WebAddress
    """Where the web interface is: `http://adguard.lan`."""
