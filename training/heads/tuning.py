"""Training an encoder together with its head: LoRA or all but the word embeddings, in epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.heads.encoder import Encoder
from training.heads.recipe import HeadRecipe
from training.lora import checkpoint
from training.lora.checkpoint import RunState
from training.lora.errors import TrainingError
from training.lora.memory import kept_memory
from training.lora.types import Callbacks, EvaluationPoint, Progress

SORTED_BATCHES = 16
MADE, GRADIENT, SQUARE, BEST = "weight.", "exp_avg.", "exp_avg_sq.", "best."


class LoraMap(nn.Module):
    """A frozen linear map and what is added to it (arXiv:2106.09685)."""

    def __init__(self, base: nn.Linear, recipe: HeadRecipe) -> None:
        super().__init__()
        self.base, self.scale = base, recipe.lora_alpha / recipe.lora_r
        bound = base.in_features**-0.5
        self.lora_A = nn.Parameter(torch.empty(recipe.lora_r, base.in_features))
        nn.init.uniform_(self.lora_A, -bound, bound)
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, recipe.lora_r))
        self.dropout = nn.Dropout(recipe.lora_dropout)

    def forward(self, x: Tensor) -> Tensor:
        low = F.linear(self.dropout(x), self.lora_A)
        mapped: Tensor = self.base(x)
        return mapped + F.linear(low, self.lora_B) * self.scale


def make_trainable(encoder: Encoder, recipe: HeadRecipe) -> dict[str, nn.Parameter]:
    """What of the encoder is trained, by its names; a linear head trains none of it."""
    torch.manual_seed(recipe.seed)
    if recipe.method == "lora":
        add_lora(encoder, recipe)
    if recipe.method == "full":
        for name, weight in encoder.model.named_parameters():
            weight.requires_grad_("word_embeddings" not in name)
    named = encoder.model.named_parameters()
    return {name: weight for name, weight in named if weight.requires_grad}


def add_lora(encoder: Encoder, recipe: HeadRecipe) -> None:
    """Put a LoraMap around every linear map of the encoder's layers."""
    layers = encoder.model.encoder
    for name, module in list(layers.named_modules()):
        if isinstance(module, nn.Linear):
            parent, _, own = name.rpartition(".")
            setattr(layers.get_submodule(parent), own, LoraMap(module, recipe))


class Task(Protocol):
    """What is learnt: examples, each named by its number; `lengths` are theirs in tokens."""

    @property
    def lengths(self) -> list[int]: ...

    def loss(self, numbers: Sequence[int]) -> Tensor:
        """The mean loss of these, differentiable in encoder and head."""

    def score(self) -> tuple[float, float]:
        """(loss, accuracy or F1) on validation."""


