"""What a user would train with instead: transformers' Trainer and TRL's packing, both with PEFT.

TRL is no dependency of the project; the benchmark uses it where it can be imported.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.measure import Taken
from training.lora.recipe import Recipe
from training.lora.rows import Row

if TYPE_CHECKING:
    from transformers import Trainer

MISSING = "not installed: pip install -r bench/requirements-train.txt"
IGNORED = -100  # the label of what is not learnt
ROWS_PER_STEP = 16
PACKED_LENGTH = 1024


def trl_installed() -> bool:
    return find_spec("trl") is not None


def adapted_model(folder: Path, recipe: Recipe) -> Any:
    """The base in bfloat16 with PEFT's LoRA in the same, which is its faster way."""
    import peft
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    settings = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        target_modules=list(recipe.target_modules),
    )
    return peft.get_peft_model(model, settings, autocast_adapter_dtype=False)


def arguments(recipe: Recipe) -> dict[str, Any]:
    return {
        "output_dir": tempfile.mkdtemp(),
        "learning_rate": recipe.learning_rate,
        "bf16": True,
        "use_cpu": True,
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }


def labelled(rows: Sequence[Row]) -> list[dict[str, list[int]]]:
    made = []
    for row in rows:
        tokens = row.tokens.tolist()
        pairs = zip(tokens, row.learnt.tolist(), strict=True)
        labels = [token if learnt else IGNORED for token, learnt in pairs]
        made.append({"input_ids": tokens, "labels": labels, "attention_mask": [1] * len(tokens)})
    return made


def plain_trainer(folder: Path, rows: Sequence[Row], recipe: Recipe) -> Trainer:
    """transformers' Trainer: batches padded to their longest row."""
    from transformers import AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments

    settings = TrainingArguments(per_device_train_batch_size=ROWS_PER_STEP, **arguments(recipe))
    collator = DataCollatorForSeq2Seq(AutoTokenizer.from_pretrained(folder))
    model = adapted_model(folder, recipe)
    return Trainer(model, settings, data_collator=collator, train_dataset=labelled(rows))


def packing_trainer(folder: Path, rows: Sequence[Row], recipe: Recipe) -> Trainer:
    """TRL's SFTTrainer: rows laid end to end in sequences of one length."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    settings = SFTConfig(
        per_device_train_batch_size=1,
        packing=True,
        packing_strategy="wrapped",
        max_length=PACKED_LENGTH,
        gradient_checkpointing=False,
        dataset_num_proc=1,
        **arguments(recipe),
    )
    data = [
        {"input_ids": row.tokens.tolist(), "completion_mask": row.learnt.astype(int).tolist()}
        for row in rows
    ]
    return SFTTrainer(
        model=adapted_model(folder, recipe),
        args=settings,
        train_dataset=Dataset.from_list(data),
        processing_class=AutoTokenizer.from_pretrained(folder),
    )


class Rival:
    """A Trainer whose steps are timed one by one, the first of each turn left out."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.tokens: list[int] = []
        self.losses: list[float] = []
        step = trainer.training_step

        def counted(model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
            mask = inputs.get("attention_mask")
            self.tokens.append(int(inputs["input_ids"].numel() if mask is None else mask.sum()))
            loss = step(model, inputs, *args, **options)
            self.losses.append(float(loss))
            return loss

        trainer.training_step = counted

    def run(self, steps: int) -> Taken:
        import time

        from transformers import TrainerCallback

        marks: list[tuple[float, float]] = []

        class Clock(TrainerCallback):
            def on_step_end(self, *args: Any, **options: Any) -> None:
                marks.append((time.process_time(), time.perf_counter()))

        clock = Clock()
        self.trainer.args.max_steps = steps + 1
        self.trainer.add_callback(clock)
        self.trainer.train()
        self.trainer.remove_callback(clock)
        (cpu, wall), (cpu_end, wall_end) = marks[0], marks[-1]
        return Taken(sum(self.tokens[-steps:]), cpu_end - cpu, wall_end - wall)
