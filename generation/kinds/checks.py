"""The checks that every text goes through before a person signs it off."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from generation.kinds import claims, cut, facts, polarity, quantities
from generation.kinds.banned import banned_spans
from generation.kinds.brief import BrandData, BriefData, Issue
from generation.kinds.coverage import missing
from generation.kinds.places import ADDRESS as ADDRESSES
from generation.kinds.places import Places, Span
from generation.kinds.platforms import Count, characters
from generation.kinds.text import CJK, N_, count_words, fold, is_cjk, sentences, shingles

BANNED = N_("“{term}” is on the brand's list of banned terms.")
NUMBERS = {
    "invented_number": N_("The number “{text}” is not in the brief."),
    "changed_unit": N_("The brief says “{given}”, not “{text}”."),
    "changed_limit": N_("“{text}” leaves out or turns the limit that the brief sets."),
}
OPPOSITE = N_("This says the opposite of the brief: “{given}”.")
CLAIM = N_("“{text}” is a claim that the brief does not make.")
DATE = N_("The date “{text}” is not in the brief.")
QUOTE = N_("Nobody in the brief says {text}.")
EVENT = N_("The brief does not tell of this: “{text}”.")
MISSING = N_("The copy does not say this: “{text}”.")
CUT = N_("The line breaks off at “{text}”.")
NAME = N_("The name “{text}” is not in the brief.")
ADDRESS = N_("The address “{text}” is not in the brief.")
TOO_LONG = N_("{count} characters; at most {limit} are allowed.")
TOO_FEW = N_("At least {limit} are needed.")
TOO_MANY = N_("At most {limit} are allowed.")
EMPTY = N_("Nothing is written here yet.")
SPELLING = N_("The brand writes “{preferred}”.")
DUPLICATE = N_("The same text stands here twice.")
PLACEHOLDER = N_("“{text}” is a placeholder that was left in.")
REPEATED = N_("This says again what was said before.")
META = N_("“{text}” talks about the text instead of saying something.")
LANGUAGE = N_("This is not written in the language of the brief.")
LENGTH = N_("{count} words; {wanted} were asked for.")

# A model that speaks of its task instead of doing it.
ABOUT_ITSELF = re.compile(
    r"\b(?:as an ai\b|language model|as requested\b|i hope this (?:helps|text|email finds)|"
    r"let me know if (?:you(?: would|['’]d)? (?:like|want|need)|this)|dear reader|in conclusion,|"
    r"here(?:['’]s| is| are) (?:the|an?|your|my|some|\d+|\w+) (?:\w+ ){0,3}?(?:articles?"
    r"|posts?|texts?|"
    r"ads?|cop(?:y|ies)|headlines?|versions?|drafts?|blog|emails?|descriptions?|outlines?"
    r"|sections?|"
    r"paragraphs?|rewrites?|captions?|taglines?|sentences?)\b)"
    r"|作为(?:一个|一名)?(?:人工智能|AI|语言模型)|以下是|希望(?:这|以上)",
    re.IGNORECASE,
)
# Sentences that share more of their word runs are alike; a run is looked for in so many of them.
ALIKE, MOST_PLACES = 0.6, 8
PLACEHOLDERS = re.compile(
    r"\[(?!x\]| \])[^\]\n]{1,40}\](?!\()|\{\{?[^}\n]{1,40}\}\}?"
    r"|<(?:insert|your|company|name)[^<>\n]{0,80}>"
    r"|\b(?:lorem ipsum|xx+|tbd|insert [a-z]+ here|your company|company name)\b|【[^】\n]{1,20}】",
    re.IGNORECASE,
)
# Which claims are named in which words.
CLAIMS = {"date": DATE, "name": NAME, "quote": QUOTE, "event": EVENT}


def check_text(text: str, brief: BriefData, part: str = "", *, line: bool = False) -> list[Issue]:
    """All that can be said about one piece of text by itself; `line`: it is a headline or so."""
    known = brief.known()
    found = [
        *banned_terms(text, brief.brand, part),
        *polarities(text, brief, part),
        *numbers(text, known, part),
        *spans("invented_address", ADDRESS, facts.unknown_addresses(text, known), part),
        *spans("invented_name", NAME, facts.unknown_names(text, known), part),
        *unsupported(text, brief, part),
        *placeholders(text, part),
        *spelling(text, brief.brand, part),
        *meta_talk(text, part),
        *repetition(text, part),
        *language(text, brief, part),
        *(cut_line(text, brief, part) if line else ()),
    ]
    return sorted(found, key=lambda issue: (issue.severity != "error", issue.start))


def spans(code: str, message: str, found: Iterable[Span], part: str) -> Iterator[Issue]:
    for span in found:
        yield Issue(code, message, part, span.start, span.end, (("text", span.text),))


def numbers(text: str, known: str, part: str = "") -> Iterator[Issue]:
    for fault in quantities.faults(text, known):
        words = (("text", fault.span.text), ("given", fault.given))
        message, (start, end, _) = NUMBERS[fault.code], fault.span
        yield Issue(fault.code, message, part, start, end, words, suggestion=fault.given)


def polarities(text: str, brief: BriefData, part: str = "") -> Iterator[Issue]:
    for fault in polarity.faults(text, brief.statements()):
        words = (("given", fault.given),)
        start, end, _ = fault.span
        yield Issue(fault.code, OPPOSITE, part, start, end, words, "error", fault.given)


def unsupported(text: str, brief: BriefData, part: str = "") -> Iterator[Issue]:
    """Claims, dates, quotes and events that the brief does not have."""
    found = claims.unsupported(text, brief.known(), brief.brand.name, brief.subject())
    for claim in found:
        message, words = CLAIMS.get(claim.kind, CLAIM), (("text", claim.span.text),)
        code = "invented_name" if claim.kind == "name" else f"invented_{claim.kind}"
        yield Issue(code, message, part, claim.span.start, claim.span.end, words)


def cut_line(text: str, brief: BriefData, part: str = "") -> Iterator[Issue]:
    span = cut.cut_end(text, brief.statements(), brief.known())
    if span:
        words = (("text", span.text),)
        yield Issue("cut_line", CUT, part, span.start, span.end, words, "error")


def coverage(texts: Iterable[str], brief: BriefData) -> Iterator[Issue]:
    """What the brief demands and the whole piece does not say."""
    for line in missing(texts, brief.demanded(), brief.subject()):
        yield Issue("missing", MISSING, "", 0, 0, (("text", line),), suggestion=line)


def banned_terms(text: str, brand: BrandData, part: str = "") -> Iterator[Issue]:
    for term, start, end in banned_spans(text, brand.banned):
        yield Issue("banned_term", BANNED, part, start, end, (("term", term),), "error")


def placeholders(text: str, part: str = "") -> Iterator[Issue]:
    for found in PLACEHOLDERS.finditer(text):
        words = (("text", found.group()),)
        yield Issue("placeholder", PLACEHOLDER, part, *found.span(), words, "error")


def spelling(text: str, brand: BrandData, part: str = "") -> Iterator[Issue]:
    for start, end, preferred in misspelt(text, brand):
        words = (("preferred", preferred),)
        yield Issue("spelling", SPELLING, part, start, end, words, suggestion=preferred)


def misspelt(text: str, brand: BrandData) -> Iterator[tuple[int, int, str]]:
    """The spans where another spelling stands for one of the brand's terms or for its name."""
    addresses = Places.of_addresses(text)
    for preferred, pattern in spelling_patterns(brand):
        for found in pattern.finditer(text):
            inside = found.start() in addresses
            if not inside and not same_spelling(found.group(), preferred):
                yield (*found.span(), preferred)


