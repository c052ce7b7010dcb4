"""Imports the SQLite file in which the owners kept their infrastructure before infradb."""

from infradb.importers.infrastructure_db.run import LegacyImport, collect
from infradb.importers.infrastructure_db.statements import OldChange, OldHealthCheck

__all__ = ["LegacyImport", "OldChange", "OldHealthCheck", "collect"]
