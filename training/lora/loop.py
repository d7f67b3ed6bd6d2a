"""The loop: rows in, an adapter out, and a run that goes on after any stop where it was."""

from __future__ import annotations

import hashlib
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from generation.engine.lora.peft import WEIGHTS
from generation.engine.weights import weights_sha256
from training.lora import checkpoint, perturbation, sampling
from training.lora.adapter import LoraParameters, read_adapter, start_from
from training.lora.checkpoint import RunState
from training.lora.decoder import Decoder, Dropout
from training.lora.errors import TrainingError
from training.lora.files import FileInfo
from training.lora.memory import kept_memory
from training.lora.native.library import set_threads
from training.lora.objectives import objective_of
from training.lora.optimizer import STATES, Optimizer
from training.lora.peft_folder import write_adapter
from training.lora.plan import Plan, Step
from training.lora.rows import rows_sha256
from training.lora.schedule import learning_rate
from training.lora.types import (
    ADAPTER,
    Callbacks,
    EvaluationPoint,
    Progress,
    SampleText,
    TrainingInput,
    TrainingResult,
)

FLAT, BEST = "weights", "best"


def train(job: TrainingInput, callbacks: Callbacks | None = None) -> TrainingResult:
    """Train to the end, or until `should_stop`; a second call goes on where the first one was.

    On the same machine and with the same number of threads the result is the same to the bit,
    however often the run was interrupted. Raises TrainingError: dataset_too_small,
    checkpoint_mismatch, model_unsupported, adapter_invalid, recipe_invalid, and, keeping the last
    good checkpoint, model_numerical_error and insufficient_storage.
    """
    torch.set_num_threads(job.threads)
    set_threads(job.threads)
    with kept_memory():
        return Trainer(job, callbacks or Callbacks()).run()


