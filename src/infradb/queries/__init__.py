"""The only SQL that reads: every question with a name."""
