"""What people wrote down in NetBox."""
