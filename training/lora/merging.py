"""A base with an adapter's update in its own weights, module by module."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from generation.engine.lora.peft import MODULES
from training.lora.adapter import JOINED, LoraParameters
from training.lora.decoder import Decoder, stretch


@torch.no_grad()
def merged_weights(decoder: Decoder, adapter: LoraParameters) -> dict[str, Tensor]:
    """Every weight by its name in the base's file; those that are not trained share its memory."""
    weights = {
        "model.embed_tokens.weight": decoder.embedding,
        "model.norm.weight": decoder.norm,
        "lm_head.weight": decoder.head,
    }
    for number, part in enumerate(decoder.layers):
        prefix = f"model.layers.{number}."
        weights[f"{prefix}input_layernorm.weight"] = part.attention_norm
        weights[f"{prefix}post_attention_layernorm.weight"] = part.mlp_norm
    views = adapter.views()
    for number, name, dense in decoder.maps():
        whole = merged(dense.weight, adapter, views, (number, name))
        weights |= modules(number, name, whole, "weight", adapter)
        if dense.bias is not None:
            weights |= modules(number, name, dense.bias, "bias", adapter)
    return weights


def merged(
    weight: Tensor, adapter: LoraParameters, views: Mapping[str, Tensor], place: tuple[int, str]
) -> Tensor:
    """A joined map's weight (out, in) with its update."""
    update = adapter.update(views, *place)
    if update is None:
        return weight
    whole = torch.addmm(weight.float(), update.up, update.down)
    if update.magnitude is not None:
        whole *= stretch(weight.float(), update)[:, None]
    return whole.to(weight.dtype)


def modules(
    number: int, name: str, whole: Tensor, kind: str, adapter: LoraParameters
) -> dict[str, Tensor]:
    """The parts of a joined map by their names."""
    parts = whole.split([adapter.sizes[module][1] for module in JOINED[name]])
    return {
        f"model.layers.{number}.{MODULES[module]}.{module}.{kind}": part
        for module, part in zip(JOINED[name], parts, strict=True)
    }
