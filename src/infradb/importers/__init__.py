"""Other people's data, turned into observations."""
