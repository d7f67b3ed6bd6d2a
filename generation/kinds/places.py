"""Spans of a text, and what several checks share: addresses, stems, words with their places."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from snowballstemmer import stemmer

TOP_LEVEL = "com|org|net|io|co|uk|app|dev|shop|store|info|eu|de|fr|cn|jp|us|ca|au|example"
# A mailbox and a domain begin where a run of such characters does, and a domain's parts are
# bounded: otherwise a long run is read once from each of its characters.
ADDRESS = re.compile(
    r"https?://[^\s<>()\[\]\"'，。）]+|www\.[^\s<>()\[\]\"']+"
    r"|(?<![\w.+\-])[\w.+\-]++@[\w\-]++\.[\w.\-]+"
    r"|(?<!\w)(?<!\w[.\-])[a-z0-9][a-z0-9\-]{0,62}+(?:\.[a-z0-9\-]{1,63}+){0,20}"
    rf"\.(?:{TOP_LEVEL})\b(?:/[^\s<>()\[\]\"']*)?",
    re.IGNORECASE | re.ASCII,
)
WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")


class Span(NamedTuple):
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Places:
    """Stretches of a text that do not overlap, to be asked whether they hold a place."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, spans: Iterable[tuple[int, int]]) -> Places:
        found = sorted(spans)
        return cls(tuple(start for start, _ in found), tuple(end for _, end in found))

    @classmethod
    def of_addresses(cls, text: str) -> Places:
        return cls.of(found.span() for found in ADDRESS.finditer(text))

    def __contains__(self, place: int) -> bool:
        at = bisect_right(self.starts, place) - 1
        return at >= 0 and place < self.ends[at]


@lru_cache(maxsize=32768)
def stem(word: str) -> str:
    """Porter's English stem (Snowball): `walks` and `walking` stand for `walk`."""
    found: str = stemmer("english").stemWord(word)  # one of its own: it keeps state meanwhile
    return found
