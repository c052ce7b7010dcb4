"""What follows from who needs whom: impact, chains, single points of failure, order. Pure: no disk, no clock."""
