"""The engine on a GPU beside transformers and PEFT there, and how near its roofs it comes.

`python -m bench.gpu` prints a table in markdown, line by line. Tokens a second are those of the
steps in which every text gets one; the reading of the prompts is left out of theirs too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import torch

from bench import roofs
from bench.measure import taken
from bench.ours import CONTEXT, RANK, Writer, prompts, write_adapters, writer
from bench.rivals import Adapted, Generator
from generation.engine.config import ModelConfig
from generation.engine.convert import convert
from generation.engine.lora.peft import module_sizes
from generation.engine.types import AdapterRef

HEAD = (
    "| texts | adapters | ours, tokens/s | of the compute roof | of the memory roof | theirs |",
    "| --- | --- | --- | --- | --- | --- |",
)
# All prompts are read at once, so that all texts write together after that.
CHUNK = 8192
PROMPT = 45  # about what the prompts have, for the bytes of the cache
SIZE, BUFFER, AT_LEAST_S = 8192, 2**30, 0.5
# PEFT goes through its adapters one by one; more of them take it minutes.
MOST_THEIRS = 64


def main() -> int:
    if not torch.cuda.is_available():
        print("There is no GPU here.")
        return 2
    chosen = options()
    models = Path(os.environ.get("DATA_DIR", ".data")) / "models"
    model = Path(chosen.model) if chosen.model else convert(models / "smollm2-135m-instruct")
    with tempfile.TemporaryDirectory() as folder:
        refs = write_adapters(model, Path(folder), max(chosen.adapters))
        for line in Table(model, refs, chosen).lines():
            print(line, flush=True)
    return 0


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--model", help="a folder; the packaged base model otherwise")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 32, 256, 1024])
    parser.add_argument("--adapters", type=int, nargs="+", default=[1, 64, 512])
    parser.add_argument("--tokens", type=int, default=64, help="length of each text")
    parser.add_argument("--alone", action="store_true", help="without transformers and PEFT")
    return parser.parse_args()


@dataclass(frozen=True)
class Roofs:
    """What this GPU does at best: FLOPs a second in bf16, and bytes a second."""

    flops: float
    bytes: float

    @classmethod
    def measured(cls) -> Roofs:
        left, right = torch.randn(2, SIZE, SIZE, device="cuda", dtype=torch.bfloat16)
        source = torch.ones(BUFFER, dtype=torch.uint8, device="cuda")
        target = torch.empty_like(source)
        product = repeated(lambda: left @ right, 2.0 * SIZE**3)
        return cls(product, repeated(lambda: target.copy_(source), 2.0 * BUFFER))


def repeated(run: Callable[[], object], made: float) -> float:
    """What is made a second when it is done again and again."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < AT_LEAST_S:
        for _ in range(10):
            run()
        torch.cuda.synchronize()
        count += 10
    return count * made / (time.perf_counter() - began)


class Table:
    def __init__(self, model: Path, refs: Sequence[AdapterRef], chosen: argparse.Namespace) -> None:
        self.model, self.refs, self.chosen = model, refs, chosen
        self.config = ModelConfig.read(model)
        self.roofs = Roofs.measured()

    def lines(self) -> Iterator[str]:
        card, torches = torch.cuda.get_device_name(), torch.__version__
        yield f"{card}, torch {torches}: {self.roofs.flops / 1e12:.0f} TFLOP/s in bf16,"
        yield f"{self.roofs.bytes / 1e9:.0f} GB/s. {self.chosen.tokens} tokens each, bf16."
        yield ""
        yield from HEAD
        for rows in self.chosen.rows:
            theirs = {} if self.chosen.alone else self.theirs(rows)
            for adapters, speed in self.ours(rows):
                yield self.line(rows, adapters, speed, theirs.get(adapters, ""))
            torch.cuda.empty_cache()

    def counts(self, rows: int) -> list[int]:
        """How many adapters are used at once: none, and as many as there are rows at most."""
        return sorted({0, *(min(count, rows) for count in self.chosen.adapters)})

    def adapters(self, rows: int, count: int) -> list[AdapterRef] | None:
        return [self.refs[row % count] for row in range(rows)] if count else None

    def ours(self, rows: int) -> Iterator[tuple[int, float]]:
        room = {"chunk": CHUNK, "busy_chunk": CHUNK, "max_queue": 2 * rows}
        kept = {"adapters": len(self.refs), "device": "cuda", "cache_tokens": rows * CONTEXT}
        threads = os.cpu_count() or 1
        with writer(self.model, rows, threads, **room, **kept) as own:
            for count in self.counts(rows):
                yield count, self.decoded(own, rows, count)

    def decoded(self, own: Writer, rows: int, count: int) -> float:
        adapters = self.adapters(rows, count)
        own.write(prompts(rows), 2, adapters)  # the adapters are loaded by now
        return own.decode(prompts(rows), self.chosen.tokens, adapters).speed("wall")

    def theirs(self, rows: int) -> dict[int, str]:
        """By the number of adapters: what a user would run instead."""
        found = {0: self.short("transformers", rows, lambda: Generator(*self.place()))}
        for count in self.counts(rows)[1:]:
            if count > MOST_THEIRS:
                found[count] = "PEFT: not tried"
            elif find_spec("peft"):
                paths = [ref.path for ref in self.refs[:count]]
                found[count] = self.short("PEFT", rows, lambda p=paths: self.adapted(p))
        return found

    def place(self) -> tuple[Path, str, str]:
        return self.model, "bfloat16", "cuda"

    def adapted(self, paths: Sequence[str]) -> Generator:
        model, dtype, device = self.place()
        return Adapted(model, dtype, paths, device)

    def short(self, name: str, rows: int, make: Callable[[], Generator]) -> str:
        """Tokens a second after the first token."""
        asked, tokens = prompts(rows), max(2, self.chosen.tokens // 2)
        other = make()
        other.write(asked, 2)
        first = taken(lambda: synchronous(other, asked, 1))
        rest = taken(lambda: synchronous(other, asked, tokens)).less(first)
        return f"{name} {rest.speed('wall'):.0f}"

    def line(self, rows: int, adapters: int, speed: float, theirs: str) -> str:
        compute = roofs.flops(self.config) * speed / self.roofs.flops
        memory = self.step_bytes(rows, adapters) * speed / rows / self.roofs.bytes
        return f"| {rows} | {adapters} | {speed:.0f} | {compute:.1%} | {memory:.1%} | {theirs} |"

    def step_bytes(self, rows: int, adapters: int) -> float:
        """What a step must read: weights, the adapters, keys and values half-way through."""
        config, sizes = self.config, module_sizes(self.config).values()
        weights = roofs.flops(config)  # two FLOPs and two bytes for each weight
        adapter = 2.0 * RANK * config.layers * sum(size + out for size, out in sizes)
        length = PROMPT + self.chosen.tokens / 2
        return weights + adapters * adapter + rows * length * config.cache_bytes / 2


def synchronous(other: Generator, asked: Sequence[str], tokens: int) -> int:
    made = other.write(asked, tokens)
    torch.cuda.synchronize()
    return made


if __name__ == "__main__":
    sys.exit(main())
