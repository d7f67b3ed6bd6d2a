"""The frozen base as training sees it: packed rows in, the states of wanted places out.

N tokens of a pack, n wanted places. Weights are mapped from their file and never get a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from generation.engine.config import ModelConfig
from generation.engine.model import Dense, Layer, layer, load_weights
from generation.engine.native.build import processor
from generation.engine.types import EngineError
from training.lora import ops
from training.lora.adapter import JOINED, LoraParameters, Update, magnitude_name
from training.lora.attention import attention
from training.lora.errors import TrainingError
from training.lora.packing import Pack, Packer

if TYPE_CHECKING:
    from collections.abc import Iterator

# Without these a processor works in bf16 more slowly than in float32.
BF16_ARITHMETIC = {"amx_bf16", "avx512_bf16", "bf16"}


def best_precision(device: torch.device) -> torch.dtype:
    has_bf16 = device.type != "cpu" or BF16_ARITHMETIC & set(processor().split())
    return torch.bfloat16 if has_bf16 else torch.float32


@dataclass(frozen=True, slots=True)
class Dropout:
    """Masks that the seed and a map's place decide, so that a pass done anew drops the same."""

    share: float
    seed: int

    def __call__(self, x: Tensor, layer: int, part: str) -> Tensor | None:
        if not self.share:
            return None
        place = layer * len(JOINED) + [*JOINED].index(part)
        chance = torch.Generator(x.device).manual_seed(self.seed * 4096 + place)
        kept = torch.empty_like(x).bernoulli_(1 - self.share, generator=chance)
        return x * kept.div_(1 - self.share)


NO_DROPOUT = Dropout(0.0, 0)


class Decoder:
    """A Llama-family base in one precision on one device."""

    def __init__(
        self,
        folder: Path,
        context: int,
        *,
        dtype: torch.dtype | None = None,
        device: torch.device = torch.device("cpu"),  # noqa: B008 a plain value
    ) -> None:
        try:
            self.config = ModelConfig.read(folder)
        except EngineError as error:
            raise TrainingError("model_unsupported", error.message) from error
        self.device, self.dtype = device, dtype or best_precision(device)
        weights = load_weights(folder, self.dtype, str(device))
        self.embedding = weights["model.embed_tokens.weight"]
        self.norm = weights["model.norm.weight"]
        self.head = self.embedding if self.config.tied else weights["lm_head.weight"]
        self.layers = [layer(weights, number) for number in range(self.config.layers)]
        self.packer = Packer(self.config, context, device)

    def embed(self, pack: Pack) -> Tensor:
        """(N, hidden)"""
        return self.embedding[pack.tokens]

    def states(
        self,
        pack: Pack,
        adapter: LoraParameters | None = None,
        *,
        embedded: Tensor | None = None,
        dropout: Dropout = NO_DROPOUT,
    ) -> Tensor:
        """The normed last states (n, hidden) of the wanted places."""
        views = adapter.views(self.dtype) if adapter else {}
        x = self.embed(pack) if embedded is None else embedded
        more: Tensor | None = None
        eps = self.config.rms_eps
        for number, part in enumerate(self.layers):
            adapted = AdaptedMaps(adapter, views, number, dropout)
            x, y = ops.add_norm(x, more, part.attention_norm, eps)
            y = attention(adapted(y, part.qkv, "qkv"), pack.layout)
            x, y = ops.add_norm(x, adapted(y, part.out, "out"), part.mlp_norm, eps)
            more = adapted(ops.swiglu(adapted(y, part.gate_up, "gate_up")), part.down, "down")
        last = more.index_select(0, pack.wanted) if more is not None else None
        return ops.add_norm(x.index_select(0, pack.wanted), last, self.norm, eps)[1]

    def losses(
        self,
        pack: Pack,
        adapter: LoraParameters | None = None,
        *,
        embedded: Tensor | None = None,
        dropout: Dropout = NO_DROPOUT,
        smoothing: float = 0.0,
    ) -> Tensor:
        """The cross-entropy (n,) of the wanted places."""
        states = self.states(pack, adapter, embedded=embedded, dropout=dropout)
        return ops.token_losses(states, self.head, pack.targets, smoothing)

    def maps(self) -> Iterator[tuple[int, str, Dense]]:
        """(layer, joined name, map) of all of them."""
        for number, part in enumerate(self.layers):
            yield from ((number, name, dense_of(part, name)) for name in JOINED)

    def lengths(self, parameters: LoraParameters) -> dict[str, Tensor]:
        """The lengths of the rows (out,) of every map, by DoRA's names."""
        found = {}
        for number, name, dense in self.maps():
            sizes = [parameters.sizes[module][1] for module in JOINED[name]]
            parts = dense.weight.float().norm(dim=1).split(sizes)
            for module, part in zip(JOINED[name], parts, strict=True):
                found[magnitude_name(number, module)] = part
        return found


def dense_of(part: Layer, name: str) -> Dense:
    found = getattr(part, name)
    assert isinstance(found, Dense)
    return found


@dataclass(frozen=True, slots=True)
class AdaptedMaps:
    """The maps of one layer with what the adapter adds to them."""

    adapter: LoraParameters | None
    views: Mapping[str, Tensor]
    number: int
    dropout: Dropout

    def __call__(self, x: Tensor, linear: object, name: str) -> Tensor:
        """x (N, in) -> (N, out)."""
        assert isinstance(linear, Dense)
        update = self.adapter.update(self.views, self.number, name) if self.adapter else None
        if update is None:
            return linear(x)
        dropped = self.dropout(x, self.number, name)
        y = ops.lora_linear(x, dropped, linear.weight, update.down, update.up)
        if update.magnitude is not None:
            y = y * stretch(linear.weight, update)
        return y if linear.bias is None else y + linear.bias


def stretch(weight: Tensor, update: Update) -> Tensor:
    """DoRA's factor (out,): the magnitudes over the lengths of W + B A, which get no gradient.

    |w + b A|^2 = |w|^2 + 2 w A' b' + b A A' b', so that the sum is never built.
    """
    assert update.magnitude is not None
    with torch.no_grad():
        down, up = update.down.float(), update.up.float()
        cross = F.linear(weight, update.down).float()  # (out, R)
        squares = weight.float().square().sum(1)
        squares += (2 * cross * up).sum(1) + ((up @ (down @ down.t())) * up).sum(1)
        lengths = squares.clamp_min(0).sqrt()
    factor = (update.magnitude.float() / lengths).to(weight.dtype)
    return torch.where(update.magnitude.isnan(), torch.ones_like(factor), factor)
