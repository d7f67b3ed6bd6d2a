"""Which form the base's weights take on this machine, and the model in that form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from generation.engine.adapters import Pairs
from generation.engine.config import ModelConfig, OtherConfig
from generation.engine.model import Batch, Llama, load_weights
from generation.engine.quantized import QuantizedLlama, supported
from generation.engine.types import EngineError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
PRECISIONS = ("auto", "int4", *DTYPES)


class Cache(Protocol):
    def copy(self, source: int, target: int, length: int) -> None:
        """Give the target slot the first `length` positions of the source."""


class Model(Protocol):
    @property
    def cache(self) -> Cache: ...

    def bind(self, pairs: Pairs) -> Any:
        """An adapter's weights in the form that `Batch.adapters` takes."""

    def forward(self, batch: Batch) -> Tensor: ...


def load_model(
    folder: Path, config: ModelConfig | OtherConfig, precision: str, slots: int, context: int
) -> Model:
    """`auto` is int4 where our library was built and fits the model, else float32."""
    if isinstance(config, OtherConfig):
        return load_other(folder, precision, slots)
    if precision == "auto":
        precision = "int4" if supported(config) else "fp32"
    if precision != "int4":
        weights = load_weights(folder, DTYPES[precision])
        return Llama(config, weights, slots=slots, context=context)
    if not supported(config):
        raise EngineError("model_unsupported", "The 4-bit engine cannot run here or this model.")
    weights = load_weights(folder, torch.bfloat16)
    return QuantizedLlama(config, weights, slots=slots, context=context)


def load_other(folder: Path, precision: str, slots: int) -> Model:
    # Importing transformers takes seconds.
    from generation.engine.automodel import AutoModel

    if precision == "int4":
        raise EngineError("model_unsupported", "This architecture has no 4-bit form here.")
    return AutoModel(folder, DTYPES.get(precision, torch.float32), slots=slots)
