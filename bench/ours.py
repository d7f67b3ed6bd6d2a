"""Our engine as the benchmark drives it: the same prompts as the rivals', forced lengths."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from bench.measure import Taken
from generation.engine import load
from generation.engine.config import ModelConfig
from generation.engine.local import LocalEngine
from generation.engine.types import AdapterRef, Failed, GenerationRequest, Message, Sampling

CONTEXT = 1024
RANK = 16
GOODS = (
    *("houseplants", "bicycles", "old books", "cheese", "running shoes", "wooden toys", "lamps"),
    *("fresh bread", "wool socks", "garden tools", "coffee", "vinyl records", "tea", "kites"),
    *("fountain pens", "board games", "hats", "honey", "rain coats", "clocks", "ceramics"),
    *("chess sets", "olive oil", "candles", "backpacks", "paper", "soap", "spices", "seeds"),
    *("mirrors", "violins", "tents"),
)
NAMES = itertools.count()


def prompts(count: int) -> list[str]:
    """So many prompts of nearly one length, none like another."""
    return [
        f"Write a short text about a shop for {GOODS[place % len(GOODS)]} that delivers in town."
        for place in range(count)
    ]


class Writer:
    """An engine that writes texts of forced lengths, greedily."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine

    def write(
        self,
        asked: Sequence[str],
        tokens: int | Sequence[int],
        adapters: Sequence[AdapterRef] | None = None,
    ) -> int:
        """How many tokens were written; reading the prompts is part of the work."""
        self.submit(asked, tokens, adapters)
        before = self.written
        while self.engine.busy:
            self.step()
        return self.written - before

    def submit(
        self,
        asked: Sequence[str],
        tokens: int | Sequence[int],
        adapters: Sequence[AdapterRef] | None = None,
    ) -> None:
        lengths = [tokens] * len(asked) if isinstance(tokens, int) else tokens
        chosen = adapters or [None] * len(asked)
        for each in zip(asked, lengths, chosen, strict=True):
            self.engine.submit(request(*each))

    @property
    def written(self) -> int:
        return self.engine.stats().completion_tokens

    def step(self) -> int:
        """Tokens written in this step."""
        before = self.written
        for event in self.engine.step():
            if isinstance(event, Failed):
                raise RuntimeError(event.message)
        return self.written - before

    def decode(
        self, asked: Sequence[str], tokens: int, adapters: Sequence[AdapterRef] | None = None
    ) -> Taken:
        """Only the steps in which every text got a token and no prompt was read."""
        self.submit(asked, tokens, adapters)
        made, cpu, wall = 0, 0.0, 0.0
        while self.engine.busy:
            reading = any(seq.pending != 1 for seq in self.engine.scheduler.sequences.values())
            marks = process_time(), perf_counter()
            written = self.step()
            if written == len(asked) and not reading:
                made += written
                cpu += process_time() - marks[0]
                wall += perf_counter() - marks[1]
        return Taken(made, cpu, wall)


def request(prompt: str, tokens: int, adapter: AdapterRef | None) -> GenerationRequest:
    name = str(next(NAMES))
    return GenerationRequest(
        id=name,
        tenant=name,  # a tenant each, so that no prompt's beginning is shared
        messages=(Message("user", prompt),),
        max_tokens=tokens,
        min_tokens=tokens,
        adapter=adapter,
        sampling=Sampling(temperature=0),
    )


def prepared(engine: LocalEngine) -> LocalEngine:
    """Once nothing more is compiled beside the batches, which would count as their cost."""
    for grammar in engine.grammars.compiled.values():
        grammar.result()
    return engine


@contextmanager
def writer(model: Path, rows: int, threads: int, **options: Any) -> Iterator[Writer]:
    """A warm engine."""
    engine = load("local", model=model, rows=rows, threads=threads, context=CONTEXT, **options)
    assert isinstance(engine, LocalEngine)
    try:
        made = Writer(prepared(engine))
        made.write(prompts(rows), 4)
        yield made
    finally:
        engine.close()


def write_adapters(model: Path, folder: Path, count: int) -> list[AdapterRef]:
    """Random adapters of rank 16 in PEFT's format, on all linear maps."""
    config = ModelConfig.read(model)
    return [write_adapter(folder / f"adapter{number}", config) for number in range(count)]


def write_adapter(folder: Path, config: ModelConfig) -> AdapterRef:
    import torch
    from safetensors.torch import save_file

    from generation.engine.lora.peft import MODULES, module_sizes

    tensors = {}
    for layer in range(config.layers):
        for module, (size, out) in module_sizes(config).items():
            name = f"base_model.model.model.layers.{layer}.{MODULES[module]}.{module}"
            tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, size) * 0.01
            tensors[f"{name}.lora_B.weight"] = torch.randn(out, RANK) * 0.01
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": RANK, "lora_alpha": RANK, "target_modules": [*MODULES]}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    data = (folder / "adapter_model.safetensors").read_bytes()
    return AdapterRef(folder.name, str(folder), hashlib.sha256(data).hexdigest())
