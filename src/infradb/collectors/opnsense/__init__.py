"""An OPNsense firewall: its API and its configuration, merged."""
