"""Heads on the packaged encoder, on data of others: banking77 (77 intents) and sst2 (sentiment).

Each method is trained with the preset's settings, chosen by its validation accuracy, and the test
rows are read once, at the end, by all that were asked for. The data is not part of the project:
where it is missing, this says so and stops.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from bench.engine import RESULTS, processor
from training.heads.classifier import ClassificationData, fit
from training.heads.metrics import classification_metrics
from training.heads.prediction import Classifier
from training.heads.recipe import PRESETS
from training.lora.types import Callbacks, EvaluationPoint

HEAD = (
    "| data | preset | method | validation accuracy | test accuracy | macro F1 | ECE | CPU s |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows to learn from and, apart, those that are read once."""

    data: ClassificationData
    test_texts: list[str]
    test_labels: list[str]


def banking77(folder: Path) -> Source:
    (texts, labels), test = (
        labelled(folder / "banking77" / f"{name}.csv") for name in ("train", "test")
    )
    return Source(ClassificationData(texts, labels), *test)


def labelled(path: Path) -> tuple[list[str], list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def sst2(folder: Path) -> Source:
    parts = [
        sentences(folder / "sst2" / f"stsa.binary.{name}") for name in ("train", "dev", "test")
    ]
    return Source(ClassificationData(*parts[0], *parts[1]), *parts[2])


def sentences(path: Path) -> tuple[list[str], list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" ", 1) for line in lines if line]
    return [text for _, text in pairs], [label for label, _ in pairs]


SOURCES: dict[str, Callable[[Path], Source]] = {"banking77": banking77, "sst2": sst2}


def main() -> None:
    chosen = options()
    torch.set_num_threads(1)
    lines = []
    for name in chosen.sources:
        try:
            source = SOURCES[name](chosen.data)
        except FileNotFoundError:
            sys.exit(f"bench │ {name} is not in {chosen.data}: give the data's folder with --data")
        for preset in chosen.presets:
            lines.append(measured(name, preset, source))
            print(lines[-1], flush=True)
    if chosen.keep:
        with RESULTS.open("a", encoding="utf-8") as file:
            now = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            file.write(f"\n## Heads on the encoder, {now}, {processor()}, 1 thread\n\n")
            file.writelines(f"{line}\n" for line in (*HEAD, *lines))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.heads", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sources", nargs="+", default=[*SOURCES], choices=SOURCES)
    parser.add_argument("--presets", nargs="+", default=[*PRESETS], choices=PRESETS)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def measured(name: str, preset: str, source: Source) -> str:
    recipe, began = PRESETS[preset], time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        callbacks = Callbacks(on_evaluation=told)
        result = fit(source.data, recipe, Path(folder), callbacks=callbacks)
        spent = time.process_time() - began
        found = Classifier.load(result.folder).predict(source.test_texts)
    sure = [each.probability for each in found]
    labels = sorted(set(source.test_labels))
    guessed = [each.label for each in found]
    test = classification_metrics(source.test_labels, guessed, labels, sure)
    held = result.metrics.accuracy if result.metrics else 0.0
    numbers = f"{held:.4f} | {test.accuracy:.4f} | {test.macro_f1:.4f} | {test.ece or 0:.3f}"
    return f"| {name} | {preset} | {recipe.method} | {numbers} | {spent:.0f} |"


def told(point: EvaluationPoint) -> None:
    accuracy = f"{point.accuracy:.4f}" if point.accuracy is not None else "-"
    print(f"step {point.step}: validation loss {point.loss:.4f}, accuracy {accuracy}", flush=True)


if __name__ == "__main__":
    main()
