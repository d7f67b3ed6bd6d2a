"""Drafts for rows that were kept aside, by several models, and how they compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import rendering
from training.lora.evaluation import bleu, chrf, copied_share, distinct_n, rouge_l
from training.lora.types import SamplePrompt
from training.lora.writing import written
from training.models import DatasetRow

MOST_ROWS = 8
MOST_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Order:
    """A row that was kept aside, and its order as the model reads it."""

    row: DatasetRow
    prompt: SamplePrompt

    @property
    def task(self) -> str:
        return str(self.row.dataset.task)

    @property
    def reference(self) -> str:
        answer = rendering.messages_of(self.task, self.row.content)[-1].content
        return self.read(answer).text

    def read(self, answer: str) -> rendering.Checked:
        found = rendering.checked(self.task, self.row.content, answer)
        return found or rendering.Checked(answer)


def drafts_measured(
    base: Path,
    orders: Sequence[Order],
    adapters: Mapping[str, Path | None],
    decode: Any,
    taught: Sequence[str],
) -> dict[str, Any]:
    """{"rows": .., name: measures} of what the base writes with each adapter, None the base alone.

    `decode` turns tokens to text; `taught` are the texts that were learnt from.
    """
    if not orders:
        return {}
    prompts = [order.prompt for order in orders]
    references = [[order.reference] for order in orders]
    found: dict[str, Any] = {"rows": len(orders)}
    for name, adapter in adapters.items():
        answers = [decode(tokens) for tokens in written(base, prompts, adapter)]
        read = [order.read(answer) for order, answer in zip(orders, answers, strict=True)]
        found[name] = measures(read, references, taught)
    return found


def measures(
    read: Sequence[rendering.Checked], references: Sequence[Sequence[str]], taught: Sequence[str]
) -> dict[str, float]:
    """BLEU and chrF of 100, all else of 1."""
    texts = [each.text for each in read]
    rouge = [rouge_l(text, each) for text, each in zip(texts, references, strict=True)]
    return {
        "bleu": bleu(texts, references),
        "chrf": chrf(texts, references),
        "rouge_l": sum(rouge) / len(rouge),
        "distinct_2": distinct_n(texts),
        "copied": copied_share(texts, taught),
        "terms": sum(each.terms for each in read) / len(read),
        "limits": sum(each.limits for each in read) / len(read),
    }
