"""What a user would run instead: transformers' generate, and PEFT's mixed batches on top of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


class Generator:
    """transformers.generate, greedy, one padded batch. `dtype` is "bfloat16" or "float32"."""

    def __init__(self, folder: Path, dtype: str, device: str = "cpu") -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        wanted = getattr(torch, dtype)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=wanted).to(device)

    def inputs(self, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
        turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
        found: dict[str, torch.Tensor] = self.tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, return_tensors="pt", padding=True, return_dict=True
        )
        return {name: each.to(self.model.device) for name, each in found.items()}

    def write(self, prompts: Sequence[str], tokens: int, **options: Any) -> int:
        """How many tokens were written."""
        inputs = self.inputs(prompts)
        written = self.model.generate(
            **inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, **options
        )
        return int(written.shape[0] * (written.shape[1] - inputs["input_ids"].shape[1]))


class Adapted(Generator):
    """PEFT with several adapters in one batch."""

    def __init__(
        self, folder: Path, dtype: str, adapters: Sequence[str], device: str = "cpu"
    ) -> None:
        from peft import PeftModel

        super().__init__(folder, dtype, device)
        first, *others = adapters
        self.names = [Path(path).name for path in adapters]
        # A float32 adapter beside a bfloat16 base is cast at every step; theirs at its best.
        options = {"autocast_adapter_dtype": False}
        self.model = PeftModel.from_pretrained(
            self.model, first, adapter_name=self.names[0], **options
        )
        for path in others:
            self.model.load_adapter(path, Path(path).name, **options)
        self.model.to(self.model.dtype).eval()

    def write(self, prompts: Sequence[str], tokens: int, **options: Any) -> int:
        names = [self.names[row % len(self.names)] for row in range(len(prompts))]
        return super().write(prompts, tokens, adapter_names=names, **options)
