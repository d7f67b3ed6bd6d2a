"""Sorting texts: a calibrated head on the frozen encoder, or one trained together with it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.heads.abstention import Rows, known_share, threshold_at
from training.heads.encoder import Encoder
from training.heads.layout import CLASSIFICATION
from training.heads.linear import Linear, best_linear, calibrated, fit_linear, loss_of
from training.heads.metrics import (
    ClassificationMetrics,
    classification_metrics,
    multi_label_metrics,
    threshold_for,
)
from training.heads.prediction import odds_of, predictions
from training.heads.recipe import HeadRecipe
from training.heads.storage import HeadConfig, labels_of, save_head
from training.heads.tuning import Tuner
from training.lora.errors import TrainingError
from training.lora.files import FileInfo
from training.lora.types import Callbacks

HEAD = "head"

Labels = Sequence[str] | Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class ClassificationData:
    """Each text's label, or its list of labels. Without validation a fifth is held out."""

    texts: Sequence[str]
    labels: Labels
    validation_texts: Sequence[str] = ()
    validation_labels: Labels = ()


@dataclass(frozen=True, slots=True)
class HeadResult:
    """`status` is "finished", or "stopped" on demand: fit again with the same folder to go on.

    `metrics` are of the validation rows, `history` is [step, loss, learning rate, norm] a step.
    `seconds` were spent in all, those before a stop included.
    """

    status: str
    folder: Path
    files: dict[str, FileInfo]
    metrics: ClassificationMetrics | None
    history: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0


class Stopped(Exception):
    """The caller wants an end before anything was trained that could be kept."""


@dataclass(frozen=True, slots=True)
class Split:
    """Texts and targets of one part: classes (n,), or 0 and 1 (n, classes) of several labels."""

    texts: list[str]
    targets: Tensor


def fit(
    data: ClassificationData,
    recipe: HeadRecipe,
    folder: Path,
    *,
    encoder: Encoder | None = None,
    callbacks: Callbacks | None = None,
) -> HeadResult:
    """Fit a head into folder/head. Everything is chosen on validation alone.

    TrainingError: dataset_too_small, dataset_degenerate (one label), model_numerical_error,
    insufficient_storage, checkpoint_mismatch.
    """
    labels, training, validation = splits(data, recipe.seed)
    encoder = encoder or Encoder.load(max_length=recipe.max_length)
    told = callbacks or Callbacks()
    began = time.monotonic()
    try:
        frozen = fit_frozen(encoder, training, validation, recipe, told)
    except Stopped:
        return HeadResult("stopped", folder / HEAD, {}, None, seconds=time.monotonic() - began)
    if recipe.method == "linear":
        metrics, threshold = frozen.judged(validation, labels, recipe)
        several = training.targets.dim() == 2
        final = frozen.on_all_rows()
        files = write(folder, final, Fitted(encoder, labels, several, threshold, recipe))
        seconds = time.monotonic() - began
        return HeadResult("finished", folder / HEAD, files, metrics, seconds=seconds)
    own = Encoder.load(encoder.folder, recipe.max_length)  # the caller's stays as it is
    tuning = Tuning(own, labels, training, validation, recipe)
    before = time.monotonic() - began
    result = tune(tuning, frozen, folder, told)
    return replace(result, seconds=result.seconds + before)


@dataclass(frozen=True, slots=True)
class Frozen:
    """The best head on the encoder as it is. `share` of known texts is to be answered."""

    head: Linear
    strength: float
    share: float
    features: tuple[Tensor, Tensor]
    targets: tuple[Tensor, Tensor]

    def on_all_rows(self) -> Linear:
        """The strength is known now, so the validation rows may teach as well."""
        features, targets = torch.cat(self.features), torch.cat(self.targets)
        whole = fit_linear(features, targets, self.strength, self.head)
        return Linear(whole.weight, whole.bias, self.head.temperature)

    def judged(
        self, validation: Split, labels: list[str], recipe: HeadRecipe
    ) -> tuple[ClassificationMetrics, float]:
        return judged(self.head, self.features[1], Judge(validation, labels, recipe, self.share))


