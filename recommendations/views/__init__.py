"""The room Recommend."""
