"""What changes more than one row: the catalogue, events, answers, scenarios, ranking models."""
