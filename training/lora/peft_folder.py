"""A trained adapter as the folder that PEFT and the engine read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from generation.engine.lora.peft import CONFIG, WEIGHTS
from training.lora.files import FileInfo, json_bytes, tensor_bytes, write_folder
from training.lora.recipe import Recipe


def write_adapter(
    target: Path, tensors: Mapping[str, Tensor], recipe: Recipe, base: tuple[str, str]
) -> dict[str, FileInfo]:
    """`base` is the name and the sha256 of the base's weights."""
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base[0],
        "base_sha256": base[1],
        "r": recipe.lora_r,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": recipe.lora_dropout,
        "target_modules": list(recipe.target_modules),
        "use_rslora": recipe.use_rslora,
        "use_dora": recipe.use_dora,
        "bias": "none",
        "inference_mode": True,
    }
    return write_folder(target, {CONFIG: json_bytes(config), WEIGHTS: tensor_bytes(tensors)})
