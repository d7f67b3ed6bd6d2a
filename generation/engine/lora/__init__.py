"""LoRA adapters as files, read without trust. Nothing here needs torch."""