def fit_frozen(
    encoder: Encoder, training: Split, validation: Split, recipe: HeadRecipe, told: Callbacks
) -> Frozen:
    """Raises Stopped where the caller says so."""

    def check() -> None:
        if told.should_stop():
            raise Stopped

    features = tuple(
        torch.from_numpy(encoder.features(part.texts, check)) for part in (training, validation)
    )
    pair, targets = (features[0], features[1]), (training.targets, validation.targets)
    head, strength = best_linear(pair, targets, check=check)
    share = 1.0
    if recipe.abstain == "auto" and targets[0].dim() == 1:
        rows = [Rows(*each) for each in zip(pair, targets, strict=True)]
        share = known_share(rows[0], rows[1], strength, recipe.seed)
    return Frozen(head, strength, share, pair, targets)


def splits(data: ClassificationData, seed: int) -> tuple[list[str], Split, Split]:
    """(labels, training, validation)"""
    if len(data.texts) != len(data.labels) or not data.texts:
        raise TrainingError("dataset_too_small", "Every text needs a label, and there is none.")
    several = not isinstance(data.labels[0], str)
    listed = [[each] if isinstance(each, str) else list(each) for each in data.labels]
    held = [[each] if isinstance(each, str) else list(each) for each in data.validation_labels]
    labels = labels_of([label for own in listed for label in own])
    known = set(labels)
    places = [place for place, own in enumerate(held) if known.issuperset(own)]
    training = Split(list(data.texts), targets_of(listed, labels, several))
    if places:
        texts = [data.validation_texts[place] for place in places]
        own = [held[place] for place in places]
        return labels, training, Split(texts, targets_of(own, labels, several))
    return labels, *held_out(training, seed)


def targets_of(listed: Sequence[Sequence[str]], labels: list[str], several: bool) -> Tensor:
    places = {label: place for place, label in enumerate(labels)}
    if not several:
        return torch.tensor([places[own[0]] for own in listed], dtype=torch.long)
    targets = torch.zeros(len(listed), len(labels))
    for row, own in enumerate(listed):
        targets[row, [places[label] for label in own]] = 1
    return targets


def held_out(split: Split, seed: int) -> tuple[Split, Split]:
    """Every fifth text of each class; a class's only text stays in training."""
    order = np.random.default_rng(seed).permutation(len(split.texts)).tolist()
    seen: dict[str, int] = {}
    parts: tuple[list[int], list[int]] = [], []
    for number in order:
        key = str(split.targets[number].tolist())
        seen[key] = seen.get(key, 0) + 1
        parts[seen[key] % 5 == 0].append(number)
    if not parts[1]:
        message = "There are too few rows of every label to hold some out for validation."
        raise TrainingError("dataset_too_small", message)
    kept, held = (Split([split.texts[n] for n in part], split.targets[part]) for part in parts)
    return kept, held


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is written beside a head's numbers."""

    encoder: Encoder
    labels: list[str]
    multi_label: bool
    threshold: float
    recipe: HeadRecipe


@dataclass(frozen=True, slots=True)
class Tuning:
    """Everything that training the encoder needs."""

    encoder: Encoder
    labels: list[str]
    training: Split
    validation: Split
    recipe: HeadRecipe

    def identity(self) -> dict[str, str]:
        digest = hashlib.sha256("\0".join(self.labels).encode())
        for split in (self.training, self.validation):
            digest.update("\0".join(split.texts).encode() + str(split.targets.tolist()).encode())
        base, recipe = self.encoder.sha256, self.recipe.fingerprint()
        return {"recipe": recipe, "base": base, "data": digest.hexdigest()}