def spelling_patterns(brand: BrandData) -> Iterator[tuple[str, re.Pattern[str]]]:
    pairs = [(brand.name, ())] + [(term.preferred, term.instead_of) for term in brand.terms]
    for preferred, instead_of in pairs:
        forms = "|".join(loose(form) for form in (preferred, *instead_of) if form.strip())
        if forms:
            edge = "" if CJK.search(forms) else r"\b"
            yield preferred, re.compile(rf"{edge}(?:{forms}){edge}", re.IGNORECASE)


def loose(form: str) -> str:
    """A pattern in which blanks and hyphens of a term stand for each other."""
    return r"[\s\-]?".join(re.escape(word) for word in re.split(r"[\s\-]+", form.strip()))


def same_spelling(found: str, preferred: str) -> bool:
    """Equal, or equal but for capitals that a sentence or a headline gives to plain words."""
    if found == preferred:
        return True
    plain = preferred == preferred.lower()
    return plain and found.lower() == preferred and found != found.upper()


def prefer(text: str, brand: BrandData) -> str:
    """The text with the brand's own spellings."""
    for start, end, preferred in sorted(misspelt(text, brand), reverse=True):
        cased = preferred[:1].upper() + preferred[1:] if text[start].isupper() else preferred
        text = text[:start] + cased + text[end:]
    return text


