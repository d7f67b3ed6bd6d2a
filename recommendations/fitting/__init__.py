"""Fitting a workspace's ranking model: for the score worker, never for the web process."""
