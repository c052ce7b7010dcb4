"""Other machines, as they describe themselves over SSH."""
