"""Opens the database for the ways in."""

from infradb.store.database import Connection, Database
from infradb.store.schema import open_database

__all__ = ["Connection", "Database", "open_database"]
