"""Lines that were cut off: behind a little word, within a word or a number, in a legal sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from generation.kinds import dictionary, lexicon
from generation.kinds.places import WORD, Span
from generation.kinds.text import CJK, fold

ENDED = re.compile(r"[.!?。！？…][\"'”’)\]」』]*\s*$")
OPEN_END = re.compile(r"[,，、;；:：(（\[\-–—/&+「“$£€¥]\s*$")
CJK_OPEN_END = re.compile(r"(?:[的和与及或把被让给从为]|但|因为|如果|以及|并且)$")
# These end a phrase too (`come on in`), so the brief has to show that more should follow.
PARTICLES = frozenset(
    [
        "in",
        "on",
        "off",
        "up",
        "out",
        "over",
        "down",
        "through",
        "around",
        "about",
        "inside",
        "within",
        "like",
        "by",
        "above",
        "below",
        "across",
        "along",
        "before",
        "after",
        "behind",
        "beyond",
        "near",
        "since",
        "throughout",
        "underneath",
        "past",
        "opposite",
    ]
)
ENDINGS = (
    lexicon.DANGLING
    - PARTICLES
    - frozenset(["be", "is", "are", "was", "were", "can", "could", "will", "would"])
)
LEGAL = re.compile(
    r"\b(?:at risk|terms|conditions|t&cs?|apply|applies|subject to|representative|apr|excludes?|"
    r"excluding|18\+|responsibly|not financial advice|may vary|while stocks? lasts?|consult|"
    r"guarantee of|past performance)\b|投资有风险|风险|须谨慎|适量|未成年|解释权|视情况|条件",
    re.IGNORECASE,
)
LEAST_HALF = 2
NUMERAL = re.compile(r"(?<![\w.,])\d[\d.,]*$")
NUMBERS = re.compile(r"\d+(?:[.,]\d+)*")
SIGN = re.compile(r"[ ]?[%％折元€]")


def cut_end(text: str, lines: Iterable[str], known: str) -> Span | None:
    """The end of a line that wants more behind it; `lines` are the brief's own."""
    stripped = text.rstrip()
    if not stripped or ENDED.search(stripped):
        return None
    if OPEN_END.search(stripped) or CJK_OPEN_END.search(stripped):
        return Span(len(stripped) - 1, len(stripped), stripped[-1])
    last = _last_word(stripped)
    return last if last and _wants_more(last.text, stripped, tuple(lines), known) else None


def _wants_more(last: str, text: str, lines: tuple[str, ...], known: str) -> bool:
    word = last.casefold().replace("’", "'")
    if NUMERAL.fullmatch(word):
        return _is_half_number(word, known)
    return (
        word in ENDINGS
        or (word in PARTICLES and _goes_on(text, lines))
        or _is_half(last, known)
        or any(_halves(text, line) for line in lines)
    )


def _last_word(text: str) -> Span | None:
    if CJK.search(text[-1]):
        return Span(len(text) - 1, len(text), text[-1])
    if number := NUMERAL.search(text):
        return Span(*number.span(), number.group())
    found = [*WORD.finditer(text, max(0, text.rfind(" ")))][-1:]
    ends = (Span(*each.span(), each.group()) for each in found if each.end() == len(text))
    return next(ends, None)


def _goes_on(text: str, lines: Iterable[str]) -> bool:
    """Whether the brief has the line's last two words with more behind them."""
    end = " ".join(fold(text).split()[-2:])
    return any(f" {end} " in f" {fold(line)} " and not fold(line).endswith(end) for line in lines)


def _is_half(word: str, known: str) -> bool:
    """Whether a word or a number is only the beginning of one that the brief has."""
    plain = word.casefold()
    if len(plain) < LEAST_HALF or plain in _words(known) or dictionary.is_word(plain):
        return False
    return any(other.startswith(plain) for other in _beginnings(known, plain[0]))


def _is_half_number(digits: str, known: str) -> bool:
    """Whether the brief has a number only longer than this, or only with a sign behind it."""
    whole = [found for found in NUMBERS.finditer(known) if found.group().startswith(digits)]
    own = [found for found in whole if found.group() == digits]
    return bool(whole) and all(SIGN.match(known, found.end()) for found in own)


@lru_cache(maxsize=256)
def _words(known: str) -> frozenset[str]:
    return frozenset(found.group().casefold() for found in re.finditer(r"[\w.,%'’\-]*\w", known))


@lru_cache(maxsize=512)
def _beginnings(known: str, first: str) -> tuple[str, ...]:
    return tuple(word for word in _words(known) if word.startswith(first))


def _halves(text: str, line: str) -> bool:
    """Whether a legal sentence of the brief is begun and not ended."""
    if not LEGAL.search(line):
        return False
    own, whole = fold(text), fold(line)
    if CJK.search(line):
        return len(own) > 1 and whole.startswith(own) and own != whole
    return f"{whole} ".startswith(f"{own} ") and own != whole
