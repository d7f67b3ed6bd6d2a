"""How good and how fast recommendations are, beside what else one could use: `make bench-rec`."""
