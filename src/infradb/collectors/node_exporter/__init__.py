"""Machines as their Prometheus node_exporter shows them."""
