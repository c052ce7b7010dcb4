"""Docker engines: containers, networks, volumes and what they offer."""
