"""Zones of the DNS, as a transfer or a file tells them."""
