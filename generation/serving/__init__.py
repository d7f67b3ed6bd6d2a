"""Jobs onto engines: who writes a text, the batch worker, and what it measures."""
