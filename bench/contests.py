"""Our engine against each rival, turn by turn; the lines of the table that come of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path

from bench import llama, roofs
from bench.measure import Goal, Reached, Remark, Run, Taken, ratio, speed, taken, turns
from bench.mode import Mode
from bench.ours import Writer, prompts, write_adapters, writer
from bench.rivals import Adapted, Generator
from generation.engine.config import ModelConfig
from generation.engine.convert import packaged_gguf
from generation.engine.native.library import library
from generation.engine.sampling import PlainSampler
from generation.engine.tokenizer import Tokenizer
from generation.engine.types import Message

Lines = Iterator[Reached | Remark]
DECODE = {
    1: Goal("decode vs transformers.generate, B=1", 4, 6),
    8: Goal("decode vs transformers.generate, B=8", 3, 3.5),
    32: Goal("decode vs transformers.generate, B=32", 2.3, 2.6),
}
LLAMA = {
    8: Goal("vs llama.cpp's best quantisation, B=8", 1.3, 1.4),
    32: Goal("vs llama.cpp's best quantisation, B=32", 1.55, 1.65),
}
PEFT = Goal("32 requests over 8 adapters vs PEFT mixed batch", 4.5, 5)
SHARE = Goal("share of no-adapter speed kept there", 0.78, 0.88, "")
COMPUTE = Goal("share of the GEMM roof, B=32", 0.58, 0.66, "")
MEMORY = Goal("share of the read-bandwidth roof, B=1", 0.25, 0.35, "")
ADAPTERS = 8
ADAPTED_ROWS = 32
PLAIN_TOKENS = 24
ROOF_TOKENS = 64  # long enough for all rows to write at once
DTYPES = {"bf16": "bfloat16", "fp32": "float32"}


@dataclass(frozen=True)
class Contests:
    """`tokens` are written in each text, `count` turns are taken."""

    model: Path
    tokens: int
    count: int

    @cached_property
    def theirs(self) -> dict[str, Generator]:
        return {name: Generator(self.model, dtype) for name, dtype in DTYPES.items()}

    def turns(self, runs: dict[str, Run]) -> dict[str, list[Taken]]:
        return turns(runs, self.count)

    def decode(self, mode: Mode) -> Lines:
        """The goal is judged against the faster of transformers' two precisions."""
        for rows, goal in DECODE.items():
            asked = prompts(rows)
            found = {name: self.short(other, asked) for name, other in self.theirs.items()}
            best, slower = sorted(found, key=lambda name: -found[name].speed(mode.clock))
            with writer(self.model, rows, mode.threads) as ours:
                yield reached(goal, mode, self.decoded(ours, best, asked), best)
            slow = f"{slower} instead of {best}: {found[slower].speed(mode.clock):.1f} tokens/s"
            yield Remark("the slower precision, briefly", mode.name, slow)

    def short(self, other: Generator, asked: Sequence[str]) -> Taken:
        first = taken(lambda: other.write(asked, 2))
        return taken(lambda: other.write(asked, 8)).less(first)

    def decoded(self, ours: Writer, name: str, asked: Sequence[str]) -> dict[str, list[Taken]]:
        """Turns of which the reading of the prompts, up to the first token, is taken off."""
        runs = {}
        for who, write in {"ours": ours.write, name: self.theirs[name].write}.items():
            runs[f"{who}, first"] = partial(write, asked, 1)
            runs[who] = partial(write, asked, self.tokens)
        seen = self.turns(runs)
        return {
            who: [
                whole.less(first)
                for whole, first in zip(seen[who], seen[f"{who}, first"], strict=True)
            ]
            for who in ("ours", name)
        }

    def plain(self, mode: Mode) -> Lines:
        """What is lost where no compiler was: the same engine in float32 torch, C++ nowhere."""
        if library() is None:
            yield Remark("without the C++", mode.name, "as all of this: nothing was compiled here")
            return
        for rows in (1, 8):
            asked = prompts(rows)
            with (
                writer(self.model, rows, mode.threads) as ours,
                writer(self.model, rows, mode.threads, precision="fp32") as plain,
            ):
                plain.engine.logits_processor.sampler = PlainSampler()
                runs = {"C++": ours, "torch": plain}
                seen = self.turns(
                    {name: partial(each.write, asked, PLAIN_TOKENS) for name, each in runs.items()}
                )
            share = ratio(seen["torch"], seen["C++"], mode.clock)
            said = f"{speed(seen['torch'], mode.clock):.1f} tokens/s, {share:.2f} of that with it"
            yield Remark(f"without the C++, B={rows}", mode.name, said)

    def llama(self, mode: Mode) -> Lines:
        if not llama.installed():
            yield from (Remark(goal.what, mode.name, llama.MISSING) for goal in LLAMA.values())
            return
        with tempfile.TemporaryDirectory() as folder:
            files = llama.quantised(packaged_gguf(), Path(folder))
            for rows, goal in LLAMA.items():
                yield self.llama_rows(files, rows, goal, mode)

    def llama_rows(self, files: dict[str, Path], rows: int, goal: Goal, mode: Mode) -> Reached:
        asked, ids = prompts(rows), self.ids(rows)
        best = self.best(files, ids, mode)
        with (
            writer(self.model, rows, mode.threads) as ours,
            llama.llama(files[best], rows, mode.threads) as theirs,
        ):
            theirs.write(ids, 2)
            own = partial(ours.write, asked, self.tokens)
            seen = self.turns({"ours": own, best: partial(theirs.write, ids, self.tokens)})
        return reached(goal, mode, seen, best)

    def best(self, files: dict[str, Path], ids: list[list[int]], mode: Mode) -> str:
        """The quantisation that is the fastest in a short run."""
        speeds = {}
        for name, path in files.items():
            with llama.llama(path, len(ids), mode.threads) as theirs:
                theirs.write(ids, 2)
                run = partial(theirs.write, ids, 8)
                speeds[name] = max(taken(run).speed(mode.clock) for _ in range(2))
        return max(speeds, key=lambda name: speeds[name])

    def ids(self, rows: int) -> list[list[int]]:
        """The prompts as the engine itself encodes them."""
        tokenizer = Tokenizer(self.model)
        return [tokenizer.encode_chat((Message("user", prompt),)) for prompt in prompts(rows)]

    def adapters(self, mode: Mode) -> Lines:
        asked = prompts(ADAPTED_ROWS)
        options = {"adapters": ADAPTERS}
        with (
            tempfile.TemporaryDirectory() as folder,
            writer(self.model, ADAPTED_ROWS, mode.threads, **options) as ours,
        ):
            refs = write_adapters(self.model, Path(folder), ADAPTERS)
            adapters = [refs[row % ADAPTERS] for row in range(ADAPTED_ROWS)]
            ours.write(asked, 2, adapters)
            adapted = partial(ours.write, asked, self.tokens, adapters)
            bare = partial(ours.write, asked, self.tokens)
            both = turns({"adapted": adapted, "bare": bare}, 2 * self.count + 1)
            yield reached(SHARE, mode, both, "no adapter")
            yield self.peft(adapted, [ref.path for ref in refs], mode)

    def peft(self, adapted: Run, paths: Sequence[str], mode: Mode) -> Reached | Remark:
        """Against the precision that is the faster one here, found in a short run."""
        if not find_spec("peft"):
            return Remark(PEFT.what, mode.name, "not installed: make test installs it")
        asked = prompts(ADAPTED_ROWS)
        theirs = {name: Adapted(self.model, dtype, paths) for name, dtype in DTYPES.items()}
        for other in theirs.values():
            other.write(asked, 2)
        tried = turns({name: partial(o.write, asked, 4) for name, o in theirs.items()}, 1)
        best = max(tried, key=lambda name: speed(tried[name], mode.clock))
        runs = {"adapted": adapted, best: partial(theirs[best].write, asked, self.tokens)}
        return reached(PEFT, mode, self.turns(runs), best)

    def roofs(self, mode: Mode) -> Lines:
        if library() is None:
            yield Remark(COMPUTE.what, mode.name, "no compiler: the C++ decoder was not built")
            return
        config = ModelConfig.read(self.model)
        with writer(self.model, 32, mode.threads) as ours:
            best, share = self.compute(ours, config, mode)
        yield Reached(COMPUTE, mode.name, share, note=best)
        with writer(self.model, 1, mode.threads) as ours:
            share, roof = self.memory(ours, config, mode)
        yield Reached(MEMORY, mode.name, share, note=f"roof {roof / 1e9:.1f} GB/s")

    def compute(self, ours: Writer, config: ModelConfig, mode: Mode) -> tuple[str, float]:
        found = []
        for _ in range(self.count):
            name, roof = roofs.compute(mode.clock)
            used = roofs.flops(config) * ours.decode(prompts(32), ROOF_TOKENS).speed(mode.clock)
            found.append((used / roof, f"{name}, roof {roof / 1e9:.0f} GF/s"))
        share, note = sorted(found)[len(found) // 2]
        return note, share

    def memory(self, ours: Writer, config: ModelConfig, mode: Mode) -> tuple[float, float]:
        found = []
        for _ in range(self.count):
            roof = roofs.bandwidth(mode.clock)
            read = roofs.weight_bytes(config) * ours.decode(prompts(1), ROOF_TOKENS).speed(
                mode.clock
            )
            found.append((read / roof, roof))
        return sorted(found)[len(found) // 2]


def reached(goal: Goal, mode: Mode, seen: dict[str, list[Taken]], note: str) -> Reached:
    """The first run against the second."""
    own, other = seen.values()
    speeds = (speed(each, mode.clock) for each in (own, other))
    return Reached(goal, mode.name, ratio(own, other, mode.clock), *speeds, note)
