"""The decoder on one GPU: captured steps, kernels in Triton, and tokens chosen where they are."""
