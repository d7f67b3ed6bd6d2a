"""Decoders of any other architecture, run by transformers: slower, and without adapters."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

from generation.engine.adapters import Pairs
from generation.engine.config import OtherConfig, as_ids
from generation.engine.model import Batch, PromptChunk
from generation.engine.types import EngineError

# Nothing is fetched and no code of the model's own is run.
AT_HOME = {"local_files_only": True, "trust_remote_code": False}


def read_other(folder: Path) -> OtherConfig:
    """The shape of a decoder that transformers knows; EngineError if it knows none such."""
    try:
        config = AutoConfig.from_pretrained(folder, **AT_HOME).get_text_config()
    except (OSError, ValueError) as error:
        raise unsupported(folder) from error
    return OtherConfig(
        vocab_size=config.vocab_size,
        context=getattr(config, "max_position_embeddings", 2048),
        stop_ids=as_ids(config.eos_token_id),
        # No more than this: every layer keeps keys and values as wide as its input.
        cache_bytes=2 * 4 * config.num_hidden_layers * config.hidden_size,
    )


def unsupported(folder: Path) -> EngineError:
    return EngineError("model_unsupported", f"No decoder that can run here is in {folder.name}.")


class Caches:
    """The keys and values of each slot, which grow token by token."""

    def __init__(self, slots: int) -> None:
        self.slots = [DynamicCache() for _ in range(slots)]

    def copy(self, source: int, target: int, length: int) -> None:
        self.slots[target] = cut(copy.deepcopy(self.slots[source]), length)

    def reach(self, slot: int, length: int) -> DynamicCache:
        """The slot's cache with its first `length` tokens."""
        self.slots[slot] = cut(self.slots[slot], length) if length else DynamicCache()
        return self.slots[slot]


def cut(cache: DynamicCache, length: int) -> DynamicCache:
    if surplus := cache.get_seq_length() - length:
        cache.crop(-surplus)
    return cache


class AutoModel:
    """Same interface as model.Llama. Rows are computed one by one, so a batch may be ragged."""

    logits_device = torch.device("cpu")

    def __init__(self, folder: Path, dtype: torch.dtype, *, slots: int, device: str) -> None:
        try:
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, use_safetensors=True, **AT_HOME
            )
        except (OSError, ValueError) as error:
            raise unsupported(folder) from error
        if model._is_stateful:
            # A state that is folded up token by token cannot be taken back to an earlier one.
            raise unsupported(folder)
        self.model = model.eval().to(device)
        self.cache = Caches(slots)

    def bind(self, pairs: Pairs) -> NoReturn:
        """Never called: the engine refuses adapters for these models before it reads them."""
        raise NotImplementedError

    @torch.inference_mode()
    def forward(self, batch: Batch) -> Tensor:
        """The logits (wanted, vocabulary) in float32."""
        parts, begin = [], 0
        for chunk in batch.chunks:
            end = begin + chunk.count
            wanted = [place - begin for place in batch.wanted if begin <= place < end]
            parts.append(self.scores(batch.tokens[begin:end], chunk)[wanted])
            begin = end
        return torch.cat(parts).float().cpu()

    def scores(self, tokens: list[int], chunk: PromptChunk) -> Tensor:
        """The logits (n, vocabulary) of one chunk's n tokens, after those that its slot holds."""
        cache = self.cache.reach(chunk.slot, chunk.start)
        ids = torch.tensor([tokens], device=self.model.device)
        output = self.model(ids, past_key_values=cache, use_cache=True)
        logits: Tensor = output.logits[0]
        return logits
