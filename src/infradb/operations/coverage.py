"""What nobody looks at yet."""

from infradb.queries.coverage import BlindSpot, blind_spots
from infradb.store.database import Database

__all__ = ["BlindSpot", "coverage"]


def coverage(database: Database) -> list[BlindSpot]:
    """Return the blind spots, the one on which most depends first."""
    with database.read() as connection:
        return blind_spots(connection)
