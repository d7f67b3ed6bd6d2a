"""The files that hold a model's weights, and the hash that names them. Free of torch."""

import hashlib
from pathlib import Path

from generation.engine.types import EngineError


def weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise EngineError("model_missing", f"There are no weights in {folder.name}.")
    return files


def weights_sha256(folder: Path) -> str:
    """The hash of the weight files; of the one file's bytes when there is only one."""
    hashes = []
    for path in weight_files(folder):
        with path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
