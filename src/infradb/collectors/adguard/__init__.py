"""An AdGuard Home, through its API."""
