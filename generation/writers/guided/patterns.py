"""Lines that state no fact, in several tones and two languages: generation/data/patterns.toml.

A variant takes the ones of its number, so that two variants of a brief seldom share them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generation.kinds.text import fold

FILE = Path(__file__).parents[2] / "data" / "patterns.toml"
# By which words of a brand's own a tone is known; the first that stands there counts.
SIGNS = {
    "playful": "playful cheeky funny fun quirky witty humorous 俏皮 活泼 幽默 有趣 调皮",
    "dry": "dry laconic deadpan understated terse 冷幽默 克制 干脆",
    "technical": "technical precise expert engineering exact 技术 专业 精确",
    "sober": "sober formal serious factual professional neutral calm 稳重 正式 严谨 沉稳",
    "warm": "warm friendly kind caring gentle personal 温暖 亲切 温柔 友好",
}


@dataclass(frozen=True, slots=True)
class Patterns:
    """Headlines, first sentences and last sentences of one tone."""

    headlines: tuple[str, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...]


@cache
def patterns(language: str, tone: str) -> Patterns:
    """The lines of a tone, "en" or "zh"."""
    found = tomllib.loads(FILE.read_text("utf-8"))[language][tone]
    return Patterns(*(tuple(found[name]) for name in ("headlines", "openers", "closers")))


def tone_of(words: str) -> str:
    """The tone that a brand's own words name first; plain where they name none."""
    own = fold(words)
    places = {
        tone: min((own.find(sign) for sign in map(fold, signs.split()) if sign in own), default=-1)
        for tone, signs in SIGNS.items()
    }
    named = [(place, tone) for tone, place in places.items() if place >= 0]
    return min(named)[1] if named else "plain"


def rotated(lines: tuple[str, ...], variant: int, step: int = 2) -> tuple[str, ...]:
    """The lines from another start for each variant."""
    start = step * max(0, variant - 1) % len(lines)
    return lines[start:] + lines[:start]
