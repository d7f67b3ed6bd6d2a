"""Where a text says more than its brief can bear out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from generation.kinds import facts, lexicon
from generation.kinds.brief import BriefData, Issue
from generation.kinds.clauses import root
from generation.kinds.facts import telling
from generation.kinds.places import stem
from generation.kinds.text import N_, fold, is_cjk, sentences, shingles
from generation.kinds.verbs import base_verb

UNSUPPORTED = N_("The brief does not say this. Check it before you publish.")
# What somebody did, or will do.
DONE = re.compile(
    r"\b(?:will|has|have|had|was|were|plans?|hopes?|wants? to|decided|began|started|\w{3,}ed)\b",
    re.IGNORECASE,
)
# Whatever begins so tells of the one thing that the text is about.
TOLD = re.compile(r"^The (?:\w+ ){1,2}(?:will|has|have|was|were|plans?)\b")
LEAST_TOLD, MOST_STRANGE = 4, 0.6
# Pairs of characters at the seams of known words are new ones; more than these are invented.
CJK_GROUNDED = 0.7


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a brief says, and the claims among it that must not be halved."""

    known: str
    claims: tuple[str, ...]
    chinese: bool

    @classmethod
    def of(cls, brief: BriefData) -> Grounds:
        claims = tuple(item for name in ("points", "offer") for item in brief.items(name))
        return cls(brief.known(), claims, is_cjk(brief.language))

    def lack(self, text: str) -> bool:
        """Whether a text has words or claims that the brief does not have."""
        if self.chinese:
            return known_share(text, self.known) < CJK_GROUNDED
        return bool(
            is_awkward(text, self.known)
            or facts.unknown_words(text, self.known)
            or facts.unknown_claims(text, self.known)
            or facts.halved_claim(text, self.claims)
        )


def unsupported(text: str, brief: BriefData, part: str) -> Iterator[Issue]:
    """The sentences that tell of the brand in words most of which the brief does not have."""
    if is_cjk(brief.language):
        return
    known = frozenset(root(word) for word in fold(brief.known()).split())
    at = 0
    for sentence in sentences(text):
        start = text.find(sentence, at)
        at = start + len(sentence)
        if invents(sentence, brief.brand.name, known):
            yield Issue("unsupported", UNSUPPORTED, part, start, at)


def invents(sentence: str, brand: str, known: frozenset[str]) -> bool:
    """Whether a sentence tells what the brand did or will do, in words of its own."""
    folded = fold(sentence)
    own = bool(brand) and fold(brand) in folded
    about = own or lexicon.COMPANY & set(folded.split()) or TOLD.search(sentence)
    if not about or not DONE.search(sentence):
        return False
    told = {root(word) for word in folded.split() if word not in lexicon.FUNCTION}
    strange = told - known - {root(word) for word in lexicon.STOCK}
    return len(told) >= LEAST_TOLD and len(strange) > MOST_STRANGE * len(told)


def is_awkward(text: str, known: str) -> bool:
    """Short copy that sets terms of its own or lacks its subject: `Keep you dry`."""
    words = fold(text).split()
    given = set(known.split())
    terms = [word for word in words if word in lexicon.TERMS and word not in given]
    headless = base_verb(words[0]) != "" and text.endswith(".") if words else True
    loose = words[1:2] == ["you"] and words[0] in lexicon.VERBS
    article = "a free " in fold(text) and "a free " not in fold(known)
    return bool(terms) or headless or loose or article or (text.endswith(".") and circles(text))


def known_share(text: str, known: str) -> float:
    """The share of a Chinese text's pairs of characters that the brief has too."""
    own = shingles(text, 2)
    return len(own & shingles(known, 2)) / len(own) if own else 0.0


def circles(text: str) -> bool:
    """Whether a sentence comes back to the same word again and again."""
    stems = [stem(word) for word in fold(text).split() if telling(word)]
    most = max(Counter(stems).values(), default=0)
    return most > 2 or (most > 1 and len(stems) < 7)
