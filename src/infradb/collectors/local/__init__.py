"""This machine, as it describes itself."""
