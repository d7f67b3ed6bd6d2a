"""The room Teach."""
