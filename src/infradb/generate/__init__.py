"""Writes the committed generated files: `python -m infradb.generate`."""
