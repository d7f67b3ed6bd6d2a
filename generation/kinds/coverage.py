"""Which facts, points and offers of a brief a finished piece does not say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from generation.kinds import lexicon, quantities
from generation.kinds.clauses import chinese, clause, pairs, root
from generation.kinds.places import ADDRESS
from generation.kinds.text import CJK, fold, sentences

# A line that says so much of a fact says it; words that other facts share weigh less.
ENOUGH = 0.5
CJK_ENOUGH = 0.45
SHARED, STOCK = 0.4, 0.3
NEIGHBOURS = 2


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a brief: the roots of its words with their weights, and its quantities."""

    text: str
    roots: tuple[tuple[str, float], ...]
    quantities: tuple[quantities.Quantity, ...]
    characters: str


def missing(texts: Iterable[str], lines: Sequence[str], common: str = "") -> Iterator[str]:
    """The lines of a brief that none of the texts says; `common` is what all of it is about."""
    said = [sentence for text in texts for sentence in sentences(text)]
    stretches = [_roots(sentence) for sentence in said]
    windows = [frozenset().union(*stretches[at : at + NEIGHBOURS]) for at in range(len(stretches))]
    whole = "\n".join(said)
    numbers = quantities.read(whole)
    # Chinese is compared with stretches of the same kind.
    characters = [chinese(sentence) for sentence in said]
    joined = ["".join(characters[at : at + NEIGHBOURS]) for at in range(len(characters))]
    for fact in facts(tuple(lines), common):
        if not (_is_counted(fact, numbers) and _is_told(fact, windows, joined)):
            yield fact.text


def _is_counted(fact: Fact, numbers: Sequence[quantities.Quantity]) -> bool:
    return all(any(own.equals(other) for other in numbers) for own in fact.quantities)


def _is_told(fact: Fact, windows: list[frozenset[str]], characters: list[str]) -> bool:
    if fact.characters:
        return any(_cjk_share(fact.characters, text) >= CJK_ENOUGH for text in characters)
    total = sum(weight for _, weight in fact.roots)
    if not total:
        return bool(fact.quantities) or not fact.roots
    most = max(
        (sum(weight for word, weight in fact.roots if word in window) for window in windows),
        default=0.0,
    )
    return most >= ENOUGH * total


def _cjk_share(own: str, text: str) -> float:
    if len(own) < 2:
        return float(own in text)
    given = pairs(own)
    by_pairs = len(given & pairs(text)) / len(given)
    by_characters = len(set(own) & set(text)) / len(set(own))
    return max(by_pairs, 0.6 * by_characters)


@lru_cache(maxsize=512)
def facts(lines: tuple[str, ...], common: str) -> tuple[Fact, ...]:
    """The lines as facts; a word of several lines, or of all that is sold, weighs less."""
    own = [_roots(line) for line in lines]
    about = _roots(common)
    counts = [sum(word in other for other in own) for roots in own for word in sorted(roots)]
    flat = [word for roots in own for word in sorted(roots)]
    times = dict(zip(flat, counts, strict=True))
    return tuple(
        Fact(
            line,
            tuple((word, _weight(word, times[word], about)) for word in sorted(roots)),
            quantities.read(ADDRESS.sub("", line)),
            _characters(line, common),
        )
        for line, roots in zip(lines, own, strict=True)
    )


def _characters(line: str, common: str) -> str:
    """The Chinese of a line that is mostly Chinese, without what all of it is about."""
    if 2 * len(CJK.findall(line)) <= len(fold(line).replace(" ", "")):
        return ""
    own = chinese(line)
    rest = own.replace(chinese(common), "") if chinese(common) else own
    return rest or own


def _weight(word: str, times: int, about: frozenset[str]) -> float:
    weight = STOCK if word in _stock() else 1.0
    return weight * (SHARED if times > 1 or word in about else 1.0)


@lru_cache(maxsize=1)
def _stock() -> frozenset[str]:
    return frozenset(root(word) for word in lexicon.STOCK)


@lru_cache(maxsize=8192)
def _roots(text: str) -> frozenset[str]:
    plain = ADDRESS.sub(" ", text)
    found = clause(plain, 0, len(plain)).roots
    return frozenset(word for word in found if not word.isdigit() and word not in _numbers())


@lru_cache(maxsize=1)
def _numbers() -> frozenset[str]:
    return frozenset(root(word) for word in (*lexicon.NUMBER_WORDS, "percent", "per", "cent"))
