"""An ISC DHCP server, through its configuration and lease files."""
