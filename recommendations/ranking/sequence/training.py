"""Train a sequence model: full or sampled softmax, early stopping, checkpoints that resume."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from recommendations.ranking.arrays import FloatArray, IntArray
from recommendations.ranking.metrics import ndcg, ranks_of
from recommendations.ranking.sequence.batches import Batch, batch_of, batches
from recommendations.ranking.sequence.config import ModelConfig, TrainingConfig
from recommendations.ranking.sequence.loss import cross_entropy
from recommendations.ranking.sequence.model import SequenceModel
from recommendations.ranking.sequence.weights import Weights

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
CUTOFF = 10
EVALUATED_TOGETHER = 256


class Holdout(NamedTuple):
    """What persons did (n sequences) and what they did next (n,)."""

    histories: Sequence[IntArray]
    targets: IntArray


class Progress(NamedTuple):
    """Told after every batch; `ndcg` is the last evaluation's, NaN before the first."""

    epoch: int
    step: int
    loss: float
    ndcg: float


@dataclass(frozen=True, slots=True)
class Setup:
    """What is trained on what; `text` (n_items, any) gives items their first vectors."""

    sequences: Sequence[IntArray]
    holdout: Holdout
    n_items: int
    model: ModelConfig
    training: TrainingConfig
    text: FloatArray | None = None
    warm_start: Weights | None = None


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The weights with the best NDCG@10 on the holdout, and every evaluation's value."""

    weights: Weights
    config: ModelConfig
    best_epoch: int
    ndcg: float
    evaluations: list[float]


@dataclass(slots=True)
class State:
    """Where a training stands between two epochs."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best: float = -1.0
    evaluations: tuple[float, ...] = ()


def nothing(progress: Progress) -> None:
    """Nobody wants to know."""


def train(
    setup: Setup,
    *,
    checkpoint: Path | None = None,
    progress: Callable[[Progress], None] = nothing,
    device: str = "cpu",
) -> TrainingResult:
    """Trains until the holdout no longer gains, or all epochs are done.

    With a `checkpoint` path the state is kept there after every epoch, and a run that finds the
    file goes on from it as if it had not been interrupted. `progress` may raise to stop.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(setup.training.seed)
        trainer = Trainer(setup, torch.device(device))
        if checkpoint and checkpoint.exists():
            trainer.resume(checkpoint)
        while not trainer.finished():
            trainer.run_epoch(progress)
            if checkpoint:
                trainer.keep(checkpoint)
        return trainer.result()


class Trainer:
    """Model, moving average, optimizer and the best weights so far."""

    def __init__(self, setup: Setup, device: torch.device) -> None:
        self.setup, self.device = setup, device
        model = SequenceModel(setup.n_items, setup.model, setup.training.dropout)
        start(model, setup)
        self.model = model.to(device)
        self.average = {name: p.detach().clone() for name, p in model.named_parameters()}
        self.best = {name: p.clone() for name, p in self.average.items()}
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=setup.training.learning_rate, betas=(0.9, 0.98), fused=True
        )
        self.negatives = Negatives(setup, device)
        self.state = State()

    @property
    def training(self) -> TrainingConfig:
        return self.setup.training

    def finished(self) -> bool:
        waited = (self.state.epoch - self.state.best_epoch) // self.training.evaluate_every
        return self.state.epoch >= self.training.epochs or waited >= self.training.patience

    def run_epoch(self, progress: Callable[[Progress], None]) -> None:
        self.model.train()
        random = np.random.default_rng((self.training.seed, self.state.epoch))
        sequences, length = self.setup.sequences, self.setup.model.length
        for batch in batches(sequences, length, self.training.batch_tokens, random):
            loss = self.run_step(batch, random)
            last = self.state.evaluations[-1] if self.state.evaluations else math.nan
            progress(Progress(self.state.epoch, self.state.step, loss, last))
        self.state.epoch += 1
        if self.state.epoch % self.training.evaluate_every == 0:
            self.evaluate()

    def run_step(self, batch: Batch, random: np.random.Generator) -> float:
        loss = self.loss(batch, random)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.state.step += 1
        # A young average follows faster, or it would stand near the first random weights.
        rate = max(1 - self.training.averaging, 1 / (1 + self.state.step))
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                self.average[name].lerp_(parameter, rate)
        return float(loss.detach())

    def loss(self, batch: Batch, random: np.random.Generator) -> Tensor:
        dtype = DTYPES[self.training.precision]
        with torch.autocast(self.device.type, dtype, enabled=dtype is not torch.float32):
            hidden = self.model(torch.from_numpy(batch.items).to(self.device))  # (B, T, D)
        filled = np.arange(batch.items.shape[1]) < batch.lengths[:, None]  # (B, T)
        chosen = hidden[torch.from_numpy(filled).to(self.device)].to(dtype)  # (N, D)
        targets = torch.from_numpy(batch.following[filled]).to(self.device)  # (N,)
        columns, targets, shift = self.negatives.beside(targets, random)
        items = self.model.items if columns is None else self.model.items[columns]
        return cross_entropy(chosen, items.to(dtype), targets, shift)

    def evaluate(self) -> None:
        found = self.measure()
        self.state.evaluations += (found,)
        if found > self.state.best:
            self.state.best, self.state.best_epoch = found, self.state.epoch
            self.best = {name: p.clone() for name, p in self.average.items()}

    def measure(self) -> float:
        """NDCG@10 of the averaged weights over all items, for some of the holdout's persons."""
        histories, targets = self.setup.holdout
        count = min(len(targets), self.training.evaluated_persons)
        random = np.random.default_rng(self.training.seed)
        chosen = np.sort(random.permutation(len(targets))[:count])
        model = SequenceModel(self.setup.n_items, self.setup.model).to(self.device).eval()
        model.load_state_dict(self.average)
        ranks = [
            ranks_of(
                scores(model, [histories[i] for i in part]),
                targets[part],
                [histories[i] for i in part] if self.training.exclude_history else None,
            )
            for part in np.split(chosen, range(EVALUATED_TOGETHER, count, EVALUATED_TOGETHER))
        ]
        return ndcg(np.concatenate(ranks), CUTOFF) if count else 0.0

    def keep(self, path: Path) -> None:
        """The file is whole or the last one: it is written beside its place and then moved."""
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{k}": v for k, v in moments.items()}
        tensors["random"] = torch.get_rng_state()
        partial = path.with_name(f"{path.name}.partial")
        told = {"state": json.dumps(asdict(self.state)), "setup": self.fingerprint()}
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, partial, told)
        partial.replace(path)

    def resume(self, path: Path) -> None:
        """Raises ValueError for the checkpoint of another training."""
        with safe_open(path, framework="pt", device=str(self.device)) as file:
            told = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in list(file.keys())}
        if told.get("setup") != self.fingerprint():
            raise ValueError(f"{path.name} was written by a training with other settings or data")
        self.model.load_state_dict(part(tensors, "model."))
        self.average, self.best = part(tensors, "average."), part(tensors, "best.")
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in part(tensors, "adam.").items():
            index, key = name.split(".")
            moments.setdefault(int(index), {})[key] = tensor
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        torch.set_rng_state(tensors["random"].cpu())
        raw: dict[str, Any] = json.loads(told["state"])
        self.state = State(**{**raw, "evaluations": tuple(raw["evaluations"])})

    def fingerprint(self) -> str:
        setup = self.setup
        sizes = [setup.n_items, len(setup.sequences), sum(map(len, setup.sequences))]
        # More epochs may be asked of a training that has ended.
        settings = asdict(replace(setup.training, epochs=1))
        return json.dumps([asdict(setup.model), settings, sizes], sort_keys=True)

    def result(self) -> TrainingResult:
        weights = {name: p.float().cpu().numpy() for name, p in self.best.items()}
        state = self.state
        return TrainingResult(
            weights, self.setup.model, state.best_epoch, state.best, list(state.evaluations)
        )


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


