"""What a service most likely does, by its image, its process or its port."""

from __future__ import annotations

import pytest

from infradb.service_types import guess, guess_by_name, is_well_known, web_scheme


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("postgres:16", "database"),
        ("ghcr.io/immich-app/postgres:14-vectorchord@sha256:ab", "database"),
        ("prom/mysqld-exporter", "monitoring"),
        ("tiredofit/db-backup", "backup"),
        ("dpage/pgadmin4", "web"),
        ("jc21/nginx-proxy-manager:2", "proxy"),
        ("vaultwarden/server", "web"),
        ("registry.lan:5000/pihole/pihole", "dns"),
        ("eclipse-mosquitto", "queue"),
        ("example/app", None),
    ],
)
def test_an_image_is_known_by_its_name(image: str, expected: str | None) -> None:
    assert guess_by_name(image) == expected


def test_the_image_says_more_than_the_process_and_the_process_more_than_the_port() -> None:
    assert guess(5432, "tcp", "nginx", "redis-server") == "web"
    assert guess(5432, "tcp", None, "redis-server") == "cache"
    assert guess(5432, "tcp") == "database"
    assert guess(5433, "tcp", "example/app", "app") == "other"


def test_a_port_of_udp_says_nothing_over_tcp() -> None:
    assert (guess(51820, "udp"), guess(51820, "tcp")) == ("vpn", "other")
    assert (is_well_known(51820, "udp"), is_well_known(51820, "tcp"), is_well_known(9, "tcp")) == (True, False, False)


@pytest.mark.parametrize(
    ("port", "protocol", "kind", "scheme"),
    [
        (443, "tcp", "web", "https"),
        (8080, "tcp", "other", "http"),
        (8080, "udp", "other", None),
        (80, "tcp", "database", None),
    ],
)
def test_browsers_are_pointed_at_web_ports_only(port: int, protocol: str, kind: str, scheme: str | None) -> None:
    assert web_scheme(port, protocol, kind) == scheme  # type: ignore[arg-type]
