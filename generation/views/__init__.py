"""The studio's pages. Writes go through generation.services; reads through the querysets."""
