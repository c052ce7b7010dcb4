"""Caddy: routes and certificates, as its admin API tells them."""
