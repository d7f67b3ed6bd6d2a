"""What makes a text tire its reader: sentences that begin alike, and phrases that wear out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from generation.kinds.text import CJK, fold

OPENING_WORDS = 3
OPENING_CHARACTERS = 5
# So often may sentences of one text begin alike, and only once within one section.
OPENINGS = 3
# Small models reach for these in every paragraph; once in a text is enough.
WORN = (
    "when it comes to", "not just about", "not only about", "double edged sword", "in today s",
    "in a world", "testament to", "delicate balance", "significant impact", "make a difference",
    "makes all the difference", "cannot be overstated", "at the end of the day", "on the same page",
    "go a long way", "in the long run", "fast paced", "by doing so", "powerful tool", "a great way",
    "plays a crucial role", "often overlooked", "well being", "profound", "done well",
    "multifaceted", "game changer",
)  # fmt: skip


@dataclass(slots=True)
class RepetitionGuard:
    """Remembers how the sentences of one text began and which worn phrases they used."""

    openings: Counter[str] = field(default_factory=Counter)
    places: set[tuple[str, str]] = field(default_factory=set)
    worn: set[str] = field(default_factory=set)

    def allows(self, sentence: str, place: str) -> bool:
        start = opening(sentence)
        alike = (place, start) in self.places or self.openings[start] >= OPENINGS
        return not (alike or self.worn & worn_phrases(sentence))

    def note(self, sentence: str, place: str) -> None:
        start = opening(sentence)
        self.openings[start] += 1
        self.places.add((place, start))
        self.worn |= worn_phrases(sentence)


def opening(sentence: str) -> str:
    folded = fold(sentence)
    if CJK.search(sentence):
        return folded[:OPENING_CHARACTERS]
    return " ".join(folded.split()[:OPENING_WORDS])


def worn_phrases(sentence: str) -> set[str]:
    folded = fold(sentence)
    return {phrase for phrase in WORN if phrase in folded}
