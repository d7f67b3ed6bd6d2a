"""Job: the one record of all background work."""
