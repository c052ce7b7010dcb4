"""A dnsmasq, through its configuration, its hosts files and its lease file."""
