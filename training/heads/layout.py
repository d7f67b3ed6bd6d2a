"""The files of a head, and what heads are for. Free of torch."""

from training.lora.files import MANIFEST

CONFIG, WEIGHTS = "head.json", "head.safetensors"
FILES = (CONFIG, WEIGHTS, MANIFEST)
CLASSIFICATION, EXTRACTION = "classification", "extraction"

__all__ = ["CLASSIFICATION", "CONFIG", "EXTRACTION", "FILES", "MANIFEST", "WEIGHTS"]
