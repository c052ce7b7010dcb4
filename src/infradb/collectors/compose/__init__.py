"""What compose files say is to run."""
