"""Retries that do nothing twice: the answer to each Idempotency-Key, kept with its effect."""
