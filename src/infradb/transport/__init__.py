"""How collectors reach what they read: HTTP with limits, credentials by reference, and a record of every call."""
