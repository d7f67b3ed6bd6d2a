"""A fitted head at work: texts to labels and their odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.heads.encoder import Encoder
from training.heads.layout import CLASSIFICATION
from training.heads.linear import Linear
from training.heads.storage import HeadConfig, load_head
from training.lora.errors import TrainingError

MULTI_LABEL_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True)
class Prediction:
    """`label` is the likeliest; `labels` are all above one half where a text may have several."""

    label: str
    probability: float
    probabilities: dict[str, float]
    labels: list[str]
    abstained: bool


def odds_of(logits: Tensor, several: bool) -> Tensor:
    return logits.sigmoid() if several else logits.softmax(dim=-1)


def predictions(
    odds: Tensor, labels: list[str], threshold: float, several: bool
) -> list[Prediction]:
    made = []
    for row in odds.tolist():
        best = max(range(len(row)), key=row.__getitem__)
        above = [place for place, share in enumerate(row) if share > MULTI_LABEL_THRESHOLD]
        made.append(
            Prediction(
                label=labels[best],
                probability=row[best],
                probabilities=dict(zip(labels, row, strict=True)),
                labels=[labels[place] for place in (above if several else [best])],
                abstained=row[best] < threshold,
            )
        )
    return made


class Classifier:
    """A head that was fitted, ready to sort texts."""

    def __init__(self, config: HeadConfig, encoder: Encoder, head: Linear) -> None:
        self.config, self.encoder, self.head = config, encoder, head

    @classmethod
    def load(cls, folder: Path, encoder: Encoder | None = None) -> Classifier:
        """`encoder` may be shared by heads that left it frozen. TrainingError as load_head."""
        config, encoder, tensors = load_head(folder, encoder)
        if config.task != CLASSIFICATION:
            raise TrainingError("head_invalid", "The head does not sort texts.")
        head = Linear(tensors["weight"], tensors["bias"], config.temperature)
        return cls(config, encoder, head)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        config, odds = self.config, self.odds(texts)
        return predictions(odds, config.labels, config.threshold, config.multi_label)

    @torch.inference_mode()
    def odds(self, texts: Sequence[str]) -> Tensor:
        """The probabilities (n, labels)."""
        if not texts:
            return torch.zeros(0, len(self.config.labels))
        logits = self.head.logits(torch.from_numpy(self.encoder.features(texts)))
        return odds_of(logits, self.config.multi_label)


class Ensemble:
    """Heads of other seeds with the same labels, whose probabilities are averaged."""

    def __init__(self, members: Sequence[Classifier]) -> None:
        labels = {tuple(member.config.labels) for member in members}
        if len(labels) != 1:
            raise TrainingError("head_invalid", "The heads of an ensemble need the same labels.")
        self.members, self.config = members, members[0].config

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        odds = torch.stack([member.odds(texts) for member in self.members]).mean(0)
        config = self.config
        return predictions(odds, config.labels, config.threshold, config.multi_label)
