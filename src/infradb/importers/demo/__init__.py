"""A believable lab of invented data, of the size that the first users' own one has.

Two Proxmox nodes, a firewall, a NAS, four Docker hosts and what they run, for a small company in a private house.
`machines`, `stacks`, `house` and `wiring` hold the data; `hardware` and `software` build entities from it.
"""

from infradb.importers.demo.importer import collect

__all__ = ["collect"]
