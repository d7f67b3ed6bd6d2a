"""Decides which of a model's sentences and lines may stay."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from generation.kinds import claims, cut, facts, lexicon, polarity
from generation.kinds.banned import has_banned
from generation.kinds.brief import BriefData
from generation.kinds.checks import PLACEHOLDERS, prefer, speaks
from generation.kinds.grounding import Grounds
from generation.kinds.places import stem
from generation.kinds.platforms import google
from generation.kinds.text import CJK, fold, is_cjk, one_line, overlap
from generation.kinds.verbs import third_person

FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|my|My|me|Me|myself)\b")
MARKS = re.compile(r"[#*_`|<>{}\\]|\.\.\.|…|--|\s[,.;!?]|[,;:.!?]\s*[,;:.]|!!|\?\?")
VERB_STEMS = frozenset(map(stem, lexicon.VERBS))
SENTENCE = re.compile(r"^[\"'“‘(]?[A-Z0-9].*[.!?][\"'”’)]?$", re.DOTALL)
CJK_SENTENCE = re.compile(r"^.{4,}[。！？]$", re.DOTALL)


@dataclass(slots=True)
class OutputFilter:
    """Keeps what the brief covers. `strict`: every word must come from it or be any copy's."""

    brief: BriefData
    strict: bool = True
    seen: list[str] = field(default_factory=list)
    grounds: Grounds = field(init=False)

    def __post_init__(self) -> None:
        self.grounds = Grounds.of(self.brief)

    @property
    def known(self) -> str:
        return self.grounds.known

    def size(self, text: str) -> int:
        """The length of a line; ad platforms count full-width characters double."""
        return google(text) if self.brief.kind == "search_ad" else len(text)

    def line(self, text: str, limit: int) -> str:
        """A headline or the like as it may stay, or nothing."""
        text = prefer(one_line(text).rstrip(".。"), self.brief.brand)
        keep = (
            len(text) > 1
            and self.size(text) <= limit
            and not self.is_cut(text, limit)
            and self.is_clean(text)
            and not self.is_repeated(text, 0.99)
        )
        return self._kept(text) if keep else ""

    def sentence(self, text: str, limit: int = 0) -> str:
        """A full sentence as it may stay, or nothing."""
        text = without_stop(prefer(one_line(text), self.brief.brand), self.brief.brand.name)
        pattern = CJK_SENTENCE if is_cjk(self.brief.language) else SENTENCE
        keep = (
            pattern.match(text) is not None
            and (is_cjk(self.brief.language) or has_verb(text))
            and (not limit or self.size(text) <= limit)
            and self.is_clean(text)
            and not self.is_repeated(text, 0.5)
        )
        return self._kept(text) if keep else ""

    def is_clean(self, text: str) -> bool:
        return not (
            has_banned(text, self.brief.brand.banned)
            or MARKS.search(text)
            or PLACEHOLDERS.search(text)
            or FIRST_PERSON.search(text)
            or unbalanced(text)
            or stutters(text)
            or self.is_foreign(text)
            or self.is_invented(text)
            or talks_of_itself(text)
            or is_meta(text, self.known)
        )

    def may_be_said(self, text: str) -> bool:
        """Whether a line made from the brief's own words may stand: not banned, not halved."""
        return not (
            has_banned(text, self.brief.brand.banned)
            or facts.halved_claim(text, self.grounds.claims)
        )

    def is_foreign(self, text: str) -> bool:
        if is_cjk(self.brief.language):
            return not CJK.search(text)
        return bool(CJK.search(text)) or speaks(text, self.brief.language) is False

    def is_invented(self, text: str) -> bool:
        return bool(
            any(facts.unknown_numbers(text, self.known))
            or any(polarity.faults(text, self.brief.statements()))
            or any(claims.unsupported(text, self.known, self.brief.brand.name))
            or any(facts.unknown_addresses(text, self.known))
            or any(facts.unknown_names(text, self.known))
            or ((self.strict or self.is_about_brand(text)) and self.grounds.lack(text))
            or facts.unknown_amounts(text, self.known)
            or lexicon.UNWANTED & set(fold(text).split())
            or (lexicon.EVIDENCE & set(fold(text).split())) - facts.known_words(self.known)
        )

    def is_about_brand(self, text: str) -> bool:
        """Whether a text speaks of the brand or for it: of that nothing may be invented."""
        name, folded = fold(self.brief.brand.name), fold(text)
        return bool(name) and name in folded or bool(lexicon.COMPANY & set(folded.split()))

    def is_cut(self, text: str, limit: int) -> bool:
        """Whether a line was cut off: by its limit, or behind a word that wants another."""
        if is_cjk(self.brief.language):
            return text.endswith(("，", "、", "：", "的"))
        if cut.cut_end(text, self.brief.statements(), self.known):
            return True
        last = text.split()[-1].casefold().strip("\"'”’)?!")
        if last in lexicon.DANGLING or not text[-1:].isalnum() and text[-1:] not in "?!%)\"'”’":
            return True
        whole = facts.known_words(self.known) | lexicon.STOCK | lexicon.FUNCTION
        return len(text) >= limit - 1 and fold(last) not in whole

    def is_repeated(self, text: str, share: float) -> bool:
        folded = fold(text)
        return any(folded == fold(other) or overlap(text, other) > share for other in self.seen)

    def note(self, texts: Iterable[str]) -> None:
        """Texts that others must not repeat."""
        self.seen.extend(text for text in texts if text)

    def _kept(self, text: str) -> str:
        self.seen.append(text)
        return text


def has_verb(text: str) -> bool:
    """Whether a sentence can be one: some word in it may be a verb, and it is not a mere title."""
    return any(
        word in lexicon.AUXILIARIES
        or word in lexicon.VERBS
        or third_person(word)
        or (word.endswith("ed") and stem(word) in VERB_STEMS)
        for word in (token.strip(".,;:!?\"'()") for token in text.casefold().split())
    )


def talks_of_itself(text: str) -> bool:
    """Whether a small model slipped into talking about its task; its phrases are stock ones."""
    lowered = text.casefold().replace("’", "'")
    return any(re.search(rf"\b{re.escape(phrase)}", lowered) for phrase in lexicon.META_PHRASES)


def is_meta(text: str, known: str) -> bool:
    """Whether a text talks of paragraphs and headlines, in a brief that does not."""
    given = facts.known_words(known)
    return any(word in lexicon.META and word not in given for word in fold(text).split())


def without_stop(text: str, name: str) -> str:
    """Models put a full stop behind names that end in a short form: `Kettle & Co. sends`."""
    return re.sub(rf"{re.escape(name)}\.(?=\s+[a-z])", lambda found: name, text)


def unbalanced(text: str) -> bool:
    return (
        text.count('"') % 2 == 1
        or text.count("“") != text.count("”")
        or text.count("(") != text.count(")")
    )


def stutters(text: str) -> bool:
    """Whether a run of words comes twice within one sentence."""
    folded = fold(text).split()
    pairs = list(zip(folded, folded[1:], strict=False))
    telling = [pair for pair in pairs if not lexicon.FUNCTION.intersection(pair)]
    return any(one == two for one, two in pairs) or len(telling) != len(set(telling))
