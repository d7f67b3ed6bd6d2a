"""How a head is trained: every value under the name that transformers and PEFT give it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from training.lora.errors import TrainingError
from training.lora.recipe import Allowed, Choices, Range

FIELDS: dict[str, Allowed] = {
    "method": Choices(("linear", "lora", "full")),
    "encoder": Choices(("english", "multilingual")),
    "abstain": Choices(("auto", "never")),
    "num_train_epochs": Range(0.1, 100),
    "learning_rate": Range(1e-7, 0.1),
    "head_learning_rate": Range(1e-7, 0.1),
    "per_device_train_batch_size": Range(1, 1024, whole=True),
    "warmup_ratio": Range(0, 0.5),
    "weight_decay": Range(0, 1),
    "max_grad_norm": Range(0.01, 1000),
    "label_smoothing": Range(0, 0.5),
    "lora_r": Range(1, 64, whole=True),
    "lora_alpha": Range(0.01, 1024),
    "lora_dropout": Range(0, 0.9),
    "max_length": Range(8, 512, whole=True),
    "early_stopping_patience": Range(0, 100, whole=True),
    "target_accuracy": Range(0, 1),
    "seed": Range(0, 2**31 - 1, whole=True),
}


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """Validated as it is made: TrainingError "recipe_invalid" names the field out of range.

    "linear" fits a head on the frozen encoder; "lora" and "full" begin with that head and train
    the encoder with it. Below a confidence a prediction counts as abstained: "auto" finds it with
    classes that are left out in turn, so that texts of no class are told from the others;
    a `target_accuracy` above 0 is instead to be reached by what is answered of validation.
    """

    method: str = "linear"
    encoder: str = "english"
    abstain: str = "auto"
    num_train_epochs: float = 6.0
    learning_rate: float = 1e-4
    head_learning_rate: float = 1e-3
    per_device_train_batch_size: int = 32
    warmup_ratio: float = 0.1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    label_smoothing: float = 0.0
    lora_r: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    max_length: int = 128
    early_stopping_patience: int = 3
    target_accuracy: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, allowed in FIELDS.items():
            if not allowed.accepts(getattr(self, name)):
                raise TrainingError("recipe_invalid", f"{name} must be {allowed}.", field=name)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> HeadRecipe:
        """Raises TrainingError for an unknown name; what is left out has its default."""
        known = {field.name for field in fields(cls)}
        for name in raw.keys() - known:
            raise TrainingError("recipe_invalid", f"There is no setting {name}.", field=name)
        return cls(**raw)

    def fingerprint(self) -> str:
        return json.dumps(self.to_json(), sort_keys=True)


LINEAR = HeadRecipe()
PRESETS: dict[str, HeadRecipe] = {
    "quick": LINEAR,
    "balanced": replace(LINEAR, method="lora", learning_rate=5e-4),
    "thorough": replace(LINEAR, method="full", num_train_epochs=10.0),
}
