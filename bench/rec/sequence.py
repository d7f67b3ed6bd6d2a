"""Trains the sequence model within a budget of processor seconds, once per work folder."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sequence.training import Progress, Setup, train
from recommendations.ranking.sequence.weights import load, save

CHECKPOINT, WEIGHTS, SPENT = "checkpoint.safetensors", "model.safetensors", "spent.json"


class BudgetSpent(Exception):
    """The processor seconds are used up; the best weights so far count."""


@dataclass(frozen=True, slots=True)
class Trained:
    encoder: Encoder
    seconds: float
    epochs: int
    evaluations: list[float]


def precision() -> str:
    """bfloat16 where the processor multiplies it natively, else float32."""
    return "bfloat16" if torch.backends.mkldnn.is_available() and amx() else "float32"


def amx() -> bool:
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "amx_bf16" in flags.read_text()


def trained(setup: Setup, folder: Path, budget: float) -> Trained:
    """The model of an earlier run if the folder has it; an interrupted run goes on."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / WEIGHTS).exists():
        train_within(setup, folder, budget)
    told = json.loads((folder / SPENT).read_text())
    return Trained(Encoder(*load(folder / WEIGHTS)), **told)


def train_within(setup: Setup, folder: Path, budget: float) -> None:
    spent, start = folder / SPENT, time.process_time()
    before = json.loads(spent.read_text())["seconds"] if spent.exists() else 0.0
    epochs = 0

    def watch(progress: Progress) -> None:
        nonlocal epochs
        if progress.epoch > epochs:
            print(f"  epoch {progress.epoch}: NDCG@10 {progress.ndcg:.4f}", flush=True)
            spent.write_text(json.dumps({"seconds": before + time.process_time() - start}))
        epochs = progress.epoch
        if before + time.process_time() - start > budget:
            raise BudgetSpent

    try:
        result = train(setup, checkpoint=folder / CHECKPOINT, progress=watch)
    except BudgetSpent:
        ended = replace(setup, training=replace(setup.training, epochs=max(1, epochs)))
        result = train(ended, checkpoint=folder / CHECKPOINT)
    told = {
        "seconds": before + time.process_time() - start,
        "epochs": result.best_epoch,
        "evaluations": result.evaluations,
    }
    spent.write_text(json.dumps(told))
    save(folder / WEIGHTS, result.weights, result.config)
