"""How long an adapter takes from its file to memory, and the base until it can write."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.measure import Goal, Reached, Remark, taken
from bench.mode import Mode
from bench.ours import CONTEXT, prepared, write_adapters, writer
from generation.engine import load
from generation.engine.local import LocalEngine

SWAP = Goal("adapter swap, file to memory", 20, 10, " ms")
LOAD = Goal("model load from the converted base", 0.6, 0.3, " s")
ADAPTERS = 9
LOADS = 3


def rows(model: Path, mode: Mode) -> Iterator[Reached | Remark]:
    first, again = swaps(model, mode)
    yield Reached(
        SWAP, mode.name, 1000 * again, note="rank 16, all linear maps; from its kept form"
    )
    yield Remark(
        "the first time on a machine, from PEFT's file", mode.name, f"{1000 * first:.1f} ms"
    )
    note = "packages imported before; until it takes requests"
    yield Reached(LOAD, mode.name, loading(model, mode), note=note)


def swaps(model: Path, mode: Mode) -> tuple[float, float]:
    """Seconds to read, hash, check and bind, the first time and later ones. The files were just
    written, so they are in memory."""
    with tempfile.TemporaryDirectory() as folder, writer(model, 1, mode.threads) as ours:
        refs = write_adapters(model, Path(folder), ADAPTERS)
        engine = ours.engine

        def each() -> float:
            seen = [taken(lambda ref=ref: engine.load_adapter(ref) and 1) for ref in refs]
            return median(getattr(one, mode.clock) for one in seen)

        return each(), each()


def loading(model: Path, mode: Mode) -> float:
    """Seconds of a whole engine, weights verified against their digest."""
    made: list[LocalEngine] = []

    def run() -> float:
        engine = load("local", model=model, rows=8, threads=mode.threads, context=CONTEXT)
        assert isinstance(engine, LocalEngine)
        made.append(engine)
        return 1

    seen = []
    for _ in range(LOADS):
        seen.append(taken(run))
        prepared(made.pop()).close()
    return median(getattr(each, mode.clock) for each in seen)
