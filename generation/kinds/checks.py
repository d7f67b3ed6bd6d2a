"""The checks that every text goes through before a person signs it off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from generation.kinds import facts, lexicon
from generation.kinds.banned import banned_spans
from generation.kinds.brief import BrandData, BriefData, Issue
from generation.kinds.text import CJK, N_, count_words, fold, is_cjk, overlap, sentences

BANNED = N_("“{term}” is on the brand's list of banned terms.")
NUMBER = N_("The number “{text}” is not in the brief.")
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

PLACEHOLDERS = re.compile(
    r"\[(?!x\]| \])[^\]\n]{1,40}\](?!\()|\{\{?[^}\n]{1,40}\}\}?"
    r"|<(?:insert|your|company|name)[^>\n]*>"
    r"|\b(?:lorem ipsum|xx+|tbd|insert [a-z]+ here|your company|company name)\b|【[^】\n]{1,20}】",
    re.IGNORECASE,
)
Spans = Iterable[facts.Span]


def check_text(text: str, brief: BriefData, part: str = "") -> list[Issue]:
    """All that can be said about one piece of text by itself."""
    known = brief.known()
    found = [
        *banned_terms(text, brief.brand, part),
        *flagged("invented_number", NUMBER, facts.unknown_numbers(text, known), part),
        *flagged("invented_address", ADDRESS, facts.unknown_addresses(text, known), part),
        *flagged("invented_name", NAME, facts.unknown_names(text, known), part),
        *placeholders(text, part),
        *spelling(text, brief.brand, part),
        *meta_talk(text, part),
        *repetition(text, part),
        *language(text, brief, part),
    ]
    return sorted(found, key=lambda issue: (issue.severity != "error", issue.start))


def flagged(code: str, message: str, spans: Spans, part: str) -> Iterator[Issue]:
    for span in spans:
        yield Issue(code, message, part, span.start, span.end, (("text", span.text),))


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
    addresses = [found.span() for found in facts.ADDRESS.finditer(text)]
    for preferred, pattern in spelling_patterns(brand):
        for found in pattern.finditer(text):
            inside = any(start <= found.start() < end for start, end in addresses)
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
    lowered = text.casefold().replace("’", "'")
    for phrase in lexicon.META_PHRASES:
        for found in re.finditer(rf"\b{re.escape(phrase)}", lowered):
            words = (("text", text[found.start() : found.end()]),)
            yield Issue("meta_talk", META, part, *found.span(), words)


def repetition(text: str, part: str = "") -> Iterator[Issue]:
    """Sentences that say again what one of the sentences before them said."""
    seen: list[str] = []
    at = 0
    for sentence in sentences(text):
        start = text.find(sentence, at)
        at = start + len(sentence)
        if sentence[0] in "-•*#":
            continue
        if count_words(sentence) > 4 and any(overlap(sentence, other) > 0.6 for other in seen):
            yield Issue("repetition", REPEATED, part, start, at)
        seen.append(sentence)


def language(text: str, brief: BriefData, part: str = "") -> Iterator[Issue]:
    if speaks(facts.ADDRESS.sub("", text), brief.language) is False:
        yield Issue("language", LANGUAGE, part, 0, len(text))


def speaks(text: str, language: str) -> bool | None:
    """Whether a text is in a language's script; None where it is too short to tell."""
    latin = sum(char.isalpha() and char.isascii() for char in text)
    chinese = len(CJK.findall(text))
    if latin + chinese < 12:
        return None
    share = 4 * chinese / (latin + 4 * chinese)
    return share > 0.3 if is_cjk(language) else share < 0.3


def length_limit(text: str, limit: int, part: str = "") -> Iterator[Issue]:
    if limit and len(text) > limit:
        numbers = (("count", str(len(text))), ("limit", str(limit)))
        yield Issue("too_long", TOO_LONG, part, limit, len(text), numbers, "error")


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
