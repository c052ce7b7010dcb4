"""A Kea DHCP server, through its control channel or its lease files."""
