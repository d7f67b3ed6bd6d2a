"""What a short piece of copy sells: the product, its points and the offer, read from a brief."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from generation.kinds import lexicon
from generation.kinds.banned import has_banned
from generation.kinds.checks import prefer
from generation.kinds.kind import BrandData, BriefData
from generation.kinds.places import ADDRESS
from generation.kinds.product_fields import call_of
from generation.kinds.text import is_cjk
from generation.kinds.verbs import base_verb, third_person
from generation.writers.guided.patterns import tone_of

# A subject stands before these, and the sentence is whole.
FINITE = lexicon.words(
    "is are was were has have can will does do goes go isn't aren't doesn't don't won't can't "
    "cannot may must gets makes lasts fits covers starts"
)


class PhraseForm(Enum):
    """The grammar of a selling point: how it can stand in a sentence."""

    DOES = "does"  # sends invoices in one minute
    DO = "do"  # cancel any time
    IS = "is"  # made from recycled bottles
    CLAUSE = "clause"  # we answer within an hour
    THING = "thing"  # free delivery on every box


@dataclass(frozen=True, slots=True)
class Point:
    """A selling point without its full stop, and the form that it has."""

    text: str
    form: PhraseForm


@dataclass(frozen=True, slots=True)
class ProductBrief:
    """A brief for a short piece of copy, ready to be put into sentences."""

    brand: str
    name: str
    points: tuple[Point, ...]
    offer: str = ""
    call: str = ""
    url: str = ""
    keywords: tuple[str, ...] = ()
    chinese: bool = False
    tone: str = "plain"
    variant: int = 0

    @classmethod
    def of(cls, brief: BriefData) -> ProductBrief:
        chinese = is_cjk(brief.language)
        return cls(
            brand=brief.brand.name.strip(),
            name=without_article(tidy(usable(brief.text("product"), brief.brand), brief)),
            points=tuple(map(read_point, filter(None, usable_points(brief)))),
            offer=tidy(usable(brief.text("offer"), brief.brand), brief),
            call=call_of(brief),
            url=brief.text("url") or brief.brand.url,
            keywords=tuple(text for text in brief.items("keywords") if is_usable(text, brief)),
            chinese=chinese,
            tone=tone_of(brief.brand.tone),
            variant=brief.variant,
        )

    @property
    def full(self) -> str:
        """The product with the brand's name before it."""
        if self.brand.casefold() in self.name.casefold() or not self.name:
            return self.name or self.brand
        return self.brand + ("" if self.chinese else " ") + self.name

    @property
    def things(self) -> tuple[str, ...]:
        """Every fact of the brief as text: the points, then the offer."""
        return (*(point.text for point in self.points), *([self.offer] if self.offer else []))

    @property
    def news(self) -> tuple[str, ...]:
        """What is to be told first: the offer, or the point that the brief begins with."""
        return ((self.offer,) if self.offer else self.things)[:1]

    def joined(self, sentences: Sequence[str]) -> str:
        """Sentences as one paragraph."""
        return ("" if self.chinese else " ").join(sentences)


def usable(text: str, brand: BrandData) -> str:
    """The brief's own words in the brand's spelling; nothing where they hold a banned term."""
    return "" if has_banned(text, brand.banned) else prefer(text, brand)


def usable_points(brief: BriefData) -> Iterator[str]:
    for text in brief.items("points"):
        if is_usable(text, brief):
            yield tidy(prefer(text, brief.brand), brief)


def is_usable(text: str, brief: BriefData) -> bool:
    return not has_banned(text, brief.brand.banned)


def tidy(text: str, brief: BriefData) -> str:
    """A fact as part of a sentence: no capital for a plain first word, no full stop at its end."""
    text = " ".join(text.split()).strip(" .。;；,，!！")
    named = text.casefold().startswith(brief.brand.name.casefold())
    return text if named else lower_first(text, ADDRESS.sub("", brief.known()))


def without_article(text: str) -> str:
    return re.sub(r"^(?:an?|the)\s+(?=\w)", "", text, flags=re.IGNORECASE)


def lower_first(text: str, known: str = "") -> str:
    """Small first letter, unless the word is a name, an acronym or `I`; a word is none of these
    where it is common, or where the brief writes it with a small letter elsewhere."""
    first = text.split(" ", 1)[0].rstrip(",.:;")
    if first == "I" or not (first[1:].islower() or len(first) == 1):
        return text
    return text[:1].lower() + text[1:] if is_plain(first.casefold(), known) else text


def is_plain(word: str, known: str) -> bool:
    listed = lexicon.FUNCTION | lexicon.STOCK | lexicon.VERBS | lexicon.PREDICATES
    numbers = lexicon.NUMBER_WORDS
    return (
        word in listed
        or word in numbers
        or base_verb(word) != ""
        or re.search(rf"(?<![^\W_]){re.escape(word.rstrip('s'))}", known) is not None
    )


def upper_first(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text if any(char.isupper() for char in first) else text[:1].upper() + text[1:]


def read_point(text: str) -> Point:
    return Point(text, phrase_form_of(text))


def phrase_form_of(text: str) -> PhraseForm:
    tokens = [token.strip(",.").casefold() for token in text.split()]
    if not tokens:
        return PhraseForm.THING
    first, second = tokens[0], tokens[1] if len(tokens) > 1 else ""
    if first in lexicon.PRONOUNS - {"another", "both", "each"} and second not in {"of"}:
        clause = is_verbal(second) or is_clause(tokens)
        return PhraseForm.CLAUSE if clause else PhraseForm.THING
    if base_verb(first) or (third_person(first) and {"you", "your"} & set(tokens)):
        return PhraseForm.DOES
    if first in lexicon.PREDICATES and (not second or second in lexicon.FUNCTION - {"all", "any"}):
        return PhraseForm.IS
    if first in lexicon.VERBS and is_object(second):
        return PhraseForm.DO
    return PhraseForm.CLAUSE if is_clause(tokens) else PhraseForm.THING


def is_clause(tokens: Sequence[str]) -> bool:
    """Whether a noun is followed by what it does: `half of it goes to charity`, `kids eat free`."""
    plural = tokens[0].endswith("s") or tokens[0] in {"kids", "children", "people", "all", "both"}
    for before, word in zip(tokens, tokens[1:], strict=False):
        if word in lexicon.RELATIVES:
            return False
        finite = base_verb(word) or word in FINITE
        bare = plural and before == tokens[0] and word in lexicon.VERBS
        if (finite or bare) and before not in lexicon.ARTICLES | lexicon.PREPOSITIONS:
            return True
    return False


def is_verbal(word: str) -> bool:
    return word in lexicon.AUXILIARIES | lexicon.VERBS or base_verb(word) != ""


def is_object(word: str) -> bool:
    """Whether a word after a verb shows that it is one: `cancel any`, `pay in`, `save your`."""
    return not word or word in lexicon.FUNCTION or word[0].isdigit() or word == "online"
