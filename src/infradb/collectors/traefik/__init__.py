"""Traefik: routers, services and certificates, as its API tells them."""
