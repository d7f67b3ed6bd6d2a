"""Candidate sources, one file each; all have the interface of `candidates.Source`."""
