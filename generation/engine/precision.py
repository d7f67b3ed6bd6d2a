"""Which form the base's weights take on this machine, and the model in that form."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from generation.engine.adapters import Pairs
from generation.engine.config import ModelConfig, OtherConfig
from generation.engine.model import Batch, Llama, load_weights
from generation.engine.packed import PackedFile, pack, supported
from generation.engine.quantized import QuantizedLlama
from generation.engine.types import EngineError
from generation.engine.weights import weights_sha256

log = logging.getLogger(__name__)

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
PRECISIONS = ("auto", "int4", *DTYPES)
DEVICES = ("cpu", "cuda")


class Cache(Protocol):
    def copy(self, source: int, target: int, length: int) -> None:
        """Give the target slot the first `length` positions of the source."""


class Model(Protocol):
    @property
    def cache(self) -> Cache: ...

    @property
    def logits_device(self) -> torch.device:
        """Where `forward` leaves its logits, and a sampler must work."""

    def bind(self, pairs: Pairs) -> Any:
        """An adapter's weights in the form that `Batch.adapters` takes."""

    def forward(self, batch: Batch) -> Tensor: ...


class Base:
    """A base on its way into memory, hashed by a thread of its own while its tokenizer is read.

    `auto` is bfloat16 on a GPU; else int4 where our library was built and fits the model, or
    float32.
    """

    def __init__(
        self,
        folder: Path,
        config: ModelConfig | OtherConfig,
        precision: str = "auto",
        device: str = "cpu",
    ) -> None:
        self.folder, self.config, self.device = folder, config, device
        if device == "cuda" and not torch.cuda.is_available():
            raise EngineError("device_missing", "The engine is to run on a GPU, but finds none.")
        known = device == "cpu" and isinstance(config, ModelConfig) and supported(config)
        plain = "fp32" if device == "cpu" else "bf16"
        self.precision = ("int4" if known else plain) if precision == "auto" else precision
        if self.precision == "int4" and not known:
            message = "The 4-bit engine cannot run here or this model."
            raise EngineError("model_unsupported", message)
        self.packed = PackedFile.find(folder) if self.precision == "int4" else None
        pool = ThreadPoolExecutor(1, "base")
        self.hashing = pool.submit(self.hash)
        pool.shutdown(wait=False)

    def hash(self) -> str:
        """The sha256 of the weights that are really used; see packed.py for what verifies it."""
        if self.packed is not None:
            if self.packed.verified():
                return self.packed.base_sha256
            log.warning("packed_base_damaged folder=%s", self.folder.name)
            self.packed = None
        return weights_sha256(self.folder)

    @property
    def sha256(self) -> str:
        return self.hashing.result()

    def load(self, slots: int, context: int) -> Model:
        room = {"slots": slots, "context": context}
        if isinstance(self.config, OtherConfig):
            return load_other(self.folder, self.precision, slots, self.device)
        if self.precision != "int4":
            weights = load_weights(self.folder, DTYPES[self.precision], self.device)
            if self.device == "cpu":
                return Llama(self.config, weights, **room)
            # What a GPU needs is not there elsewhere.
            from generation.engine.gpu.check import checked

            return checked(self.config, weights, **room)
        self.hashing.result()  # before any of it is used
        if self.packed is not None:
            return QuantizedLlama(self.config, self.packed.parts(), **room)
        weights = load_weights(self.folder, torch.bfloat16)
        return QuantizedLlama(self.config, pack(weights, self.config), **room)


def load_other(folder: Path, precision: str, slots: int, device: str) -> Model:
    # Importing transformers takes seconds.
    from generation.engine.automodel import AutoModel

    return AutoModel(folder, DTYPES.get(precision, torch.float32), slots=slots, device=device)
