"""Heads at work: the web asks through Valkey, the predictor answers with what it keeps warm."""
