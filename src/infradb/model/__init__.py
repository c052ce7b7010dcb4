"""What exists: entity types by domain, and the plain data they are turned into."""
