"""What a run takes, tells and gives. Free of torch, so that an app may import it anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.lora.checkpoint import CheckpointInfo
from training.lora.files import FileInfo
from training.lora.recipe import Recipe
from training.lora.rows import Pair, Row

ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class SamplePrompt:
    """A prompt that the model answers every `sample_steps`, to see how it changes."""

    name: str
    tokens: Sequence[int]
    max_new_tokens: int = 48


@dataclass(frozen=True, slots=True)
class TrainingInput:
    """`base` is a model's folder, `folder` the run's own, where it finds what it saved before.

    `rows` are Rows, or Pairs where the recipe's objective is "dpo"; `validation` likewise, or
    empty. `start_from` is a PEFT folder to continue; `base_name` goes into the new one.
    `device` is "cpu" or "cuda"; `threads` are torch's on a CPU.
    """

    base: Path
    folder: Path
    recipe: Recipe
    rows: Sequence[Row] | Sequence[Pair]
    validation: Sequence[Row] | Sequence[Pair] = ()
    samples: Sequence[SamplePrompt] = ()
    start_from: Path | None = None
    base_name: str = ""
    threads: int = 1
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Progress:
    """After a step: `epoch` is a part of the whole, `tokens` are the run's so far."""

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    grad_norm: float
    tokens: int
    tokens_per_second: float
    eta_s: float


@dataclass(frozen=True, slots=True)
class EvaluationPoint:
    """On the validation rows: mean loss of a token (of a pair in DPO), and whether it is the best.

    `accuracy` is the share of pairs whose chosen side gained more, None outside of DPO.
    """

    step: int
    loss: float
    perplexity: float
    best: bool
    accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class SampleText:
    step: int
    name: str
    tokens: list[int]


def ignore(_: object) -> None:
    """The callback of those who do not listen."""


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Called from the thread that trains; `should_stop` is asked before every step."""

    on_step: Callable[[Progress], None] = ignore
    on_evaluation: Callable[[EvaluationPoint], None] = ignore
    on_sample: Callable[[SampleText], None] = ignore
    on_checkpoint: Callable[[CheckpointInfo], None] = ignore
    should_stop: Callable[[], bool] = never


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """`status` is "finished", "early_stopped" or "stopped" (on demand: call again to go on).

    `adapter` is a PEFT folder, of the best step where there are validation rows. `history` has
    [step, loss, learning rate, norm of the gradient] of each step.
    """

    status: str
    adapter: Path
    files: dict[str, FileInfo]
    steps: int
    best_step: int
    train_loss: float
    eval_loss: float | None
    tokens: int
    seconds: float
    tokens_per_second: float
    servable: bool
    history: list[list[float]] = field(default_factory=list)
