"""Words and what stands on them: BIO tags and spans of characters. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from training.heads.metrics import entities

# Chinese, Japanese and Korean are written without spaces: each sign is a word of its own.
SIGN = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORD = re.compile(rf"[{SIGN}]|(?:(?![{SIGN}])\w)+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Word:
    """Characters [start, end) of a text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Characters [start, end) that are a `label`."""

    start: int
    end: int
    label: str


def words(text: str) -> list[Word]:
    return [Word(found[0], *found.span()) for found in WORD.finditer(text)]


def tags_of(own: Sequence[Word], spans: Sequence[TextSpan]) -> list[str]:
    """BIO tags; a word that a span touches belongs to it, the first span that does."""
    tags, before = [], None
    for word in own:
        span = next((s for s in spans if s.start < word.end and word.start < s.end), None)
        tags.append("O" if span is None else f"{'I' if span is before else 'B'}-{span.label}")
        before = span
    return tags


def spans_of(own: Sequence[Word], tags: Sequence[str]) -> list[TextSpan]:
    return [
        TextSpan(own[begin].start, own[end - 1].end, label) for begin, end, label in entities(tags)
    ]
