"""A database that knows what you run, where it runs, what needs it and what changed."""

__version__ = "0.1.0"
