"""How an adapter is trained: every value under the name that transformers and PEFT give it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from generation.engine.lora.peft import MAX_RANK, MODULES
from training.lora.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest value, both allowed; whole numbers only if `whole`."""

    low: float
    high: float
    whole: bool = False

    def accepts(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.low <= value <= self.high  # False for NaN

    def __str__(self) -> str:
        return f"{'a whole number ' if self.whole else ''}from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Choices:
    values: tuple[str, ...]

    def accepts(self, value: Any) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return f"one of {', '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Flag:
    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True, slots=True)
class Subset:
    """Some of the values, at least one, none twice."""

    values: tuple[str, ...]

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, tuple) or not value or len(set(value)) < len(value):
            return False
        return set(value) <= set(self.values)

    def __str__(self) -> str:
        return f"some of {', '.join(self.values)}"


Allowed = Range | Choices | Flag | Subset

FIELDS: dict[str, Allowed] = {
    "objective": Choices(("causal", "dpo")),
    "num_train_epochs": Range(0.01, 100),
    "max_steps": Range(0, 100_000, whole=True),
    "learning_rate": Range(1e-7, 0.1),
    "lr_scheduler_type": Choices(("cosine", "linear", "constant")),
    "warmup_ratio": Range(0, 0.5),
    "weight_decay": Range(0, 1),
    "max_grad_norm": Range(0.01, 1000),
    "lora_r": Range(1, MAX_RANK, whole=True),
    "lora_alpha": Range(0.01, 1024),
    "lora_dropout": Range(0, 0.9),
    "target_modules": Subset(tuple(MODULES)),
    "use_dora": Flag(),
    "use_rslora": Flag(),
    "max_length": Range(8, 4096, whole=True),
    "tokens_per_step": Range(64, 262_144, whole=True),
    "completion_only_loss": Flag(),
    "label_smoothing": Range(0, 0.5),
    "neftune_noise_alpha": Range(0, 100),
    "adversarial": Choices(("none", "fgm", "pgd")),
    "adversarial_epsilon": Range(1e-6, 10),
    "adversarial_steps": Range(1, 10, whole=True),
    "dpo_beta": Range(0.001, 10),
    "early_stopping_patience": Range(0, 100, whole=True),
    "early_stopping_threshold": Range(0, 10),
    "eval_steps": Range(1, 100_000, whole=True),
    "save_steps": Range(1, 100_000, whole=True),
    "sample_steps": Range(0, 100_000, whole=True),
    "seed": Range(0, 2**31 - 1, whole=True),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Validated as it is made: TrainingError "recipe_invalid" names the field that is out of range.

    `max_steps` 0 trains `num_train_epochs`; a step learns from rows of about `tokens_per_step`
    tokens. `early_stopping_patience` 0 never stops early, `sample_steps` 0 writes no samples.
    """

    objective: str = "causal"
    num_train_epochs: float = 3.0
    max_steps: int = 0
    learning_rate: float = 5e-4
    lr_scheduler_type: str = "cosine"
    warmup_ratio: float = 0.05
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    lora_r: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    target_modules: tuple[str, ...] = tuple(MODULES)
    use_dora: bool = False
    use_rslora: bool = False
    max_length: int = 1024
    tokens_per_step: int = 1024
    completion_only_loss: bool = True
    label_smoothing: float = 0.0
    neftune_noise_alpha: float = 0.0
    adversarial: str = "none"
    adversarial_epsilon: float = 0.05
    adversarial_steps: int = 3
    dpo_beta: float = 0.1
    early_stopping_patience: int = 3
    early_stopping_threshold: float = 0.0
    eval_steps: int = 20
    save_steps: int = 50
    sample_steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in FIELDS.items():
            if not allowed.accepts(getattr(self, name)):
                raise TrainingError("recipe_invalid", f"{name} must be {allowed}.", field=name)

    @property
    def scale(self) -> float:
        """The factor of B A x (arXiv:2106.09685; rank-stabilised, arXiv:2312.03732)."""
        return self.lora_alpha / (self.lora_r**0.5 if self.use_rslora else self.lora_r)

    @property
    def servable(self) -> bool:
        """Whether the engine serves what comes out: it adds B A x and has no DoRA."""
        return not self.use_dora

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"target_modules": list(self.target_modules)}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Recipe:
        """Raises TrainingError for an unknown name; what is left out has its default."""
        known = {field.name for field in fields(cls)}
        for name in raw.keys() - known:
            raise TrainingError("recipe_invalid", f"There is no setting {name}.", field=name)
        values = dict(raw)
        if isinstance(modules := values.get("target_modules"), list):
            values["target_modules"] = tuple(map(str, modules))
        return cls(**values)

    def fingerprint(self) -> str:
        return json.dumps(self.to_json(), sort_keys=True)


BALANCED = Recipe(sample_steps=20)
PRESETS: dict[str, Recipe] = {
    "quick": replace(BALANCED, num_train_epochs=2.0, lora_r=8, lora_alpha=16.0),
    "balanced": BALANCED,
    "thorough": replace(
        BALANCED, num_train_epochs=8.0, lora_r=32, lora_alpha=64.0, lora_dropout=0.05
    ),
}
