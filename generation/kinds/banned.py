"""Finds banned terms however they are written: case, endings, look-alikes, hidden marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from generation.kinds.text import CJK

# Cyrillic and Greek letters that read as Latin ones.
LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһкмтвнԁԛԝαβεικνορτυχγ" + "ıɡℓ",
    "aeopcyxijshkmtbhdqwabeiknoptuxy" + "igl",
)
ENDING = r"(?:'?s|es|d|ed|r|er|est|ing|ly)?"
GAP = r"[\s\-_.·・]+"


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in plain letters, with the place that each letter has in the original."""

    text: str
    places: tuple[int, ...]

    def span(self, found: re.Match[str]) -> tuple[int, int]:
        return self.places[found.start()], self.places[found.end() - 1] + 1


def plain(text: str) -> Plain:
    letters: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for letter in plain_letters(char):
            letters.append(letter)
            places.append(place)
    return Plain("".join(letters), tuple(places))


@lru_cache(maxsize=8192)
def plain_letters(char: str) -> str:
    """One character as people read it; nothing for marks that nobody sees."""
    folded = unicodedata.normalize("NFKD", char).casefold().translate(LOOK_ALIKES)
    folded = folded.replace("’", "'").replace("‐", "-").replace("‑", "-")
    return "".join(
        kept
        for kept in folded
        if unicodedata.category(kept) not in {"Mn", "Cf", "Cc"} or kept in "\n\t"
    )


@lru_cache(maxsize=1024)
def pattern(term: str) -> re.Pattern[str] | None:
    words = re.split(GAP, plain(term).text.strip())
    words = [word for word in words if word]
    if not words:
        return None
    if CJK.search(term):
        letters = "".join(words)
        return re.compile(r"\s*".join(re.escape(letter) for letter in letters))
    body = GAP.join(inflected(word) for word in words)
    return re.compile(rf"(?<![^\W_]){body}(?![^\W_])")


def inflected(word: str) -> str:
    """A pattern for the word with the usual English endings."""
    if len(word) < 3 or not word.isalpha():
        return re.escape(word)
    forms = [re.escape(word) + ENDING]
    if word.endswith("e"):
        forms.append(re.escape(word[:-1]) + "(?:ing|able|ation)")
    elif word.endswith("y"):
        forms.append(re.escape(word[:-1]) + "(?:ies|ied|ier|iest|ily)")
    elif re.search(r"[aeiou][bdgklmnprtvz]$", word):
        forms.append(re.escape(word + word[-1]) + "(?:ed|er|ing|est)")
    return f"(?:{'|'.join(forms)})"


def banned_spans(text: str, terms: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Each banned term in the text with its start and end."""
    letters = plain(text)
    for term in terms:
        wanted = pattern(term)
        for found in wanted.finditer(letters.text) if wanted else ():
            yield (term, *letters.span(found))


def has_banned(text: str, terms: Iterable[str]) -> bool:
    return next(banned_spans(text, terms), None) is not None
