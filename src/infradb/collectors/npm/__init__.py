"""Nginx Proxy Manager: its hosts, redirections and streams."""