class Negatives:
    """Which items stand beside a batch's targets, and how probable each was to stand there."""

    def __init__(self, setup: Setup, device: torch.device) -> None:
        self.count = min(setup.training.negatives, setup.n_items)
        seen = np.bincount(np.concatenate(setup.sequences), minlength=setup.n_items)
        self.frequency = torch.from_numpy(seen / max(1, seen.sum())).to(device)

    def beside(
        self, targets: Tensor, random: np.random.Generator
    ) -> tuple[Tensor | None, Tensor, Tensor | None]:
        """Columns (K,) or None for all, where each target stands among them, and the shift."""
        if not self.count:
            return None, targets, None
        n_items = len(self.frequency)
        sampled = random.choice(n_items, size=self.count, replace=False)
        both = torch.cat((targets, torch.from_numpy(sampled).to(targets.device)))
        columns, places = torch.unique(both, return_inverse=True)
        absent = (1 - self.frequency[columns]) ** len(targets) * (1 - self.count / n_items)
        return columns, places[: len(targets)], (-torch.expm1(absent.log())).log().float()


def start(model: SequenceModel, setup: Setup) -> None:
    """Give the model its first weights: by chance, from text, or from an earlier model."""
    if setup.text is not None:
        with torch.no_grad():
            model.items.copy_(torch.from_numpy(projected(setup.text, setup.model.dim)))
    if setup.warm_start is None:
        return
    own = model.state_dict()
    for name, earlier in setup.warm_start.items():
        if name in own and own[name].shape[1:] == earlier.shape[1:]:
            # The catalogue grows at its end; new items keep the vectors that they were given.
            rows = min(len(earlier), len(own[name]))
            own[name][:rows] = torch.from_numpy(earlier[:rows])


def projected(text: FloatArray, dim: int) -> FloatArray:
    """(n, any) -> (n, dim): the main directions, as large as random first vectors are."""
    centred = (text - text.mean(axis=0)).astype(np.float32)
    directions = np.linalg.svd(centred.T @ centred)[0][:, :dim]
    found = np.zeros((len(text), dim), dtype=np.float32)
    found[:, : directions.shape[1]] = centred @ directions
    return found * (0.02 / max(1e-12, float(found.std())))


@torch.no_grad()
def scores(model: SequenceModel, histories: Sequence[IntArray]) -> FloatArray:
    """(n, n_items) for what comes after each history; an empty one is told nothing of anybody."""
    length, n_items = model.config.length, len(model.items)
    found = np.zeros((len(histories), n_items), dtype=np.float32)
    filled = [row for row, history in enumerate(histories) if len(history)]
    if not filled:
        return found
    # batch_of drops what follows, so a place of no meaning is put there.
    batch = batch_of([np.append(histories[row][-length:], 0) for row in filled])
    hidden = model(torch.from_numpy(batch.items).to(model.items.device))  # (B, T, D)
    last = hidden[torch.arange(len(filled)), torch.from_numpy(batch.lengths - 1)]  # (B, D)
    found[filled] = (last @ model.items.T).float().cpu().numpy()
    return found
