"""Recombee's API below /recombee/, so that programs written for Recombee can ask us instead."""
