"""Finding things in texts: BIO tags on words, by a head that is trained with the encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tokenizers import Encoding
from torch import Tensor, nn
from torch.nn import functional as F

from training.heads.encoder import Batch, Encoder
from training.heads.layout import EXTRACTION
from training.heads.metrics import EntityMetrics, entities, entity_metrics
from training.heads.recipe import HeadRecipe
from training.heads.storage import HeadConfig, labels_of, load_head, save_head
from training.heads.tuning import Tuner
from training.heads.words import Word, words
from training.lora.errors import TrainingError
from training.lora.files import FileInfo
from training.lora.types import Callbacks

HEAD = "head"
# (tag, probability) of each word that the encoder saw.
TaggedRow = list[tuple[str, float]]
UNTAGGED = -100  # the rest of a word and padding, which torch's loss leaves out


@dataclass(frozen=True, slots=True)
class TaggingData:
    """Words and their BIO tags, row by row. Without validation a fifth of the rows is held out."""

    tokens: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]]
    validation_tokens: Sequence[Sequence[str]] = ()
    validation_tags: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class TaggingResult:
    """`status` is "finished", or "stopped" on demand; `metrics` are of the validation rows."""

    status: str
    folder: Path
    files: dict[str, FileInfo]
    metrics: EntityMetrics | None
    history: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Entity:
    """Characters [start, end) of a text; `probability` is that of its least certain tag."""

    start: int
    end: int
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded rows and their words' tags by number."""

    encodings: list[Encoding]
    tags: list[list[int]]


class TaggingTask:
    """tuning.Task over the state of each word's first piece."""

    def __init__(
        self, encoder: Encoder, head: nn.Linear, rows: tuple[Rows, Rows], labels: list[str]
    ) -> None:
        self.encoder, self.head, self.labels = encoder, head, labels
        self.training, self.validation = rows

    @property
    def lengths(self) -> list[int]:
        return [len(encoding.ids) for encoding in self.training.encodings]

    def loss(self, numbers: Sequence[int]) -> Tensor:
        batch = self.encoder.batch(self.training.encodings, numbers)
        logits = self.head(self.encoder.states(batch))  # (B, T, tags)
        targets = targets_of(self.training, batch)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=UNTAGGED)

    @torch.no_grad()
    def score(self) -> tuple[float, float]:
        total, count = 0.0, 0
        for batch in self.encoder.batches(self.validation.encodings):
            logits = self.head(self.encoder.states(batch))
            targets = targets_of(self.validation, batch)
            losses = F.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), ignore_index=UNTAGGED, reduction="sum"
            )
            total, count = total + float(losses), count + int((targets != UNTAGGED).sum())
        return total / max(1, count), self.metrics().f1

    def metrics(self) -> EntityMetrics:
        found = tag_rows(self.encoder, self.head, self.validation.encodings, self.labels)
        true = [[self.labels[tag] for tag in tags] for tags in self.validation.tags]
        return entity_metrics(true, whole_tags(found, [len(tags) for tags in true]))


def whole_tags(found: Sequence[TaggedRow], lengths: Sequence[int]) -> list[list[str]]:
    """The tags alone; what the encoder cut off is untagged."""
    rows = ([tag for tag, _ in row] for row in found)
    pairs = zip(rows, lengths, strict=True)
    return [[*tags, *["O"] * (length - len(tags))] for tags, length in pairs]


def targets_of(rows: Rows, batch: Batch) -> Tensor:
    """(B, T): the tag of every word at its first piece."""
    targets = torch.full_like(batch.ids, UNTAGGED)
    for place, number in enumerate(batch.numbers):
        for piece, word in first_pieces(rows.encodings[number]):
            targets[place, piece] = rows.tags[number][word]
    return targets


def first_pieces(encoding: Encoding) -> list[tuple[int, int]]:
    """(place of the piece, number of the word) where each word begins."""
    found, before = [], None
    for place, word in enumerate(encoding.word_ids):
        if word is not None and word != before:
            found.append((place, word))
        before = word
    return found


@torch.no_grad()
def tag_rows(
    encoder: Encoder, head: nn.Module, encodings: Sequence[Encoding], labels: list[str]
) -> list[TaggedRow]:
    found: list[TaggedRow] = [[] for _ in encodings]
    for batch in encoder.batches(encodings):
        odds = head(encoder.states(batch)).softmax(-1)  # (B, T, tags)
        for place, number in enumerate(batch.numbers):
            pieces = [piece for piece, _ in first_pieces(encodings[number])]
            shares, tags = odds[place, pieces].max(-1)
            named = (labels[tag] for tag in tags.tolist())
            found[number] = list(zip(named, shares.tolist(), strict=True))
    return found