class ClassificationTask:
    """tuning.Task over one head on the pooled states."""

    def __init__(self, tuning: Tuning, head: nn.Linear) -> None:
        self.tuning, self.head = tuning, head
        self.encodings = tuning.encoder.encode(tuning.training.texts)
        self.held = tuning.encoder.encode(tuning.validation.texts)

    @property
    def lengths(self) -> list[int]:
        return [len(encoding.ids) for encoding in self.encodings]

    def loss(self, numbers: Sequence[int]) -> Tensor:
        batch = self.tuning.encoder.batch(self.encodings, numbers)
        logits = self.head(self.tuning.encoder.pooled(batch))
        targets = self.tuning.training.targets[batch.numbers]
        return loss_of(logits, targets, self.tuning.recipe.label_smoothing)

    def score(self) -> tuple[float, float]:
        targets = self.tuning.validation.targets
        with torch.no_grad():
            logits = self.head(self.features())
            return float(loss_of(logits, targets)), float(right(logits, targets).float().mean())

    def features(self) -> Tensor:
        """Of the validation texts, by the encoder as it is now."""
        return torch.from_numpy(self.tuning.encoder.features(self.tuning.validation.texts))


def right(logits: Tensor, targets: Tensor) -> Tensor:
    """(n,): whether the text's label, or each of its labels, is found."""
    if targets.dim() == 2:
        return ((logits > 0) == (targets > 0)).all(dim=1)
    return logits.argmax(1) == targets


def tune(tuning: Tuning, frozen: Frozen, folder: Path, callbacks: Callbacks) -> HeadResult:
    """Start from the head that fits the frozen encoder (LP-FT, arXiv:2202.10054)."""
    start = frozen.head
    head = nn.Linear(tuning.encoder.feature_size, len(tuning.labels))
    with torch.no_grad():
        head.weight.copy_(start.weight / start.temperature)
        head.bias.copy_(start.bias / start.temperature)
    task = ClassificationTask(tuning, head)
    tuner = Tuner(tuning.encoder, head, tuning.recipe, callbacks)
    state = tuner.run(task, folder, tuning.identity())
    if not state.finished:
        return HeadResult("stopped", folder / HEAD, {}, None, state.history, state.seconds)
    tuned = Linear(head.weight.detach(), head.bias.detach())
    features = task.features()
    final = calibrated(tuned, features, tuning.validation.targets)
    judge = Judge(tuning.validation, tuning.labels, tuning.recipe, frozen.share)
    metrics, threshold = judged(final, features, judge)
    body = {name: w for name, w in tuner.weights.items() if not name.startswith("head.")}
    several = tuning.training.targets.dim() == 2
    fitted = Fitted(tuning.encoder, tuning.labels, several, threshold, tuning.recipe)
    files = write(folder, final, fitted, body)
    return HeadResult("finished", folder / HEAD, files, metrics, state.history, state.seconds)


@dataclass(frozen=True, slots=True)
class Judge:
    """What a head is measured on, and the share of texts of known classes that it is to answer."""

    split: Split
    labels: list[str]
    recipe: HeadRecipe
    share: float


def judged(head: Linear, features: Tensor, judge: Judge) -> tuple[ClassificationMetrics, float]:
    """(metrics on validation, the threshold below which to abstain)."""
    split, labels = judge.split, judge.labels
    several = split.targets.dim() == 2
    found = predictions(odds_of(head.logits(features), several), labels, 0.0, several)
    if several:
        true = [{labels[place] for place in row.nonzero().flatten()} for row in split.targets]
        return multi_label_metrics(true, [set(each.labels) for each in found], labels), 0.0
    wanted = [labels[place] for place in split.targets.tolist()]
    sure = np.array([each.probability for each in found])
    metrics = classification_metrics(wanted, [each.label for each in found], labels, sure.tolist())
    right = np.array([each.label == own for each, own in zip(found, wanted, strict=True)])
    if judge.recipe.target_accuracy:
        return metrics, threshold_for(right, sure, judge.recipe.target_accuracy)
    return metrics, threshold_at(sure, judge.share)


def write(
    folder: Path, head: Linear, fitted: Fitted, body: dict[str, nn.Parameter] | None = None
) -> dict[str, FileInfo]:
    config = HeadConfig(
        task=CLASSIFICATION,
        labels=fitted.labels,
        multi_label=fitted.multi_label,
        temperature=head.temperature,
        threshold=fitted.threshold,
        encoder_name=fitted.encoder.name,
        encoder_sha256=fitted.encoder.sha256,
        recipe=fitted.recipe.to_json(),
    )
    tensors = {"weight": head.weight, "bias": head.bias}
    return save_head(folder / HEAD, config, tensors, body or {})
