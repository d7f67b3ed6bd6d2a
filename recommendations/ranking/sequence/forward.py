"""The sequence model for one person with numpy alone: the twin of `model.py` in the web process.

T positions, D dim, H heads, C = D / H.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recommendations.ranking.arrays import FloatArray, IntArray
from recommendations.ranking.sequence.config import ModelConfig
from recommendations.ranking.sequence.weights import Weights, check, load

EPSILON = 1e-5  # torch's LayerNorm


class Encoder:
    """Turns a history into a vector whose product with an item's vector is the item's score.

    Raises WeightsError if arrays and sizes do not fit.
    """

    def __init__(self, weights: Weights, config: ModelConfig) -> None:
        check(weights, config)
        self.weights, self.config = weights, config
        half = config.head_dim // 2
        rates = config.rotary_base ** (-np.arange(half, dtype=np.float32) / half)
        angles = np.arange(config.length, dtype=np.float32)[:, None] * rates
        self.cos, self.sin = np.cos(angles), np.sin(angles)  # (length, C / 2) each

    @classmethod
    def load(cls, path: Path, items: FloatArray | None = None) -> Encoder:
        """From a file; `items` (n_items, D), for example mapped ones, in place of the file's."""
        return cls(*load(path, items))

    @property
    def items(self) -> FloatArray:
        """(n_items, D)"""
        return self.weights["items"]

    def encode(self, history: IntArray) -> FloatArray | None:
        """The person's vector (D,), or None if the model knows no item of the history."""
        known = history[(history >= 0) & (history < len(self.items))][-self.config.length :]
        if not len(known):
            return None
        scale = np.float32(self.config.dim**0.5)
        x = np.asarray(self.items[known] * scale)  # (T, D)
        for block in range(self.config.blocks):
            # Only the last position is asked for, so the last block works on that one alone.
            x = self._block(x, f"blocks.{block}", last_only=block == self.config.blocks - 1)
        return self._norm(x[-1], "norm")

    def _block(self, x: FloatArray, name: str, last_only: bool) -> FloatArray:
        mixed = self._attention(self._norm(x, f"{name}.attention_norm"), name, last_only)
        x = (x[-1:] if last_only else x) + mixed
        gated = self._norm(x, f"{name}.feed_forward_norm")
        up = gated @ self.weights[f"{name}.feed_forward.up.weight"].T
        gate, value = np.split(up, 2, axis=-1)
        down = self.weights[f"{name}.feed_forward.down.weight"].T
        return np.asarray(x + (gate / (1 + np.exp(-gate)) * value) @ down)

    def _attention(self, x: FloatArray, name: str, last_only: bool) -> FloatArray:
        length, dim = x.shape
        qkv = x @ self.weights[f"{name}.attention.qkv.weight"].T  # (T, 3 D)
        parts = qkv.reshape(length, 3, self.config.heads, self.config.head_dim)
        q, k, v = parts.transpose(1, 2, 0, 3)  # each (H, T, C)
        query, key = self._rotated(q), self._rotated(k)
        query = query[:, -1:] if last_only else query
        scores = query @ key.swapaxes(1, 2) / np.float32(self.config.head_dim**0.5)  # (H, T, T)
        if not last_only:
            scores[:, np.triu(np.ones((length, length), dtype=bool), 1)] = -np.inf
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (scores / scores.sum(axis=-1, keepdims=True)) @ v  # (H, T, C)
        joined = mixed.swapaxes(0, 1).reshape(-1, dim)
        return np.asarray(joined @ self.weights[f"{name}.attention.out.weight"].T)

    def _rotated(self, x: FloatArray) -> FloatArray:
        cos, sin = self.cos[: x.shape[1]], self.sin[: x.shape[1]]
        first, second = np.split(x, 2, axis=-1)
        return np.concatenate((first * cos - second * sin, second * cos + first * sin), axis=-1)

    def _norm(self, x: FloatArray, name: str) -> FloatArray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return np.asarray(centred / scale * weight + bias)
