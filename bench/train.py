"""Training beside transformers' Trainer and TRL: `make bench-train` appends to bench/RESULTS.md.

All train LoRA of the same rank on all linear maps of the packaged base in bfloat16, on rows of
the E2E data (attributes to a description), turn by turn in one process. What counts is tokens
that are no padding, by the processor's seconds. The data is not part of the project: where it is
missing, this says so and stops.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import torch

from bench import roofs, trainers
from bench.engine import RESULTS, processor
from bench.measure import HEAD, Goal, Reached, Remark, Taken, ratio, speed
from generation.engine.config import ModelConfig
from generation.engine.convert import convert
from generation.engine.lora.peft import module_sizes
from generation.engine.tokenizer import Tokenizer
from training.lora.loop import Trainer
from training.lora.memory import kept_memory
from training.lora.recipe import Recipe
from training.lora.rows import Row
from training.lora.types import Callbacks, TrainingInput

RECIPE = Recipe(max_steps=10_000, save_steps=100_000, eval_steps=100_000)
ROWS = 640
PACKAGES = ("torch", "transformers", "peft", "trl")
MODE = "1 thread, CPU seconds"
AGAINST_TRAINER = Goal("LoRA training vs transformers' Trainer, bf16", 1.45, 1.9)
AGAINST_TRL = Goal("LoRA training vs TRL's packing, bf16", 1.4, 1.9)
SHARE = Goal("share of the 4N roof", 0.39, 0.52, "")


def main() -> None:
    chosen = options()
    source = chosen.data / "e2e" / "devset.csv"
    if not source.is_file():
        sys.exit(f"bench │ the E2E data is not in {chosen.data}: give its folder with --data")
    torch.set_num_threads(1)
    model = convert(Path(os.environ.get("DATA_DIR", ".data")) / "models" / "smollm2-135m-instruct")
    began = time.perf_counter()
    lines = list(compare(model, rows_of(model, source), chosen))
    for line in lines:
        print(line.line(), flush=True)
    if chosen.keep:
        record(lines, chosen, time.perf_counter() - began)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3, help="of each trainer in each turn")
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def rows_of(model: Path, source: Path) -> list[Row]:
    """Attributes to a description, every few rows of the file."""
    tokenizer, config = Tokenizer(model), ModelConfig.read(model)
    with source.open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    return [
        Row.of(
            tokenizer.encode(f"Describe: {each['mr']}\n"),
            [*tokenizer.encode(each["ref"]), *config.stop_ids[:1]],
        )
        for each in read[:: max(1, len(read) // ROWS)]
    ]


class Ours:
    """Our loop, a few whole steps at a time."""

    def __init__(self, model: Path, rows: list[Row], folder: Path) -> None:
        self.trainer = Trainer(TrainingInput(model, folder, RECIPE, rows), Callbacks())
        self.losses: list[float] = []

    def run(self, steps: int) -> Taken:
        with kept_memory():
            self.advance()  # memory that was given back is taken again
            tokens, cpu, wall = self.trainer.state.tokens, time.process_time(), time.perf_counter()
            for _ in range(steps):
                self.advance()
            tokens = self.trainer.state.tokens - tokens
            return Taken(tokens, time.process_time() - cpu, time.perf_counter() - wall)

    def advance(self) -> None:
        state = self.trainer.state
        self.trainer.advance(self.trainer.plan.steps[state.step], time.monotonic())


def compare(model: Path, rows: list[Row], chosen: argparse.Namespace) -> Iterator[Reached | Remark]:
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(model, rows, Path(folder))
        rivals = {AGAINST_TRAINER: trainers.Rival(trainers.plain_trainer(model, rows, RECIPE))}
        if trainers.trl_installed():
            rivals[AGAINST_TRL] = trainers.Rival(trainers.packing_trainer(model, rows, RECIPE))
        own: list[Taken] = []
        theirs: dict[Goal, list[Taken]] = {goal: [] for goal in rivals}
        peaks: list[Taken] = []
        for _ in range(chosen.turns):
            own.append(ours.run(chosen.steps))
            peaks.append(roofs.gemm(torch.bfloat16))
            for goal, rival in rivals.items():
                theirs[goal].append(rival.run(chosen.steps))
    for goal, taken in theirs.items():
        told = f"{ROWS} rows of E2E, {len(own)} turns of {chosen.steps} steps"
        speeds = speed(own, "cpu"), speed(taken, "cpu")
        yield Reached(goal, MODE, ratio(own, taken, "cpu"), *speeds, told)
    if AGAINST_TRL not in rivals:
        yield Remark(AGAINST_TRL.what, MODE, trainers.MISSING)
    yield share_of_roof(model, own, peaks)


def share_of_roof(model: Path, own: list[Taken], peaks: list[Taken]) -> Reached:
    """4 FLOPs for each weight and token: forward, and backward without the weights' gradient."""
    config = ModelConfig.read(model)
    sizes = module_sizes(config).values()
    linear = config.layers * sum(size * out for size, out in sizes)
    flops = 4.0 * (linear + config.vocab_size * config.hidden_size)
    roof = speed(peaks, "cpu")
    note = f"bf16 GEMM {roof / 1e9:.0f} GF/s: {roof / flops:.0f} tokens/s"
    return Reached(SHARE, MODE, speed(own, "cpu") * flops / roof, speed(own, "cpu"), None, note)


def record(lines: list[Reached | Remark], chosen: argparse.Namespace, seconds: float) -> None:
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(
            f"\n## Speed of training, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {processor()}\n\n"
        )
        said = f"{chosen.turns} turns of {chosen.steps} steps, {seconds / 60:.0f} minutes"
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        known = ", ".join(f"{name} {version(name)}" for name in PACKAGES if find_spec(name))
        file.write(f"{said}; {known}; load average at the end {load}.\n\n")
        file.writelines(f"{line}\n" for line in [*HEAD, *(each.line() for each in lines)])


if __name__ == "__main__":
    main()
