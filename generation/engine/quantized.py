"""The decoder in 4-bit weights on our own C++; one call for each step, all rows in it."""

from __future__ import annotations

import ctypes
import weakref

import torch
from torch import Tensor

from generation.engine.adapters import Pairs
from generation.engine.config import ModelConfig
from generation.engine.model import Batch, rotations
from generation.engine.native import library as native
from generation.engine.packed import HEAD_BITS, LINEAR_BITS, Parts


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

    logits_device = torch.device("cpu")

    def __init__(self, config: ModelConfig, parts: Parts, *, slots: int, context: int) -> None:
        self.config = config
        context = -(-context // native.PAIR) * native.PAIR
        self.cache = QuantizedCache(config, slots, context)
        cosines, sines = rotations(config, context)
        half = config.head_dim // 2
        turns = {"cosines": cosines[:, 0, :half], "sines": sines[:, 0, :half]}
        # The C++ side reads this memory as long as the model lives.
        self.parts = parts | {name: turn.contiguous() for name, turn in turns.items()}
        self.head = native.linear(parts["head"], config.hidden_size, HEAD_BITS)
        self.layers = (native.Layer * config.layers)(
            *(self.layer(number) for number in range(config.layers))
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
            embedding=native.address(parts["embedding"], torch.bfloat16),
            norm=self.floats("norm"),
            cosines=self.floats("cosines"),
            sines=self.floats("sines"),
            layer=self.layers,
            head=self.head,
            keys=native.address(self.cache.keys, torch.float16),
            values=native.address(self.cache.values, torch.float16),
        )
        self.decoder = native.required().decoder_new(model, torch.get_num_threads())
        weakref.finalize(self, native.required().decoder_free, self.decoder)

    def floats(self, name: str) -> int:
        return native.address(self.parts[name], torch.float32)

    def layer(self, number: int) -> native.Layer:
        config = self.config

        def linear(name: str, size: int) -> native.Linear:
            tiles, bias = self.parts[f"{number}.{name}"], self.parts.get(f"{number}.{name}.bias")
            return native.linear(tiles, size, LINEAR_BITS, bias)

        return native.Layer(
            qkv=linear("qkv", config.hidden_size),
            out=linear("out", config.query_size),
            gate_up=linear("gate_up", config.hidden_size),
            down=linear("down", config.intermediate_size),
            attention_norm=self.floats(f"{number}.attention_norm"),
            mlp_norm=self.floats(f"{number}.mlp_norm"),
        )

    def bind(self, pairs: Pairs) -> native.Deltas:
        """An adapter in the layout that this model's batches take."""
        return native.Deltas.pack(pairs, self.config)

    def restore(self, numbers: Tensor, places: native.Places) -> native.Deltas:
        """An adapter that was laid out before, from its numbers; ValueError if they do not fit."""
        return native.Deltas.restore(numbers, places, self.config)

    def forward(self, batch: Batch) -> Tensor:
        """The logits (wanted, vocabulary) in float32."""
        tokens = torch.tensor(batch.tokens, dtype=torch.int32)
        positions = [place for chunk in batch.chunks for place in range(chunk.start, chunk.stop)]
        places = torch.tensor(positions, dtype=torch.int32)
        slots = [chunk.slot for chunk in batch.chunks for _ in range(chunk.count)]
        owners = torch.tensor(slots, dtype=torch.int32)
        wanted = torch.tensor(batch.wanted, dtype=torch.int32)
        logits = torch.empty(len(batch.wanted), self.head.out)
        runs = batch.runs()
        described = native.Batch(
            rows=len(batch.tokens),
            wanted=len(batch.wanted),
            segments=len(runs),
            max_rank=max((deltas.rank for _, _, deltas in runs), default=0),
            tokens=tokens.data_ptr(),
            slots=owners.data_ptr(),
            positions=places.data_ptr(),
            wanted_rows=wanted.data_ptr(),
            segment=native.segments(runs),
            logits=logits.data_ptr(),
        )
        native.required().decoder_forward(self.decoder, ctypes.byref(described))
        return logits[:, : self.config.vocab_size]
