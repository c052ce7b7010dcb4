"""What `make bench` measures: our figures beside the floor, in one run."""