def fit_tagger(
    data: TaggingData,
    recipe: HeadRecipe,
    folder: Path,
    *,
    encoder: Encoder | None = None,
    callbacks: Callbacks | None = None,
) -> TaggingResult:
    """Train into folder/head; a "linear" recipe trains the head alone. TrainingError as `fit`.

    A given encoder says which one; its weights stay as they are.
    """
    encoder = Encoder.load(encoder.folder if encoder else None, recipe.max_length)
    training, validation = parted(data, recipe.seed)
    labels = labels_of([tag for tags in training[1] for tag in tags] + ["O"])
    places = {label: place for place, label in enumerate(labels)}
    rows = [rows_of(encoder, part, places) for part in (training, validation)]
    torch.manual_seed(recipe.seed)
    head = nn.Linear(encoder.size, len(labels))
    task = TaggingTask(encoder, head, (rows[0], rows[1]), labels)
    tuner = Tuner(encoder, head, recipe, callbacks or Callbacks())
    identity = {"recipe": recipe.fingerprint(), "base": encoder.sha256, "data": data_sha256(data)}
    state = tuner.run(task, folder, identity)
    if not state.finished:
        return TaggingResult("stopped", folder / HEAD, {}, None, state.history, state.seconds)
    config = HeadConfig(
        task=EXTRACTION,
        labels=labels,
        multi_label=False,
        temperature=1.0,
        threshold=0.0,
        encoder_name=encoder.name,
        encoder_sha256=encoder.sha256,
        recipe=recipe.to_json(),
    )
    body = {name: w for name, w in tuner.weights.items() if not name.startswith("head.")}
    tensors = {"weight": head.weight, "bias": head.bias}
    files = save_head(folder / HEAD, config, tensors, body)
    found = task.metrics()
    return TaggingResult("finished", folder / HEAD, files, found, state.history, state.seconds)


Part = tuple[list[list[str]], list[list[str]]]


def parted(data: TaggingData, seed: int) -> tuple[Part, Part]:
    """(training, validation), each words and tags."""
    rows = list(zip(map(list, data.tokens), map(list, data.tags), strict=True))
    if any(len(tokens) != len(tags) for tokens, tags in rows):
        raise TrainingError("dataset_degenerate", "Every token needs a tag.", field="tags")
    sides = map(list, data.validation_tokens), map(list, data.validation_tags)
    held = list(zip(*sides, strict=True))
    if not held:
        order = np.random.default_rng(seed).permutation(len(rows)).tolist()
        kept = [number for place, number in enumerate(order) if place % 5]
        held, rows = [rows[number] for number in order[::5]], [rows[number] for number in kept]
    if not rows or not held:
        raise TrainingError("dataset_too_small", "There are too few rows to hold some out.")
    training, validation = (([r[0] for r in part], [r[1] for r in part]) for part in (rows, held))
    return training, validation


def rows_of(encoder: Encoder, part: Part, places: dict[str, int]) -> Rows:
    """A tag that training never saw counts as O, which it is to this model."""
    encodings = encoder.encode_words(part[0])
    return Rows(encodings, [[places.get(tag, places["O"]) for tag in tags] for tags in part[1]])


def data_sha256(data: TaggingData) -> str:
    return hashlib.sha256(repr(data).encode()).hexdigest()


class Tagger:
    """A head that was trained, ready to find things."""

    def __init__(self, config: HeadConfig, encoder: Encoder, head: nn.Linear) -> None:
        self.config, self.encoder, self.head = config, encoder, head

    @classmethod
    def load(cls, folder: Path, encoder: Encoder | None = None) -> Tagger:
        """`encoder` may be shared by heads that left it frozen. TrainingError as load_head."""
        config, encoder, tensors = load_head(folder, encoder)
        if config.task != EXTRACTION:
            raise TrainingError("head_invalid", "The head does not find things in texts.")
        head = nn.Linear(encoder.size, len(config.labels))
        head.load_state_dict(tensors)
        return cls(config, encoder, head)

    def predict_tokens(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        """A BIO tag for every word; what lies beyond the encoder's length is O."""
        if not rows:
            return []
        encodings = self.encoder.encode_words(rows)
        found = tag_rows(self.encoder, self.head, encodings, self.config.labels)
        return whole_tags(found, [len(row) for row in rows])

    def predict(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, by their characters."""
        split = [words(text) for text in texts]
        if not texts:
            return []
        encodings = self.encoder.encode_words([[word.text for word in own] for own in split])
        found = tag_rows(self.encoder, self.head, encodings, self.config.labels)
        return [entities_in(own, row) for own, row in zip(split, found, strict=True)]


def entities_in(own: Sequence[Word], row: TaggedRow) -> list[Entity]:
    return [
        Entity(own[begin].start, own[end - 1].end, label, min(odds for _, odds in row[begin:end]))
        for begin, end, label in entities([tag for tag, _ in row])
    ]
