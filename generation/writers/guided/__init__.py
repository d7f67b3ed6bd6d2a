"""Writing with a small model: narrow questions, templates, and a filter on every line."""
