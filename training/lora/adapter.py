"""The numbers that are trained: A and B of every targeted map, one flat float32 tensor.

One tensor makes the optimizer's step, the gradient's norm, a checkpoint and the cast to the
base's precision one operation each. R is the rank, or the sum of the ranks of joined maps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from generation.engine.adapters import Pairs, pairs_of, read_files
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import MODULES, Settings, module_sizes, tensor_name
from generation.engine.lora.tensors import FormatError
from training.lora.errors import TrainingError
from training.lora.recipe import Recipe

# The maps that are multiplied as one, by the names of what they are joined of.
JOINED = {
    "qkv": ("q_proj", "k_proj", "v_proj"),
    "out": ("o_proj",),
    "gate_up": ("gate_proj", "up_proj"),
    "down": ("down_proj",),
}
# No engine can use larger numbers: half precision does not hold them.
LARGEST = 65_504.0


def magnitude_name(layer: int, module: str) -> str:
    """PEFT's name of DoRA's magnitudes (out,)."""
    return tensor_name(layer, module, "A").replace("lora_A.weight", "lora_magnitude_vector")


@dataclass(frozen=True, slots=True)
class Update:
    """What training adds to a joined map: down A (R, in), up B (out, R) with the scale in it.

    `magnitude` (out,) is DoRA's length of each row of the sum (arXiv:2402.09353), None without.
    """

    down: Tensor
    up: Tensor
    magnitude: Tensor | None = None


class LoraParameters:
    """`flat` holds the tensors one after another, in the order of `shapes`, by PEFT's names."""

    def __init__(self, config: ModelConfig, recipe: Recipe, device: torch.device) -> None:
        self.config, self.recipe = config, recipe
        self.sizes = module_sizes(config)
        self.shapes = dict(self.described())
        numbers = sum(math.prod(shape) for shape in self.shapes.values())
        self.flat = torch.zeros(numbers, device=device, requires_grad=True)

    def described(self) -> list[tuple[str, tuple[int, ...]]]:
        rank = self.recipe.lora_r
        found: list[tuple[str, tuple[int, ...]]] = []
        for layer in range(self.config.layers):
            for module in MODULES:
                if module not in self.recipe.target_modules:
                    continue
                size, out = self.sizes[module]
                found.append((tensor_name(layer, module, "A"), (rank, size)))
                found.append((tensor_name(layer, module, "B"), (out, rank)))
                if self.recipe.use_dora:
                    found.append((magnitude_name(layer, module), (out,)))
        return found

    def views(self, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
        """All tensors by their names, cast at once; gradients flow back to `flat`."""
        numbers = [math.prod(shape) for shape in self.shapes.values()]
        parts = self.flat.to(dtype).split(numbers)
        pairs = zip(self.shapes.items(), parts, strict=True)
        return {name: part.view(shape) for (name, shape), part in pairs}

    @torch.no_grad()
    def reset(self, lengths: Mapping[str, Tensor] | None = None) -> None:
        """As PEFT begins: A uniform in +-1 / sqrt(in), B zero, magnitudes those of the base."""
        chance = torch.Generator().manual_seed(self.recipe.seed)
        for name, view in self.views().items():
            if name.endswith("lora_A.weight"):
                bound = view.shape[1] ** -0.5
                view.copy_(torch.empty(view.shape).uniform_(-bound, bound, generator=chance))
            elif name.endswith("lora_B.weight"):
                view.zero_()
            else:
                view.copy_((lengths or {})[name])

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        for name, view in self.views().items():
            view.copy_(tensors[name])

    def tensors(self) -> dict[str, Tensor]:
        """As a file takes them: apart from `flat` and from one another."""
        return {name: view.detach().cpu().clone() for name, view in self.views().items()}

    def update(self, views: Mapping[str, Tensor], layer: int, part: str) -> Update | None:
        """The update of one joined map; None where none of its modules is trained."""
        modules = JOINED[part]
        trained = [module for module in modules if module in self.recipe.target_modules]
        if not trained:
            return None
        down = torch.cat([views[tensor_name(layer, module, "A")] for module in trained])
        blocks = [self.block(views, layer, module) for module in modules]
        up = torch.block_diag(*blocks) if len(blocks) > 1 else blocks[0]
        return Update(down, up * self.recipe.scale, self.magnitude(views, layer, part))

    def block(self, views: Mapping[str, Tensor], layer: int, module: str) -> Tensor:
        """B (out, rank), or (out, 0) of a module that is not trained."""
        found = views.get(tensor_name(layer, module, "B"))
        if found is not None:
            return found
        return self.flat.new_zeros(self.sizes[module][1], 0, dtype=next(iter(views.values())).dtype)

    def magnitude(self, views: Mapping[str, Tensor], layer: int, part: str) -> Tensor | None:
        """(out,) of a joined map; NaN marks the rows of modules that are not trained."""
        if not self.recipe.use_dora:
            return None
        like = next(iter(views.values()))
        return torch.cat(
            [
                views.get(magnitude_name(layer, module), like.new_full((size,), math.nan))
                for module, size in ((each, self.sizes[each][1]) for each in JOINED[part])
            ]
        )

    def usable(self) -> bool:
        """Whether every number is one that an engine can use."""
        return bool(self.flat.detach().abs().max() < LARGEST)


def read_adapter(folder: Path, config: ModelConfig) -> Pairs:
    """(layer, module) -> A and B with the scale in it; TrainingError unless it fits the base."""
    told, data = read_files(folder)
    try:
        return pairs_of(data, config, Settings.read(told))
    except FormatError as error:
        message = f"The adapter to start from cannot be used: {error.reason}."
        raise TrainingError("adapter_invalid", message, field="start_from") from error


@torch.no_grad()
def start_from(parameters: LoraParameters, pairs: Pairs) -> None:
    """Continue an adapter: the first step says what it says, also at a higher rank."""
    views, recipe = parameters.views(), parameters.recipe
    for (layer, module), (down, up) in pairs.items():
        if module not in recipe.target_modules:
            message = f"The adapter to start from also has {module}: train it too."
            raise TrainingError("recipe_invalid", message, field="target_modules")
        rank = len(down)
        if rank > recipe.lora_r:
            message = f"The adapter to start from has rank {rank}: choose at least that."
            raise TrainingError("recipe_invalid", message, field="lora_r")
        views[tensor_name(layer, module, "A")][:rank] = down
        views[tensor_name(layer, module, "B")][:, :rank] = up / recipe.scale
