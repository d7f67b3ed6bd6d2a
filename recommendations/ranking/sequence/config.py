"""The sizes of a sequence model and the settings of its training; both check themselves."""

from __future__ import annotations

from dataclasses import dataclass

PRECISIONS = ("float32", "bfloat16")


class ConfigError(ValueError):
    """A size or a setting is out of its range; the message names it."""


def require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A causal transformer over the last `length` items; `dim` is the width of every vector."""

    dim: int = 64
    blocks: int = 2
    heads: int = 2
    hidden: int = 128
    length: int = 200
    rotary_base: float = 10_000.0

    def __post_init__(self) -> None:
        for name in ("dim", "blocks", "heads", "hidden", "length"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1")
        require(self.dim % (2 * self.heads) == 0, "dim must be a multiple of twice the heads")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """`negatives=0` is the full softmax; else so many sampled items stand beside a batch's own.

    `patience` counts evaluations without a better NDCG@10; `averaging` is the decay per step of
    the weights' moving average, which is what is evaluated and kept.
    """

    epochs: int = 100
    patience: int = 5
    evaluate_every: int = 1
    evaluated_persons: int = 2048
    batch_tokens: int = 16_384
    learning_rate: float = 1e-3
    dropout: float = 0.2
    negatives: int = 0
    averaging: float = 0.99
    exclude_history: bool = True
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "evaluate_every", "evaluated_persons", "batch_tokens"):
            require(getattr(self, name) >= 1, f"{name} must be at least 1")
        require(self.learning_rate > 0, "learning_rate must be above 0")
        require(self.negatives >= 0, "negatives must not be below 0")
        for name in ("dropout", "averaging"):
            require(0 <= getattr(self, name) < 1, f"{name} must be from 0 to below 1")
        require(self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}")
