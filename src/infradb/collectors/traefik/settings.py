"""What the user sets for a Traefik."""

from infradb.collectors.reverse_proxy.settings import HttpProxySettings
from infradb.transport.address import ApiAddress, LoginSettings


class TraefikSettings(HttpProxySettings, LoginSettings):
    """Settings of the Traefik collector; `user` is for a basicAuth middleware before the API."""

    url: ApiAddress = "http://127.0.0.1:8080"
    """Where its API answers, without `/api`: `http://HOST:8080`, or the name of a router to `api@internal`."""
