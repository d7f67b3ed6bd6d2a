"""The sequence model in PyTorch: a causal transformer whose output is compared with items.

B sequences, T positions, D dim, H heads, C = D / H. `forward.py` is its twin without torch.
Sources: SASRec (arXiv:1808.09781), rotary positions (arXiv:2104.09864), SwiGLU (arXiv:2002.05202).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommendations.ranking.sequence.config import ModelConfig


class Dropout(nn.Module):
    """As torch's, drawn eight places at a time: a third of a CPU's step went into it."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = round(share * 256)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.dropped):
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device)
        drawn = words.random_(-(2**63), None).view(torch.uint8)[: x.numel()].view(x.shape)
        return x * ((drawn >= self.dropped).to(x.dtype) * (256 / (256 - self.dropped)))


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.dim, 3 * config.dim, bias=False)
        self.out = nn.Linear(config.dim, config.dim, bias=False)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        batch, length, dim = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, T, C)
        q, k = rotated(q, rotation), rotated(k, rotation)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, dim))  # type: ignore[no-any-return]


class FeedForward(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.dim, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(functional.silu(gate) * value)  # type: ignore[no-any-return]


class Block(nn.Module):
    def __init__(self, config: ModelConfig, dropout: float) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.dim)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.LayerNorm(config.dim)
        self.feed_forward = FeedForward(config)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x), rotation))
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))  # type: ignore[no-any-return]


class SequenceModel(nn.Module):
    """`items` (n, D) are both what is read and what the output is compared with."""

    def __init__(self, n_items: int, config: ModelConfig, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.items = nn.Parameter(torch.randn(n_items, config.dim) * 0.02)
        self.blocks = nn.ModuleList(Block(config, dropout) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(config.dim)
        self.dropout = Dropout(dropout)

    def forward(self, items: Tensor) -> Tensor:
        """(B, T) item indexes, filled up at the right with anything -> (B, T, D)."""
        rotation = rotation_of(items.shape[1], self.config, self.items.device)
        # The scale brings an item's small entries up to the size that the blocks add.
        x = self.dropout(functional.embedding(items, self.items) * self.config.dim**0.5)
        for block in self.blocks:
            x = block(x, rotation)
        return self.norm(x)  # type: ignore[no-any-return]


def rotation_of(length: int, config: ModelConfig, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, C / 2) of every position's angles."""
    half = config.head_dim // 2
    rates = config.rotary_base ** (-torch.arange(half, device=device) / half)
    angles = torch.arange(length, device=device)[:, None] * rates
    return angles.cos(), angles.sin()


def rotated(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    """Turn the pairs (first half, second half) of (B, H, T, C) by their positions' angles."""
    cos, sin = (part.to(x.dtype) for part in rotation)
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
