"""Decides what a run changes. Pure: no disk, no network, no clock; what is known is asked of a `Known`."""
