"""The local engine beside transformers and, where installed, PEFT: same prompts, forced lengths.

`make bench` prints tokens per second; `make bench-engine` also runs the others, each for a turn in
turn, in seconds of processor time, and appends its table to bench/RESULTS.md.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from bench import rivals
from generation.engine import load
from generation.engine.convert import convert
from generation.engine.types import (
    AdapterRef,
    Engine,
    Failed,
    GenerationRequest,
    Message,
    Sampling,
)

PROMPT = "Write a short text about a shop for houseplants that delivers in the city."
RESULTS = Path(__file__).parent / "RESULTS.md"
ADAPTERS = 8
PACKAGES = ("torch", "transformers", "peft")
Run = Callable[[], int]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--tokens", type=int, default=64, help="length of each text")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=3, help="how often each one is measured")
    parser.add_argument("--compare", action="store_true", help="run the others too")
    chosen = parser.parse_args()
    models = Path(os.environ.get("DATA_DIR", ".data")) / "models"
    bench = Bench(convert(models / "smollm2-135m-instruct"), chosen)
    lines = list(bench.compare() if chosen.compare else bench.speeds())
    if chosen.compare:
        record(lines, chosen)


class Bench:
    def __init__(self, model: Path, chosen: argparse.Namespace) -> None:
        self.model, self.chosen = model, chosen
        self.names = 0

    def engine(self, rows: int, **options: object) -> Engine:
        threads = self.chosen.threads
        return load("local", model=self.model, rows=rows, threads=threads, context=1024, **options)

    def speeds(self) -> Iterator[str]:
        yield show("texts at once | tokens/s | of each")
        for rows in self.chosen.rows:
            engine = self.engine(rows)
            try:
                self.write(engine, 1, 8)  # the first tokens pay for loading
                started = time.perf_counter()
                speed = self.write(engine, rows) / (time.perf_counter() - started)
            finally:
                engine.close()
            yield show(f"{rows} | {speed:.0f} | {speed / rows:.0f}")

    def compare(self) -> Iterator[str]:
        yield show("| what | rows | tokens per CPU second | median of the turns, ours / theirs |")
        yield show("| --- | --- | --- | --- |")
        for rows in self.chosen.rows:
            yield from self.decode(rows)
        yield from self.adapters(max(self.chosen.rows))
        yield from self.loading()

    def decode(self, rows: int) -> Iterator[str]:
        ours = {name: self.engine(rows, precision=name) for name in ("int4", "fp32")}
        theirs = rivals.Generator(self.model, self.chosen.threads)
        tokens = self.chosen.tokens
        runs: dict[str, Run] = {
            f"engine, {name}": partial(self.write, engine, rows) for name, engine in ours.items()
        }
        runs["transformers, fp32"] = lambda: theirs.write([PROMPT] * rows, tokens)
        yield from self.table(runs, rows)
        for engine in ours.values():
            engine.close()

    def adapters(self, rows: int) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            refs = rivals.write_adapters(self.model, Path(folder), ADAPTERS)
            engine = self.engine(rows, adapters=ADAPTERS)
            worn = [refs[row % ADAPTERS] for row in range(rows)]
            tokens = self.chosen.tokens
            runs: dict[str, Run] = {
                "engine, bare": lambda: self.write(engine, rows),
                f"engine, {ADAPTERS} adapters": lambda: self.write(engine, rows, worn=worn),
            }
            if find_spec("peft"):
                paths = [ref.path for ref in refs]
                theirs = rivals.Adapted(self.model, paths, self.chosen.threads)
                runs[f"PEFT, {ADAPTERS} adapters"] = lambda: theirs.write([PROMPT] * rows, tokens)
            yield from self.table(runs, rows)
            engine.close()

    def loading(self) -> Iterator[str]:
        started = time.process_time()
        engine = self.engine(8)
        yield show(f"| load, CPU seconds | | {time.process_time() - started:.2f} | |")
        engine.close()

    def table(self, runs: dict[str, Run], rows: int) -> Iterator[str]:
        """The first of the runs is compared with each of the others, turn by turn."""
        for run in runs.values():
            run()  # warm
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(self.chosen.turns):
            for name, run in runs.items():
                started = time.process_time()
                written = run()
                speeds[name].append(written / (time.process_time() - started))
        first = next(iter(speeds))
        for name, own in speeds.items():
            ratio = median(a / b for a, b in zip(speeds[first], own, strict=True))
            yield show(f"| {name} | {rows} | {median(own):.1f} | {ratio:.2f} |")

    def write(
        self,
        engine: Engine,
        rows: int,
        tokens: int | None = None,
        worn: list[AdapterRef] | None = None,
    ) -> int:
        """How many tokens were written, the reading of the prompts included in the time."""
        length = tokens or self.chosen.tokens
        for row in range(rows):
            engine.submit(self.request(length, worn[row] if worn else None))
        before = engine.stats().completion_tokens
        while engine.busy:
            for event in engine.step():
                if isinstance(event, Failed):
                    raise RuntimeError(event.message)
        return engine.stats().completion_tokens - before

    def request(self, tokens: int, adapter: AdapterRef | None) -> GenerationRequest:
        self.names += 1
        return GenerationRequest(
            id=str(self.names),
            tenant=str(self.names),  # a tenant each, so that no prompt is shared
            messages=(Message("user", PROMPT),),
            max_tokens=tokens,
            min_tokens=tokens,
            adapter=adapter,
            sampling=Sampling(temperature=0),
        )


def show(line: str) -> str:
    print(line, flush=True)
    return line


def record(lines: list[str], chosen: argparse.Namespace) -> None:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES if find_spec(name))
    head = [
        "",
        f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {processor()}",
        "",
        f"{chosen.threads} threads, {chosen.tokens} tokens each, {chosen.turns} turns; {packages}.",
        "",
    ]
    if not RESULTS.exists():
        RESULTS.write_text("# Results\n")
    with RESULTS.open("a") as file:
        file.write("\n".join([*head, *lines]) + "\n")


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


if __name__ == "__main__":
    main()
