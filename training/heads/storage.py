"""A trained head as a folder: head.json says what it is, head.safetensors has its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from training.heads.encoder import Encoder
from training.heads.layout import CONFIG, WEIGHTS
from training.heads.recipe import HeadRecipe
from training.heads.tuning import add_lora
from training.lora.errors import TrainingError
from training.lora.files import FileInfo, json_bytes, read_folder, tensor_bytes, write_folder

ENCODER = "encoder."


@dataclass(frozen=True, slots=True)
class HeadConfig:
    """`threshold` is the confidence below which an answer counts as abstained."""

    task: str
    labels: list[str]
    multi_label: bool
    temperature: float
    threshold: float
    encoder_name: str
    encoder_sha256: str
    recipe: dict[str, Any] = field(default_factory=dict)


def save_head(
    target: Path, config: HeadConfig, head: Mapping[str, Tensor], body: Mapping[str, Tensor]
) -> dict[str, FileInfo]:
    """`body` has what was trained of the encoder; half precision holds it to 1 in 2,000."""
    tensors = {name: tensor.detach().float().contiguous() for name, tensor in head.items()}
    tensors |= {ENCODER + name: tensor.detach().half() for name, tensor in body.items()}
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        message = "The trained weights are too large to keep. Try a lower learning_rate."
        raise TrainingError("model_numerical_error", message, field="learning_rate")
    files = {CONFIG: json_bytes(asdict(config)), WEIGHTS: tensor_bytes(tensors)}
    return write_folder(target, files)


def load_head(
    folder: Path, encoder: Encoder | None = None
) -> tuple[HeadConfig, Encoder, dict[str, Tensor]]:
    """(config, the encoder with what was trained of it, the head's tensors).

    A given `encoder` is used as it is where only the head was trained, else loaded once more.
    TrainingError "head_invalid" for a damaged folder, "model_unsupported" for another encoder.
    """
    contents = read_folder(folder)
    if contents is None:
        raise TrainingError("head_invalid", "The head's files are damaged or missing.")
    try:
        config = HeadConfig(**json.loads(contents[CONFIG]))
        tensors = load_tensors(contents[WEIGHTS])
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise TrainingError("head_invalid", "The head's files cannot be read.") from error
    recipe = HeadRecipe.from_json(config.recipe)
    body = {name.removeprefix(ENCODER): part for name, part in tensors.items() if ENCODER in name}
    if encoder is None or body:
        encoder = Encoder.load(encoder.folder if encoder else None)
    encoder = encoder.limited(recipe.max_length)
    if encoder.sha256 != config.encoder_sha256:
        raise TrainingError("model_unsupported", "The head belongs to another encoder.")
    put_body(encoder, body, recipe)
    return config, encoder, {name: part for name, part in tensors.items() if ENCODER not in name}


def put_body(encoder: Encoder, body: Mapping[str, Tensor], recipe: HeadRecipe) -> None:
    if not body:
        return
    if recipe.method == "lora":
        add_lora(encoder, recipe)
    with torch.no_grad():
        for name, weight in encoder.model.named_parameters():
            if name in body:
                weight.copy_(body[name])
    encoder.model.eval().requires_grad_(False)


def labels_of(found: Sequence[str]) -> list[str]:
    """Each label once, in a fixed order; TrainingError unless there are at least two."""
    labels = sorted(set(found))
    if len(labels) < 2:
        raise TrainingError("dataset_degenerate", "At least two different labels are needed.")
    return labels
