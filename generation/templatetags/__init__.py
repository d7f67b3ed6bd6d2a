"""Filters of the studio's pages."""
