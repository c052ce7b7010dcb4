"""Switches, routers and other devices over SNMP."""
