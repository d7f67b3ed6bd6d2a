"""A small Llama-family decoder over a slotted cache. N tokens, H heads, K key heads, D per head."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from generation.engine.adapters import Adapter, Pairs, cast, module_offsets
from generation.engine.config import ModelConfig
from generation.engine.weights import weight_files

Linear = Callable[[Tensor], Tensor]
# (layer, the joined queries, keys and values (N, ...)) -> what attention makes of them (N, H * D).
Attended = Callable[[int, Tensor], Tensor]
# (y, x, *modules) -> y with what the adapters add, as Additions has it.
Added = Callable[..., Tensor]
Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class PromptChunk:
    """`count` tokens of one slot, at positions start, start + 1, ..."""

    slot: int
    start: int
    count: int

    @property
    def stop(self) -> int:
        return self.start + self.count


@dataclass(frozen=True, slots=True)
class Batch:
    """The tokens of one step, chunk after chunk; logits are made for the `wanted` ones.

    `adapters` has each chunk's adapter, None for the bare base; left out, none has any.
    """

    tokens: list[int]
    chunks: list[PromptChunk]
    wanted: list[int]
    adapters: list[Adapter | None] = field(default_factory=list)

    def adapter_runs(self) -> list[tuple[int, int, Adapter]]:
        """(begin, end, adapter) of neighbouring tokens that have the same one."""
        stretches: list[tuple[int, int, Adapter | None]] = []
        begin = 0
        for chunk, adapter in zip(self.chunks, self.adapters, strict=False):
            first, end = begin, begin + chunk.count
            if stretches and stretches[-1][2] is adapter:
                first = stretches.pop()[0]
            stretches.append((first, end, adapter))
            begin = end
        return [(first, end, own) for first, end, own in stretches if own is not None]

    def runs(self) -> list[tuple[int, int, Any]]:
        """(begin, end, laid-out adapter) for the forward pass."""
        return [(begin, end, adapter.layout) for begin, end, adapter in self.adapter_runs()]

    def hashes(self) -> list[set[str | None]]:
        """What adapter each chunk has in the forward pass: one hash, or None for the bare base.

        Read from the stretches that the forward pass reads, not from what was asked for.
        """
        names: list[str | None] = [None] * len(self.tokens)
        for begin, end, adapter in self.adapter_runs():
            names[begin:end] = [adapter.sha256] * (end - begin)
        ends = accumulate(chunk.count for chunk in self.chunks)
        pairs = zip(self.chunks, ends, strict=True)
        return [set(names[end - chunk.count : end]) for chunk, end in pairs]


@dataclass(frozen=True, slots=True)
class Dense:
    """A plain linear map; weight (out, in)."""

    weight: Tensor
    bias: Tensor | None = None

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class Layer:
    attention_norm: Tensor
    qkv: Linear
    out: Linear
    mlp_norm: Tensor
    gate_up: Linear
    down: Linear


@dataclass(frozen=True, slots=True)
class Additions:
    """What the adapters of a batch add to the linear maps of one layer."""

    runs: list[tuple[int, int, Pairs]]
    number: int
    offsets: dict[str, int]

    def __call__(self, y: Tensor, x: Tensor, *modules: str) -> Tensor:
        """y (N, out), the joined outputs of the modules for x (N, in), changed in place."""
        for begin, end, pairs in self.runs:
            for module in modules:
                if pair := pairs.get((self.number, module)):
                    low, up = pair
                    start = self.offsets[module]
                    more = F.linear(F.linear(x[begin:end], low), up)
                    y[begin:end, start : start + len(up)] += more
        return y


class Cache:
    """Keys and values of all slots; the memory is only taken up as positions are written."""

    def __init__(self, config: ModelConfig, slots: int, context: int, like: Tensor) -> None:
        shape = (config.layers, slots, config.kv_heads, context, config.head_dim)
        self.keys, self.values = like.new_empty(shape), like.new_empty(shape)

    def copy(self, source: int, target: int, length: int) -> None:
        for side in (self.keys, self.values):
            side[:, target, :, :length] = side[:, source, :, :length]


class Llama:
    """The forward pass. Each row's numbers depend on that row alone, up to rounding."""

    # Where `forward` leaves its logits, and a sampler and grammars must work.
    logits_device = torch.device("cpu")

    def __init__(self, config: ModelConfig, weights: Weights, *, slots: int, context: int) -> None:
        self.config = config
        self.embedding = weights["model.embed_tokens.weight"]
        self.dtype, self.device = self.embedding.dtype, self.embedding.device
        self.norm = weights["model.norm.weight"]
        self.layers = [layer(weights, number) for number in range(config.layers)]
        head = "model.embed_tokens.weight" if config.tied else "lm_head.weight"
        self.head: Linear = Dense(weights[head])
        self.cache = Cache(config, slots, context, self.embedding)
        self.cosines, self.sines = (side.to(self.device) for side in rotations(config, context))
        self.offsets = module_offsets(config)

    def bind(self, pairs: Pairs) -> Any:
        """An adapter in the form that this model's batches take."""
        return cast(pairs, self.dtype, self.device)

    @torch.inference_mode()
    def forward(self, batch: Batch) -> Tensor:
        """The logits (wanted, vocabulary) in float32, on `logits_device`."""
        positions = self.index(
            [p for chunk in batch.chunks for p in range(chunk.start, chunk.stop)]
        )
        slots = self.index([chunk.slot for chunk in batch.chunks for _ in range(chunk.count)])
        turn = self.cosines[positions], self.sines[positions]  # (N, 1, D) each
        masks = [causal_mask(chunk, self.config.groups, self.device) for chunk in batch.chunks]
        runs = batch.runs()

        def attended(number: int, qkv: Tensor) -> Tensor:
            q, k, v = self.split(qkv, turn)
            self.cache.keys[number][slots, :, positions] = k
            self.cache.values[number][slots, :, positions] = v
            return self.attend(number, q, batch.chunks, masks)

        x = self.embedding[self.index(batch.tokens)]  # (N, hidden)
        x = self.walk(x, attended, lambda number: Additions(runs, number, self.offsets))
        return self.scores(x[self.index(batch.wanted)]).float().to(self.logits_device)

    def walk(self, x: Tensor, attended: Attended, added: Callable[[int], Added]) -> Tensor:
        """x (N, hidden) through all layers."""
        for number, part in enumerate(self.layers):
            add = added(number)
            y = self.normed(x, part.attention_norm)
            y = attended(number, add(part.qkv(y), y, "q_proj", "k_proj", "v_proj"))
            x = x + add(part.out(y), y, "o_proj")
            y = self.normed(x, part.mlp_norm)
            y = gated(add(part.gate_up(y), y, "gate_proj", "up_proj"))
            x = x + add(part.down(y), y, "down_proj")
        return x

    def scores(self, x: Tensor) -> Tensor:
        """x (n, hidden) -> (n, vocabulary), in the model's precision."""
        return self.head(self.normed(x, self.norm))

    def index(self, places: list[int]) -> Tensor:
        return torch.tensor(places, dtype=torch.long, device=self.device)

    def split(self, qkv: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (N, H, D), keys and values (N, K, D), rotated to their places."""
        config = self.config
        sizes = [config.query_size, config.kv_size, config.kv_size]
        q, k, v = torch.split(qkv, sizes, dim=-1)
        q = rotate(q.view(-1, config.heads, config.head_dim), *turn)
        k = rotate(k.view(-1, config.kv_heads, config.head_dim), *turn)
        return q, k, v.view(-1, config.kv_heads, config.head_dim)

    def attend(
        self, number: int, q: Tensor, chunks: list[PromptChunk], masks: list[Tensor | None]
    ) -> Tensor:
        """q (N, H, D) over each chunk's own slot -> (N, H * D).

        The heads of a group share their keys, so they are folded into the query axis.
        """
        config, parts, begin = self.config, [], 0
        for chunk, mask in zip(chunks, masks, strict=True):
            own = q[begin : begin + chunk.count]
            begin += chunk.count
            folded = own.view(chunk.count, config.kv_heads, config.groups, config.head_dim)
            folded = folded.permute(1, 2, 0, 3).flatten(1, 2)  # (K, groups * n, D)
            keys = self.cache.keys[number, chunk.slot, :, : chunk.stop]  # (K, length, D)
            values = self.cache.values[number, chunk.slot, :, : chunk.stop]
            mixed = F.scaled_dot_product_attention(
                folded[None], keys[None], values[None], attn_mask=mask
            )[0]
            mixed = mixed.view(-1, config.groups, chunk.count, config.head_dim).permute(2, 0, 1, 3)
            parts.append(mixed.reshape(chunk.count, config.query_size))
        return torch.cat(parts)

    def normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, weight.shape, weight, self.config.rms_eps)


def layer(weights: Weights, number: int) -> Layer:
    def join(names: Iterable[str]) -> Dense:
        prefix = f"model.layers.{number}."
        parts = [weights[f"{prefix}{name}.weight"] for name in names]
        biases = [weights.get(f"{prefix}{name}.bias") for name in names]
        found = [bias for bias in biases if bias is not None]
        return Dense(torch.cat(parts), torch.cat(found) if found else None)

    return Layer(
        attention_norm=weights[f"model.layers.{number}.input_layernorm.weight"],
        qkv=join([f"self_attn.{side}_proj" for side in "qkv"]),
        out=join(["self_attn.o_proj"]),
        mlp_norm=weights[f"model.layers.{number}.post_attention_layernorm.weight"],
        gate_up=join(["mlp.gate_proj", "mlp.up_proj"]),
        down=join(["mlp.down_proj"]),
    )


def rotations(config: ModelConfig, context: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (context, 1, D), each pair's angle in both halves."""
    angles = torch.outer(torch.arange(context).float(), torch.tensor(config.frequencies()))
    angles = torch.cat([angles, angles], dim=-1)[:, None]
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    """x (N, heads, D) turned by its positions' angles."""
    first, second = x.chunk(2, dim=-1)
    swapped = torch.cat([-second, first], dim=-1)
    return x * cosines.to(x.dtype) + swapped * sines.to(x.dtype)


def gated(x: Tensor) -> Tensor:
    gate, up = x.chunk(2, dim=-1)
    return F.silu(gate) * up


def causal_mask(chunk: PromptChunk, groups: int, device: torch.device) -> Tensor | None:
    """(groups * n, length): each token sees the slot up to itself; one token sees all."""
    if chunk.count == 1:
        return None
    places = torch.arange(chunk.stop, device=device)
    return (places[None] <= places[chunk.start :, None]).repeat(groups, 1)


def load_weights(folder: Path, dtype: torch.dtype, device: str = "cpu") -> Weights:
    weights: Weights = {}
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            weights |= {
                name: file.get_tensor(name).to(device, dtype)
                for name in file.keys()  # noqa: SIM118
            }
    return weights
