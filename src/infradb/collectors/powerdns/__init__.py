"""Zones of a PowerDNS authoritative server, through its HTTP API."""