class Tuner:
    """Trains `encoder` and `head` in place; `run` leaves the best epoch's weights in them."""

    def __init__(
        self, encoder: Encoder, head: nn.Linear, recipe: HeadRecipe, callbacks: Callbacks
    ) -> None:
        self.encoder, self.recipe, self.callbacks = encoder, recipe, callbacks
        body = make_trainable(encoder, recipe)
        own = {f"head.{name}": weight for name, weight in head.named_parameters()}
        self.weights: dict[str, nn.Parameter] = body | own
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [*body.values()], "peak": recipe.learning_rate},
                {"params": [*own.values()], "peak": recipe.head_learning_rate},
            ],
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self.best = self.copied()

    def copied(self) -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in self.weights.items()}

    def run(self, task: Task, folder: Path, identity: dict[str, str]) -> RunState:
        """Go on from the newest checkpoint of this run if there is one; TrainingError as train."""
        state = self.restore(folder, identity)
        batches = list(self.batches(task.lengths))
        per_epoch = math.ceil(len(task.lengths) / self.recipe.per_device_train_batch_size)
        began = time.monotonic() - state.seconds
        with kept_memory():
            if state.best_loss is None:
                self.evaluate(task, state)
            while state.step < len(batches) and not state.finished:
                if self.callbacks.should_stop():
                    self.save(folder, state)
                    return state
                self.advance(task, batches, state, began)
                if state.step % per_epoch == 0 or state.step == len(batches):
                    self.evaluate(task, state)
                    state.finished = self.exhausted(state) or state.step == len(batches)
                    self.save(folder, state)
        self.put(self.best)
        return state

    def batches(self, lengths: list[int]) -> Iterator[list[int]]:
        """The whole run's, each epoch in an order of its own."""
        size, epochs = self.recipe.per_device_train_batch_size, self.recipe.num_train_epochs
        steps = math.ceil(epochs * math.ceil(len(lengths) / size))
        for epoch in range(math.ceil(epochs)):
            chance = np.random.default_rng([self.recipe.seed, epoch])
            for batch in grouped(lengths, size, chance):
                if steps:
                    yield batch
                    steps -= 1

    def advance(self, task: Task, batches: list[list[int]], state: RunState, began: float) -> None:
        # Dropout depends on the step alone, so nothing of chance needs to be saved.
        torch.manual_seed(self.recipe.seed * 1_000_003 + state.step)
        share = self.share(state.step, len(batches))
        self.encoder.model.train()
        loss = task.loss(batches[state.step])
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.max_grad_norm))
        if not math.isfinite(norm) or not bool(loss.isfinite()):
            raise numerical_error(state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * share
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.encoder.model.eval()
        state.step += 1
        state.tokens += len(batches[state.step - 1])
        state.seconds = time.monotonic() - began
        state.history.append([state.step, loss.item(), self.recipe.learning_rate * share, norm])
        self.callbacks.on_step(self.progress(state, len(batches)))

    def share(self, step: int, steps: int) -> float:
        """Of the learning rates: up in the warm-up, then down in a line."""
        warmup = math.ceil(self.recipe.warmup_ratio * steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 1 - (step - warmup) / max(1, steps - warmup)

    def progress(self, state: RunState, steps: int) -> Progress:
        _, loss, rate, norm = state.history[-1]
        left = state.seconds / state.step * (steps - state.step)
        epoch = self.recipe.num_train_epochs * state.step / steps
        speed = state.tokens / max(state.seconds, 1e-9)
        return Progress(state.step, steps, epoch, loss, rate, norm, state.tokens, speed, left)

    def evaluate(self, task: Task, state: RunState) -> None:
        """By loss: it also sees how sure a wrong answer was, so that odds stay honest."""
        loss, quality = task.score()
        if not math.isfinite(loss):
            raise numerical_error(state.step)
        better = state.best_loss is None or loss < state.best_loss
        state.evaluations_without_gain = 0 if better else state.evaluations_without_gain + 1
        if better:
            state.best_loss, state.best_step, self.best = loss, state.step, self.copied()
        perplexity = math.exp(min(loss, 700))
        found = EvaluationPoint(state.step, loss, perplexity, better, quality)
        self.callbacks.on_evaluation(found)

    def exhausted(self, state: RunState) -> bool:
        patience = self.recipe.early_stopping_patience
        return bool(patience) and state.evaluations_without_gain >= patience

    def save(self, folder: Path, state: RunState) -> None:
        tensors = {MADE + name: weight for name, weight in self.copied().items()}
        tensors |= {BEST + name: weight for name, weight in self.best.items()}
        for name, weight in self.weights.items():
            moments = self.optimizer.state[weight]
            tensors[GRADIENT + name] = moments.get("exp_avg", torch.zeros_like(weight)).detach()
            tensors[SQUARE + name] = moments.get("exp_avg_sq", torch.zeros_like(weight)).detach()
        self.callbacks.on_checkpoint(checkpoint.save(folder, state, tensors))

    def restore(self, folder: Path, identity: dict[str, str]) -> RunState:
        found = checkpoint.load(folder, identity)
        if found is None:
            return RunState(identity)
        state, tensors = found
        self.put({name: tensors[MADE + name] for name in self.weights})
        self.best = {name: tensors[BEST + name] for name in self.weights}
        for name, weight in self.weights.items():
            self.optimizer.state[weight] = {
                "step": torch.tensor(float(state.step)),
                "exp_avg": tensors[GRADIENT + name],
                "exp_avg_sq": tensors[SQUARE + name],
            }
        return state

    @torch.no_grad()
    def put(self, tensors: dict[str, Tensor]) -> None:
        for name, weight in self.weights.items():
            weight.copy_(tensors[name])


def grouped(lengths: list[int], size: int, chance: np.random.Generator) -> list[list[int]]:
    """Batches in random order, of examples that are alike in length, so that little is padding.

    Only within some batches' worth of the random order are examples sorted, so that each epoch
    puts others together.
    """
    order = chance.permutation(len(lengths)).tolist()
    batches = []
    for start in range(0, len(order), SORTED_BATCHES * size):
        window = sorted(order[start : start + SORTED_BATCHES * size], key=lengths.__getitem__)
        batches += [window[place : place + size] for place in range(0, len(window), size)]
    return [batches[place] for place in chance.permutation(len(batches)).tolist()]


def numerical_error(step: int) -> TrainingError:
    message = f"The loss was no number after {step} steps. Try a lower learning_rate."
    return TrainingError("model_numerical_error", message, field="learning_rate")
