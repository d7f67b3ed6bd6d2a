"""A sequence model as one safetensors file: float32 arrays, its sizes in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.sequence.config import ConfigError, ModelConfig

Weights = dict[str, FloatArray]


class WeightsError(ValueError):
    """The file is no sequence model, or not one of its sizes."""


def save(path: Path, weights: Mapping[str, FloatArray], config: ModelConfig) -> None:
    """The file is whole or not there: it is written beside its place and then moved."""
    arrays = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
    partial = path.with_name(f"{path.name}.partial")
    save_file(arrays, partial, metadata={"config": json.dumps(asdict(config))})
    partial.replace(path)


def load(path: Path, items: FloatArray | None = None) -> tuple[Weights, ModelConfig]:
    """Raises WeightsError for a file that is damaged or of another kind.

    With `items` the file's own vectors of items are left where they are.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            config = ModelConfig(**json.loads((file.metadata() or {})["config"]))
            names = [name for name in list(file.keys()) if name != "items" or items is None]
            weights = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path.name} is no sequence model: {error}") from error
    if items is not None:
        weights["items"] = items
    check(weights, config)
    return weights, config


def shapes(n_items: int, config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Every array of a model and its shape."""
    dim, hidden = config.dim, config.hidden
    found: dict[str, tuple[int, ...]] = {"items": (n_items, dim)}
    for block in range(config.blocks):
        name = f"blocks.{block}"
        for norm in ("attention_norm", "feed_forward_norm"):
            found |= {f"{name}.{norm}.weight": (dim,), f"{name}.{norm}.bias": (dim,)}
        found |= {
            f"{name}.attention.qkv.weight": (3 * dim, dim),
            f"{name}.attention.out.weight": (dim, dim),
            f"{name}.feed_forward.up.weight": (2 * hidden, dim),
            f"{name}.feed_forward.down.weight": (dim, hidden),
        }
    return found | {"norm.weight": (dim,), "norm.bias": (dim,)}


def check(weights: Mapping[str, FloatArray], config: ModelConfig) -> None:
    """Raises WeightsError unless every array is there, of its shape and finite."""
    wanted = shapes(len(weights.get("items", ())), config)
    if {name: array.shape for name, array in weights.items()} != wanted:
        raise WeightsError("the arrays do not fit the sizes of the model")
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise WeightsError("a weight is not a finite number")


__all__ = ["ConfigError", "Weights", "WeightsError", "check", "load", "save", "shapes"]
