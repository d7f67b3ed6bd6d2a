"""The loop that trains LoRA adapters. It knows no Django; see rows, recipe and loop."""
