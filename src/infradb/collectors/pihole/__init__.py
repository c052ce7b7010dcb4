"""A Pi-hole 6, through its API."""
