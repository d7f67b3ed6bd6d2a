"""Long proofs: real workers and a real broker, killed at random moments. Run by `make prove`."""
