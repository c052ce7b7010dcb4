"""Networks that the user named: which of their addresses answer."""
