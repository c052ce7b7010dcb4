"""What the user sets for an Nginx Proxy Manager."""

from pydantic import Field

from infradb.collectors.reverse_proxy.settings import HttpProxySettings
from infradb.transport.address import ApiAddress, HttpSettings
from infradb.transport.credentials import Secret


class NpmSettings(HttpProxySettings, HttpSettings):
    """Settings of the Nginx Proxy Manager collector."""

    url: ApiAddress = "http://127.0.0.1:81"
    """Where its administration answers: `http://HOST:81`."""

    email: str = Field(min_length=3, max_length=255)
    """Who logs in."""

    password: Secret
    """That user's password."""
