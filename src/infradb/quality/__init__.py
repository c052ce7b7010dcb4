"""Standing rules over what is stored; what they find becomes findings."""
