"""The base's 4-bit form: packed once beside the weights, mapped and verified at every load.

What verifies the base: `int4.json` says from which weights (their sha256) the form was packed, and
the sha256 of the form itself. Every load hashes the very bytes that it mapped and takes the form
only when they match; the answer then names the base that the packing read. A form is also passed
over when the weights beside it have another size or time than the packing saw: then the weights
are read, hashed and packed again in memory, as they are where there is no form at all. Whoever
can rewrite both files can make the engine run another base, as he could by replacing the weights.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.engine.config import ModelConfig
from generation.engine.model import Weights, load_weights
from generation.engine.native import library as native
from generation.engine.weights import weight_files, weights_sha256

DATA, MANIFEST = "int4.bin", "int4.json"
FORMAT = 1
ALIGNMENT = 64  # tiles are read in whole cache lines
LINEAR_BITS = 4
# The head decides between tokens; it keeps the eight bits that the base ships it with.
HEAD_BITS = 8
DTYPES = {"uint8": torch.uint8, "float32": torch.float32, "bfloat16": torch.bfloat16}

# Tiles (uint8) and biases of the joined maps, norms (float32) and the embedding (bfloat16).
Parts = dict[str, Tensor]


def pack(weights: Weights, config: ModelConfig) -> Parts:
    """Every part by its name, "3.qkv" being one of layer 3."""
    head = "model.embed_tokens.weight" if config.tied else "lm_head.weight"
    parts = {
        "embedding": weights["model.embed_tokens.weight"].to(torch.bfloat16).contiguous(),
        "norm": weights["model.norm.weight"].float().contiguous(),
        "head": native.pack(weights[head], HEAD_BITS),
    }
    for number in range(config.layers):
        layer = pack_layer(weights, f"model.layers.{number}.")
        parts |= {f"{number}.{name}": part for name, part in layer.items()}
    return parts


def pack_layer(weights: Weights, prefix: str) -> Parts:
    joined = {
        "qkv": [f"self_attn.{side}_proj" for side in "qkv"],
        "out": ["self_attn.o_proj"],
        "gate_up": ["mlp.gate_proj", "mlp.up_proj"],
        "down": ["mlp.down_proj"],
    }
    parts: Parts = {}
    for part, names in joined.items():
        rows = torch.cat([weights[f"{prefix}{name}.weight"] for name in names])
        parts[part] = native.pack(rows, LINEAR_BITS)
        biases = [weights.get(f"{prefix}{name}.bias") for name in names]
        if found := [bias for bias in biases if bias is not None]:
            parts[f"{part}.bias"] = torch.cat(found).float()
    norms = {"attention_norm": "input_layernorm", "mlp_norm": "post_attention_layernorm"}
    for part, name in norms.items():
        parts[part] = weights[f"{prefix}{name}.weight"].float().contiguous()
    return parts


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A form that was found: its manifest, and its mapped bytes, which are not verified yet."""

    manifest: dict[str, Any]
    data: Tensor

    @classmethod
    def find(cls, folder: Path) -> PackedFile | None:
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            size = (folder / DATA).stat().st_size
        except (OSError, ValueError):
            return None
        fits = manifest["format"] == FORMAT and manifest["bytes"] == size
        if not fits or manifest["weights"] != stamps(folder):
            return None
        data = torch.from_file(str(folder / DATA), shared=False, size=size, dtype=torch.uint8)
        return cls(manifest, data)

    @property
    def base_sha256(self) -> str:
        sha256: str = self.manifest["base_sha256"]
        return sha256

    def verified(self) -> bool:
        """Whether the mapped bytes are those that were packed; takes 0.1 s, leaves the GIL free."""
        found = hashlib.sha256(self.data.numpy().data).hexdigest()
        return bool(found == self.manifest["sha256"])

    def parts(self) -> Parts:
        """Views of the mapped bytes."""
        return {
            name: self.data[begin : begin + size].view(DTYPES[dtype]).view(shape)
            for name, (dtype, shape, begin, size) in self.manifest["parts"].items()
        }


def stamps(folder: Path) -> dict[str, list[int]]:
    """Size and time of the weights' files: they tell that a file was changed."""
    seen = {path.name: path.stat() for path in weight_files(folder)}
    return {name: [stat.st_size, stat.st_mtime_ns] for name, stat in seen.items()}


def write(folder: Path) -> bool:
    """Pack the base in this folder unless that is done, or cannot be done here."""
    config = ModelConfig.read(folder)
    if not supported(config) or PackedFile.find(folder) is not None:
        return False
    manifest = {"format": FORMAT, "weights": stamps(folder), "base_sha256": weights_sha256(folder)}
    parts = pack(load_weights(folder, torch.bfloat16), config)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        manifest |= write_parts(Path(work) / DATA, parts)
        (Path(work) / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        for name in (DATA, MANIFEST):
            (Path(work) / name).replace(folder / name)
    return True


def write_parts(path: Path, parts: Parts) -> dict[str, Any]:
    """The data file; what the manifest says about it."""
    places, digest, end = {}, hashlib.sha256(), 0
    with path.open("wb") as file:
        for name, part in parts.items():
            content = part.flatten().view(torch.uint8).numpy().tobytes()
            dtype = str(part.dtype).removeprefix("torch.")
            places[name] = [dtype, list(part.shape), end, len(content)]
            content += bytes(-len(content) % ALIGNMENT)
            digest.update(content)
            end += file.write(content)
    return {"bytes": end, "sha256": digest.hexdigest(), "parts": places}


def supported(config: ModelConfig) -> bool:
    """Whether the library is built and the shapes fit its tiles."""
    sizes = (config.hidden_size, config.intermediate_size, config.query_size)
    outs = (config.query_size, config.kv_size, config.intermediate_size)
    return (
        native.library() is not None
        and all(size % native.GROUP == 0 for size in sizes)
        and all(size % native.LANES == 0 for size in (*outs, config.head_dim))
        and config.head_dim <= 512
    )
