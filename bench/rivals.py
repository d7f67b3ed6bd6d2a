"""What a user would run instead: transformers' generate, and PEFT's mixed batches on top of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.engine.config import ModelConfig
from generation.engine.types import AdapterRef

if TYPE_CHECKING:
    import torch

RANK = 16


class Generator:
    """transformers.generate in float32, greedy, one padded batch."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(threads)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)

    def inputs(self, prompts: list[str]) -> dict[str, torch.Tensor]:
        turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
        found: dict[str, torch.Tensor] = self.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", padding=True, return_dict=True
        )
        return found

    def write(self, prompts: list[str], tokens: int, **options: Any) -> int:
        """How many tokens were written."""
        inputs = self.inputs(prompts)
        written = self.model.generate(
            **inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, **options
        )
        return int(written.shape[0] * (written.shape[1] - inputs["input_ids"].shape[1]))


class Adapted(Generator):
    """PEFT with several adapters in one batch."""

    def __init__(self, folder: Path, adapters: list[str], threads: int) -> None:
        from peft import PeftModel

        super().__init__(folder, threads)
        first, *others = adapters
        self.names = [Path(path).name for path in adapters]
        self.model = PeftModel.from_pretrained(self.model, first, adapter_name=self.names[0])
        for path in others:
            self.model.load_adapter(path, Path(path).name)
        self.model.eval()

    def write(self, prompts: list[str], tokens: int, **options: Any) -> int:
        names = [self.names[row % len(self.names)] for row in range(len(prompts))]
        return super().write(prompts, tokens, adapter_names=names, **options)


def write_adapters(model: Path, folder: Path, count: int) -> list[AdapterRef]:
    """Random adapters in PEFT's format, on all linear maps."""
    config = ModelConfig.read(model)
    return [write_adapter(folder / f"adapter{number}", config) for number in range(count)]


def write_adapter(folder: Path, config: ModelConfig) -> AdapterRef:
    import torch
    from safetensors.torch import save_file

    from training.lora.peft import MODULES, module_sizes

    tensors = {}
    for layer in range(config.layers):
        for module, (size, out) in module_sizes(config).items():
            name = f"base_model.model.model.layers.{layer}.{MODULES[module]}.{module}"
            tensors[f"{name}.lora_A.weight"] = torch.randn(RANK, size) * 0.01
            tensors[f"{name}.lora_B.weight"] = torch.randn(out, RANK) * 0.01
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": RANK, "lora_alpha": RANK, "target_modules": [*MODULES]}
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    data = (folder / "adapter_model.safetensors").read_bytes()
    return AdapterRef(folder.name, str(folder), hashlib.sha256(data).hexdigest())
