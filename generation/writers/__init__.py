"""How copy is written: from a brief to requests, and from answers to copy. Free of Django."""
