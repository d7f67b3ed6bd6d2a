"""The short messages that a small model is given: a role, the voice in few words, an example."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from generation.kinds.kind import BriefData, object_schema
from generation.kinds.text import is_cjk
from generation.writers.prompt_budget import Turn, prompt_tokens
from generation.writers.writer import Estimate


def voice(brief: BriefData) -> str:
    """The brand's voice as the end of a system message."""
    brand = brief.brand
    labels = ("语气", "要", "不要", "读者") if is_cjk(brief.language) else (
        "Tone", "Do", "Don't", "Reader"
    )  # fmt: skip
    audience = brief.audience.name if brief.audience else ""
    values = (brand.tone, "; ".join(brand.do[:4]), "; ".join(brand.dont[:4]), audience)
    lines = (f"{label}: {value}" for label, value in zip(labels, values, strict=True) if value)
    return "\n".join(lines)


def system(task: str, brief: BriefData) -> Turn:
    return "system", "\n".join(filter(None, (task, voice(brief))))


def answer(name: str, lines: Sequence[str]) -> Turn:
    """An example's answer in the form that the grammar asks for."""
    return "assistant", json.dumps({name: list(lines)}, ensure_ascii=False)


def lines_schema(name: str, count: int, limit: int) -> dict[str, Any]:
    """The schema of exactly so many lines under one name."""
    line = {"type": "string", "minLength": 4, "maxLength": limit}
    lines = {"type": "array", "items": line, "minItems": count, "maxItems": count}
    return object_schema({name: lines})


def upper_bound(brief: BriefData, *, asks: int, prompt: int, completion: int) -> Estimate:
    """The estimate for so many asks, each with the brief and `prompt` tokens of its own."""
    given = prompt_tokens(brief.known() + voice(brief))
    return Estimate(asks * (prompt + given), completion)
