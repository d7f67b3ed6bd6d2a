"""A text's clauses with their telling words: what the checks compare with the brief's facts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from generation.kinds import lexicon
from generation.kinds.places import WORD, Span, stem
from generation.kinds.text import CJK

BREAK = re.compile(
    r"[;:!?。！？；：\n•|]+|\.(?!\d)|[–—]+| - |(?<!\d)[,，、](?!\d)|[,，](?= )"
    r"|\b(?:but|so|because|yet|while|although|though)\b|(?:但是?|所以|因为|而且)",
    re.IGNORECASE,
)
# Words that mean the same in copy; the first of a line stands for all of it.
SYNONYMS = """
deliver delivery ship shipping post postage send courier dispatch arrive doorstep door
free gratis complimentary costless
cancel quit unsubscribe leave stop pause exit
return refund money-back send-back
guarantee warranty guaranteed promise
month monthly
week weekly
year yearly annual annually
day daily
hour hourly
night overnight nightly
home house flat
buy purchase order shop
begin start beginner starter
child kid children
handmade hand-made handcrafted crafted hand
local locally nearby neighbourhood
quick fast swift speedy rapid quickly
cheap affordable inexpensive
easy easily simple simply effortless
fit suit match
charge charger charging recharge
wash washable rinse
repair mend fix
keep stay remain
big large roomy spacious
light lightweight featherlight
strong sturdy tough durable robust
quiet silent quietly silently noiseless
secure safe safely safety
teach lesson class course workshop tuition
doctor physician gp
car vehicle
bike bicycle cycle
staff employee crew
customer client guest
price cost fee rate
discount off saving save
trial try test
gift present
include included including come contain
support help assist
certify certified certification
available open
online web
phone call telephone
invoice bill
automatic automatically auto
recycle recycled
vegan plant-based
rain waterproof shower weatherproof
"""
CHINESE_LOOSE = frozenset(
    "的了在和与是为及等就都也把被让给从到这那您你我们它他她将还又并则之其所以而且或一个只每"
)


def _classes() -> dict[str, str]:
    lines = (line.split() for line in SYNONYMS.strip().splitlines())
    return {stem(word): stem(line[0]) for line in lines for word in line}


CLASSES = _classes()


@lru_cache(maxsize=32768)
def root(word: str) -> str:
    """What stands for a word when meanings are compared: its stem, or that of its synonyms."""
    plain = word.casefold().replace("’", "'").removesuffix("'s")
    own = CLASSES.get(plain) or stem(plain)
    return CLASSES.get(own, own)


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a text without a break: its words, in their order, with their places."""

    start: int
    end: int
    text: str
    words: tuple[Span, ...]

    @property
    def roots(self) -> frozenset[str]:
        return frozenset(root(word.text) for word in self.words if is_telling(word.text))


@lru_cache(maxsize=32768)
def is_telling(word: str) -> bool:
    return word.casefold().replace("’", "'") not in lexicon.FUNCTION


def parts_of(word: re.Match[str]) -> Iterator[Span]:
    """A hyphened word as its parts: `sugar-free` is about sugar."""
    at = word.start()
    for piece in re.split(r"(-)", word.group()):
        if piece and piece != "-":
            yield Span(at, at + len(piece), piece)
        at += len(piece)


@lru_cache(maxsize=4096)
def clauses(text: str) -> tuple[Clause, ...]:
    breaks = [(found.start(), found.end()) for found in BREAK.finditer(text)]
    starts = [0, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), len(text)]
    found = (clause(text, start, end) for start, end in zip(starts, ends, strict=True))
    return tuple(each for each in found if each.text.strip())


def clause(text: str, start: int, end: int) -> Clause:
    words = tuple(
        part for found in WORD.finditer(text, start, end) for part in parts_of(found)
        if not CJK.search(part.text)
    )  # fmt: skip
    return Clause(start, end, text[start:end], words)


def chinese(text: str) -> str:
    """The Chinese characters of a text that carry meaning, in their order."""
    return "".join(char for char in CJK.findall(text) if char not in CHINESE_LOOSE)


def pairs(text: str) -> frozenset[str]:
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))
