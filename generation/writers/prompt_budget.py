"""Makes the asks of one piece of copy: seeds that differ, banned terms, tokens that are counted."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generation.engine.types import (
    MAX_BANNED,
    MAX_BANNED_CHARS,
    Grammar,
    Message,
    Role,
    Sampling,
)
from generation.kinds.brief import BriefData
from generation.kinds.text import CJK
from generation.writers.writer import Ask, Show

CHARS_PER_TOKEN = 2.5
TOKENS_PER_CJK = 2
TOKENS_PER_MESSAGE = 8
Turn = tuple[Role, str]


@dataclass(slots=True)
class PromptBudget:
    """Makes the asks of one piece of copy and never spends more than `tokens`. `mend`: a banned
    term is mended in its line later, and never ends an answer."""

    brief: BriefData
    tokens: int
    mend: bool = False
    count: int = 0

    def ask(
        self,
        section: str,
        turns: Sequence[Turn],
        max_tokens: int,
        *,
        schema: Mapping[str, Any] | None = None,
        sampling: Sampling | None = None,
        **options: Any,
    ) -> Ask:
        """One ask; `options` are the remaining fields of Ask."""
        self.count += 1
        most = max(1, min(max_tokens, self.tokens))
        self.tokens -= most
        show: Show = "json" if schema else "text"
        options = {"show": show, **options}
        options["min_tokens"] = min(options.get("min_tokens", 0), most)
        return Ask(
            section=section,
            messages=messages(turns),
            max_tokens=most,
            grammar=Grammar.json_schema(schema) if schema else None,
            sampling=replace(sampling or Sampling(), seed=self.seed()),
            banned=() if self.mend else banned(self.brief),
            **options,
        )

    def seed(self) -> int:
        return zlib.crc32(f"{self.brief.seed}:{self.count}".encode())

    def can(self, tokens: int) -> bool:
        return self.tokens >= tokens


def messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    return tuple(Message(role, text) for role, text in turns)


def banned(brief: BriefData) -> tuple[str, ...]:
    terms = (term.strip() for term in brief.brand.banned)
    fitting = [term for term in terms if 0 < len(term) <= MAX_BANNED_CHARS]
    return tuple(dict.fromkeys(fitting))[:MAX_BANNED]


def prompt_tokens(text_chars: str, turns: int = 1) -> int:
    """The most tokens that a prompt of these characters takes."""
    chinese = len(CJK.findall(text_chars))
    rest = len(text_chars) - chinese
    return int(rest / CHARS_PER_TOKEN) + TOKENS_PER_CJK * chinese + TOKENS_PER_MESSAGE * turns
