"""LoRA adapters as files and numbers. Nothing here knows Django, and only training needs torch."""