class Trainer:
    def __init__(self, job: TrainingInput, callbacks: Callbacks) -> None:
        check(job)
        self.job, self.callbacks, self.recipe = job, callbacks, job.recipe
        device = torch.device(job.device)
        longest = self.recipe.max_length
        self.decoder = Decoder(job.base, longest, device=device)
        self.adapter = LoraParameters(self.decoder.config, self.recipe, device)
        self.optimizer = Optimizer(self.adapter.flat, self.recipe)
        self.base_sha256 = weights_sha256(job.base)
        self.best = self.adapter.flat.detach().clone()
        self.state = self.begin()
        rows = [row.cut(longest) for row in job.rows]
        held = [row.cut(longest) for row in job.validation]
        self.objective = objective_of(self.decoder, self.adapter, rows, self.recipe)
        self.validation = objective_of(self.decoder, self.adapter, held, self.recipe)
        self.plan = Plan(self.objective.lengths, self.recipe)

    def begin(self) -> RunState:
        """Where the newest checkpoint left off, or a fresh start."""
        identity = self.identity()
        found = checkpoint.load(self.job.folder, identity)
        if found is None:
            lengths = self.decoder.lengths(self.adapter) if self.recipe.use_dora else None
            self.adapter.reset(lengths)
            if self.job.start_from is not None:
                pairs = read_adapter(self.job.start_from, self.decoder.config)
                start_from(self.adapter, pairs)
            self.best.copy_(self.adapter.flat.detach())
            return RunState(identity)
        state, tensors = found
        with torch.no_grad():
            self.adapter.flat.copy_(tensors[FLAT])
        self.best.copy_(tensors.get(BEST, tensors[FLAT]))
        self.optimizer.load({name: tensors[name] for name in STATES}, state.step)
        return state

    def identity(self) -> dict[str, str]:
        start = self.job.start_from
        return {
            "recipe": self.recipe.fingerprint(),
            "base": self.base_sha256,
            "data": rows_sha256([*self.job.rows, *self.job.validation]),
            "start": file_sha256(start / WEIGHTS) if start else "",
        }

    def run(self) -> TrainingResult:
        state, status = self.state, "finished"
        began = time.monotonic() - state.seconds
        if state.best_loss is None:
            self.evaluate()
        if state.step == 0 and self.recipe.sample_steps:
            self.sample()
        while state.step < len(self.plan) and not state.finished:
            if self.callbacks.should_stop():
                status = "stopped"
                break
            self.advance(self.plan.steps[state.step], began)
            if self.exhausted():
                status = "early_stopped"
                break
        if status != "stopped":
            state.finished = True
        if not self.validation.lengths:
            self.best.copy_(self.adapter.flat.detach())
            state.best_step = state.step
        self.save()
        return self.result(status)

    def advance(self, step: Step, began: float) -> None:
        """One step, and what is due after it."""
        state, recipe = self.state, self.recipe
        rate = learning_rate(recipe, state.step, len(self.plan))
        loss = self.backward(step)
        norm = self.optimizer.gradient_norm()
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise numerical_error(state.step)
        self.optimizer.step(rate, norm)
        state.step += 1
        state.tokens += self.plan.tokens_of(step)
        state.seconds = time.monotonic() - began
        state.history.append([state.step, loss, rate, norm])
        self.callbacks.on_step(self.progress(step.epoch))
        last = state.step == len(self.plan)
        if last or state.step % recipe.eval_steps == 0:
            self.evaluate()
        if recipe.sample_steps and (last or state.step % recipe.sample_steps == 0):
            self.sample()
        if state.step % recipe.save_steps == 0 and not last:
            self.save()

    def backward(self, step: Step) -> float:
        """Leave the gradient of the step's mean loss in the adapter; the loss."""
        total = max(1, sum(self.objective.count(numbers) for numbers in step.packs))
        losses = [
            self.backward_pack(numbers, total, self.seed_of(place))
            for place, numbers in enumerate(step.packs)
        ]
        return float(sum(losses))

    def backward_pack(self, numbers: list[int], total: int, seed: int) -> Tensor:
        recipe, pack = self.recipe, self.objective.pack(numbers)
        dropout = Dropout(recipe.lora_dropout, seed)

        def loss_of(embedded: Tensor) -> Tensor:
            return self.objective.loss(pack, numbers, embedded=embedded, dropout=dropout) / total

        plain = self.decoder.embed(pack)
        embedded = perturbation.noised(plain, pack, recipe.neftune_noise_alpha, seed)
        return perturbation.backward(loss_of, embedded, recipe)

    def seed_of(self, place: int) -> int:
        """Chance in a step depends on the step alone, so nothing of it needs to be saved."""
        return (self.recipe.seed * 1_000_003 + self.state.step) * 1024 + place

    def progress(self, epoch: float) -> Progress:
        state, steps = self.state, len(self.plan)
        _, loss, rate, norm = state.history[-1]
        speed = state.tokens / max(state.seconds, 1e-9)
        left = (self.plan.tokens - state.tokens) / max(speed, 1e-9)
        return Progress(state.step, steps, epoch, loss, rate, norm, state.tokens, speed, left)

    def evaluate(self) -> None:
        state = self.state
        if not self.validation.lengths:
            return
        score = self.validation.score()
        if not math.isfinite(score.loss):
            raise numerical_error(state.step)
        least = math.inf if state.best_loss is None else state.best_loss
        better = score.loss < least - self.recipe.early_stopping_threshold
        state.evaluations_without_gain = 0 if better else state.evaluations_without_gain + 1
        if score.loss < least:
            state.best_loss, state.best_step = score.loss, state.step
            self.best.copy_(self.adapter.flat.detach())
        perplexity = math.exp(min(score.loss, 700))
        found = EvaluationPoint(state.step, score.loss, perplexity, better, score.accuracy)
        self.callbacks.on_evaluation(found)

    def exhausted(self) -> bool:
        patience = self.recipe.early_stopping_patience
        return bool(
            patience and self.validation.lengths and self.state.evaluations_without_gain >= patience
        )

    def sample(self) -> None:
        prompts = self.job.samples
        if not prompts:
            return
        said = sampling.answers(self.decoder, self.adapter, prompts)
        for prompt, tokens in zip(prompts, said, strict=True):
            self.callbacks.on_sample(SampleText(self.state.step, prompt.name, tokens))

    def save(self) -> None:
        if not self.adapter.usable():
            raise numerical_error(self.state.step)
        tensors = {FLAT: self.adapter.flat.detach().cpu(), **self.optimizer.tensors()}
        if self.validation.lengths:
            tensors[BEST] = self.best.cpu()
        self.callbacks.on_checkpoint(checkpoint.save(self.job.folder, self.state, tensors))

    def result(self, status: str) -> TrainingResult:
        state, files = self.state, self.write_best()
        return TrainingResult(
            status=status,
            adapter=self.job.folder / ADAPTER,
            files=files,
            steps=state.step,
            best_step=state.best_step,
            train_loss=mean_of_last(state.history),
            eval_loss=state.best_loss,
            tokens=state.tokens,
            seconds=state.seconds,
            tokens_per_second=state.tokens / max(state.seconds, 1e-9),
            servable=self.recipe.servable,
            history=state.history,
        )

    def write_best(self) -> dict[str, FileInfo]:
        current = self.adapter.flat.detach().clone()
        with torch.no_grad():
            self.adapter.flat.copy_(self.best)
            tensors = self.adapter.tensors()
            self.adapter.flat.copy_(current)
        base = (self.job.base_name, self.base_sha256)
        return write_adapter(self.job.folder / ADAPTER, tensors, self.recipe, base)


def check(job: TrainingInput) -> None:
    """There is something to learn."""
    learnt = sum(
        len(side.targets(job.recipe.completion_only_loss))
        for row in job.rows
        for side in row.sides()
    )
    if not learnt:
        raise TrainingError("dataset_too_small", "There is no row with anything to learn.")


def numerical_error(step: int) -> TrainingError:
    message = f"The loss was no number after {step} steps. Try a lower learning_rate."
    return TrainingError("model_numerical_error", message, field="learning_rate")


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mean_of_last(history: list[list[float]], count: int = 10) -> float:
    """Of the losses of the last steps; one step's alone says little."""
    losses = [loss for _, loss, *_ in history[-count:]]
    return sum(losses) / max(1, len(losses))