def meta_talk(text: str, part: str = "") -> Iterator[Issue]:
    for found in ABOUT_ITSELF.finditer(text):
        words = (("text", found.group()),)
        yield Issue("meta_talk", META, part, *found.span(), words)


def repetition(text: str, part: str = "") -> Iterator[Issue]:
    """Sentences that say again what one of the sentences before them said."""
    places: dict[tuple[str, ...], list[int]] = {}
    sizes: list[int] = []
    at = 0
    for sentence in sentences(text):
        start = text.find(sentence, at)
        at = start + len(sentence)
        if sentence[0] in "-•*#":
            continue
        own = shingles(sentence)
        shared = Counter(place for run in own for place in places.get(run, ()))
        again = any(n > ALIKE * min(len(own), sizes[place]) for place, n in shared.items())
        if count_words(sentence) > 4 and again:
            yield Issue("repetition", REPEATED, part, start, at)
        for run in own:
            if len(known := places.setdefault(run, [])) < MOST_PLACES:
                known.append(len(sizes))
        sizes.append(len(own))


def language(text: str, brief: BriefData, part: str = "") -> Iterator[Issue]:
    if speaks(ADDRESSES.sub("", text), brief.language) is False:
        yield Issue("language", LANGUAGE, part, 0, len(text))


def speaks(text: str, language: str) -> bool | None:
    """Whether a text is in a language's script; None where it is too short to tell."""
    latin = sum(char.isalpha() and char.isascii() for char in text)
    chinese = len(CJK.findall(text))
    if latin + chinese < 12:
        return None
    share = 4 * chinese / (latin + 4 * chinese)
    return share > 0.3 if is_cjk(language) else share < 0.3


def length_limit(
    text: str, limit: int, part: str = "", count: Count = characters
) -> Iterator[Issue]:
    size = count(text) if limit else 0
    if size > limit:
        values = (("count", str(size)), ("limit", str(limit)))
        start = min(limit, max(0, len(text) - 1))
        yield Issue("too_long", TOO_LONG, part, start, len(text), values, "error")


def count_limits(count: int, least: int, most: int, part: str = "") -> Iterator[Issue]:
    if count < least:
        yield Issue("too_few", TOO_FEW, part, 0, 0, (("limit", str(least)),), "error")
    elif count > most:
        yield Issue("too_many", TOO_MANY, part, 0, 0, (("limit", str(most)),), "error")


def duplicates(lines: Iterable[str], part: str = "") -> Iterator[Issue]:
    seen: set[str] = set()
    for place, line in enumerate(lines):
        if fold(line) in seen:
            yield Issue("duplicate", DUPLICATE, f"{part}.{place}", 0, len(line), (), "error")
        seen.add(fold(line))
