"""Reads a Proxmox VE cluster over its API: nodes, guests, storages, networks, firewalls, backups."""
