"""The decoder in 4-bit weights on our own C++; one call for each step, all rows in it."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import torch
from torch import Tensor

from generation.engine.adapters import Pairs
from generation.engine.config import ModelConfig
from generation.engine.model import Batch, Weights, rotations
from generation.engine.native import library as native

LINEAR_BITS = 4
# The head decides between tokens; it keeps the eight bits that the base ships it with.
HEAD_BITS = 8


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


class QuantizedCache:
    """Half-precision keys (blocks of 16 positions, transposed) and values of all slots."""

    def __init__(self, config: ModelConfig, slots: int, context: int) -> None:
        shape = (config.layers, slots, config.kv_heads, context, config.head_dim)
        self.keys = torch.empty(shape, dtype=torch.float16)
        self.values = torch.empty(shape, dtype=torch.float16)

    def copy(self, source: int, target: int, length: int) -> None:
        whole = -(-length // native.LANES) * native.LANES
        for side in (self.keys, self.values):
            side[:, target, :, :whole] = side[:, source, :, :whole]


class QuantizedLlama:
    """Same interface as model.Llama. A row's numbers do not depend on its neighbours at all."""

    def __init__(self, config: ModelConfig, weights: Weights, *, slots: int, context: int) -> None:
        self.config = config
        context = -(-context // native.PAIR) * native.PAIR
        self.cache = QuantizedCache(config, slots, context)
        self.kept: list[Any] = []
        self.embedding = weights["model.embed_tokens.weight"].to(torch.bfloat16).contiguous()
        cosines, sines = rotations(config, context)
        half = config.head_dim // 2
        self.head = native.Packed(
            weights["model.embed_tokens.weight" if config.tied else "lm_head.weight"], HEAD_BITS
        )
        self.layers = (native.Layer * config.layers)(
            *(self.layer(weights, number) for number in range(config.layers))
        )
        model = native.Model(
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            layers=config.layers,
            heads=config.heads,
            kv_heads=config.kv_heads,
            head_size=config.head_dim,
            context=context,
            slots=slots,
            eps=config.rms_eps,
            embedding=native.address(self.embedding, torch.bfloat16),
            norm=self.floats(weights["model.norm.weight"]),
            cosines=self.floats(cosines[:, 0, :half]),
            sines=self.floats(sines[:, 0, :half]),
            layer=self.layers,
            head=self.head.view,
            keys=native.address(self.cache.keys, torch.float16),
            values=native.address(self.cache.values, torch.float16),
        )
        self.decoder = native.required().decoder_new(model, torch.get_num_threads())
        weakref.finalize(self, native.required().decoder_free, self.decoder)

    def floats(self, tensor: Tensor) -> int:
        """The address of a float32 copy that lives as long as the model."""
        self.kept.append(tensor.float().contiguous())
        return native.address(self.kept[-1], torch.float32)

    def layer(self, weights: Weights, number: int) -> native.Layer:
        prefix = f"model.layers.{number}."

        def join(*names: str) -> native.Linear:
            parts = torch.cat([weights[f"{prefix}{name}.weight"] for name in names])
            biases = [weights.get(f"{prefix}{name}.bias") for name in names]
            found = [bias for bias in biases if bias is not None]
            bias = torch.cat(found).float() if found else None
            self.kept.append(native.Packed(parts, LINEAR_BITS, bias))
            view: native.Linear = self.kept[-1].view
            return view

        return native.Layer(
            qkv=join(*(f"self_attn.{side}_proj" for side in "qkv")),
            out=join("self_attn.o_proj"),
            gate_up=join("mlp.gate_proj", "mlp.up_proj"),
            down=join("mlp.down_proj"),
            attention_norm=self.floats(weights[f"{prefix}input_layernorm.weight"]),
            mlp_norm=self.floats(weights[f"{prefix}post_attention_layernorm.weight"]),
        )

    def bind(self, pairs: Pairs) -> native.Deltas:
        """An adapter in the form that this model's batches take."""
        return native.Deltas(pairs, self.config)

    def forward(self, batch: Batch) -> Tensor:
        """The logits (wanted, vocabulary) in float32."""
        tokens = torch.tensor(batch.tokens, dtype=torch.int32)
        positions = [place for span in batch.spans for place in range(span.start, span.stop)]
        places = torch.tensor(positions, dtype=torch.int32)
        slots = [span.slot for span in batch.spans for _ in range(span.count)]
        owners = torch.tensor(slots, dtype=torch.int32)
        wanted = torch.tensor(batch.wanted, dtype=torch.int32)
        logits = torch.empty(len(batch.wanted), self.head.view.out)
        runs = batch.runs()
        described = native.Batch(
            rows=len(batch.tokens),
            wanted=len(batch.wanted),
            segments=len(runs),
            max_rank=max((bound.rank for _, _, bound in runs), default=0),
            tokens=tokens.data_ptr(),
            slots=owners.data_ptr(),
            positions=places.data_ptr(),
            wanted_rows=wanted.data_ptr(),
            segment=native.segments(runs),
            logits=logits.data_ptr(),
        )
        native.required().decoder_forward(self.decoder, ctypes.byref(described))
        return logits[:, : self.config.vocab_size]
