"""Ways in: each asks operations and queries, and holds no logic and no SQL."""
