"""Small shapes, adapters and batches for the kernels' tests."""

import torch

from generation.engine.adapters import Adapter
from generation.engine.config import ModelConfig
from generation.engine.gpu.deltas import Deltas
from generation.engine.lora.peft import module_sizes
from generation.engine.model import Batch, PromptChunk


def shape(**changes):
    base = {
        "vocab_size": 50,
        "hidden_size": 48,
        "intermediate_size": 80,
        "layers": 2,
        "heads": 6,
        "kv_heads": 2,
        "head_dim": 16,
        "context": 96,
        "rms_eps": 1e-5,
        "rope_theta": 1e4,
        "rope_scaling": None,
        "tied": True,
        "stop_ids": (),
    }
    return ModelConfig(**base | changes)


def pairs(config, rank, without=()):
    torch.manual_seed(rank)
    return {
        (layer, module): (torch.randn(rank, size) / size**0.5, torch.randn(out, rank) / rank**0.5)
        for layer in range(config.layers)
        for module, (size, out) in module_sizes(config).items()
        if module not in without
    }


def adapter(config, rank, like, without=()):
    return Adapter(f"rank {rank}", Deltas(pairs(config, rank, without), config, like))


def batch(*parts):
    """Of (slot, start, count, adapter)."""
    chunks = [PromptChunk(slot, start, count) for slot, start, count, _ in parts]
    total = sum(chunk.count for chunk in chunks)
    tokens = [7 * place % 50 for place in range(total)]
    return Batch(tokens, chunks, list(range(total)), [own for *_, own in parts])
