"""What a text states, against what its brief says: numbers, names, addresses, unknown words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from generation.kinds import dictionary, lexicon, quantities
from generation.kinds.places import ADDRESS, WORD, Span, stem
from generation.kinds.text import CJK, fold, sentence_ends

# Capitals at their start say nothing of a name.
MORPHEMES = re.compile(r"(?:^(?:un|non|re|anti)|(?:ish|less|some|ful|ness|able|ly|y|ing|ed)$)")


def unknown_numbers(text: str, known: str) -> Iterator[Span]:
    """The numbers that the brief does not have, or not with this unit or limit."""
    return (fault.span for fault in quantities.faults(text, known))


def unknown_addresses(text: str, known: str) -> Iterator[Span]:
    folded = known.casefold()
    for found in ADDRESS.finditer(text):
        address = found.group().rstrip(".,;:!?)")
        bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", address.casefold()).rstrip("/")
        if bare not in folded:
            yield Span(found.start(), found.start() + len(address), address)


@lru_cache(maxsize=256)
def known_words(known: str) -> frozenset[str]:
    return frozenset(word for part in WORD.findall(fold(known)) for word in (part, stem(part)))


def is_capital(word: str) -> bool:
    return word[0].isupper() or (len(word) > 1 and any(char.isupper() for char in word[1:]))


def is_title(text: str) -> bool:
    """Whether most words are capitalised, so that a capital says nothing."""
    if re.search(r"[.!?。][\"'”’)]*\s*$", text):
        return False
    long = [word for word in WORD.findall(text) if len(word) > 3]
    return len(long) > 1 and sum(word[0].isupper() for word in long) > 0.6 * len(long)


def unknown_names(text: str, known: str) -> Iterator[Span]:
    """Runs of capitalised words that neither the brief nor common English knows."""
    if is_title(text):
        yield from names_in_title(text, known)
        return
    starts = {0, *sentence_ends(text), *(found.end() for found in re.finditer(r"\n|[:*•]", text))}
    run: list[re.Match[str]] = []
    for found in [*WORD.finditer(CJK.sub(" ", text)), None]:
        if found and run and not continues(text, run[-1], found):
            yield from name_in(run, text, starts, known)
            run = []
        if found and is_capital(found.group()) and not found.group().isdigit():
            run.append(found)
        elif run:
            yield from name_in(run, text, starts, known)
            run = []


def names_in_title(text: str, known: str) -> Iterator[Span]:
    """Among words that all have capitals: those that are no plain English and not the brief's."""
    run: list[re.Match[str]] = []
    for found in [*WORD.finditer(CJK.sub(" ", text)), None]:
        if found and run and not continues(text, run[-1], found):
            yield Span(run[0].start(), run[-1].end(), text[run[0].start() : run[-1].end()])
            run = []
        if found and is_capital(found.group()) and is_strange(found.group(), known):
            run.append(found)
        elif run:
            yield Span(run[0].start(), run[-1].end(), text[run[0].start() : run[-1].end()])
            run = []


def is_strange(word: str, known: str) -> bool:
    """Whether a word can only be a name that the brief does not have."""
    parts = [part for part in re.split(r"[-'’]", word) if len(part) > 1 and not part.isdigit()]
    return not is_known(word, known) and any(
        not is_known(part, known) and is_nameable(part) for part in parts
    )


def is_nameable(word: str) -> bool:
    plain = word.casefold()
    if is_ordinary(plain) or any(char.isdigit() for char in plain):
        return False
    return dictionary.is_name(word) or not (
        dictionary.is_word(plain) or MORPHEMES.search(plain) or len(plain) < 3
    )


def continues(text: str, word: re.Match[str], following: re.Match[str]) -> bool:
    return text[word.end() : following.start()].strip(" &") == ""


def name_in(run: list[re.Match[str]], text: str, starts: set[int], known: str) -> Iterator[Span]:
    """The part of a capitalised run that must be a name, where the brief does not know it."""
    if begins_sentence(run[0], text, starts) and not is_odd(run[0].group()):
        single = len(run) == 1 and not dictionary.is_name(run[0].group())
        run = run[1:] if single or is_ordinary(run[0].group()) else run
    strange = [word for word in run if not is_known(word.group(), known)]
    if strange:
        start, end = strange[0].start(), strange[-1].end()
        yield Span(start, end, text[start:end])


def begins_sentence(word: re.Match[str], text: str, starts: set[int]) -> bool:
    at = word.start()
    while at and text[at - 1] in " \t\"'“‘([-–—#>":
        at -= 1
    return at == 0 or at in starts or text[at] == "\n"


def is_odd(word: str) -> bool:
    """Capitals inside the word: an acronym or a brand, wherever it stands."""
    return len(word) > 1 and any(char.isupper() for char in word[1:])


def is_ordinary(word: str) -> bool:
    plain = word.casefold()
    return plain in lexicon.FUNCTION or plain in lexicon.STOCK or plain in lexicon.VERBS


def is_known(word: str, known: str) -> bool:
    plain = word.casefold().replace("’", "'")
    own = plain.removesuffix("'s")
    given = known_words(known)
    common = {plain, own, own.removesuffix("s")} & lexicon.COMMON_CAPITALS
    return bool(common) or own in given or stem(fold(own)) in given


def is_allowed(word: str, given: frozenset[str]) -> bool:
    plain = word.casefold().replace("’", "'")
    if plain in lexicon.FUNCTION or plain in lexicon.STOCK or plain.isdigit():
        return True
    return all(
        part in given or stem(part) in given
        for part in fold(plain.removesuffix("'s")).split()
        if part not in lexicon.FUNCTION and part not in lexicon.STOCK
    )


def unknown_words(text: str, known: str) -> list[str]:
    """The words of a text that are neither the brief's nor such as any copy may use."""
    given = known_words(known)
    return [word for word in WORD.findall(CJK.sub(" ", text)) if not is_allowed(word, given)]


def unknown_claims(text: str, known: str) -> list[str]:
    """Claims like `free delivery` or `30 days` whose words stand together in no fact."""
    given = " ".join(fold(known).split())
    tokens = fold(text).split()
    return [
        f"{word} {following}"
        for word, following in zip(tokens, tokens[1:], strict=False)
        if is_claim(word)
        and following not in lexicon.FUNCTION
        and f" {word} {following}" not in f" {given}"
    ]


def unknown_amounts(text: str, known: str) -> list[str]:
    """Those of the unknown claims that promise a number of something, or something free."""
    first = ((claim, claim.split()[0]) for claim in unknown_claims(text, known))
    return [claim for claim, word in first if word == "free" or word not in lexicon.RISKY]


def is_claim(word: str) -> bool:
    return word in lexicon.RISKY or word in lexicon.NUMBER_WORDS or word[0].isdigit()


def halved_claim(text: str, claims: Iterable[str]) -> bool:
    """Whether a text promises something free or in numbers, but leaves out on what terms; or
    names the terms and leaves out that it is free."""
    words = fold(text).split()
    tokens = {stem(word) for word in words}
    promises = {stem(word) for word in words if word == "free" or word[0].isdigit()}
    for claim in claims:
        terms = {stem(word) for word in fold(claim).split() if word not in lexicon.FUNCTION}
        if terms - tokens == {stem("free")} and len(terms) > 1:
            return True
        if promises & terms and terms <= tokens:
            promises -= terms
    stated = {stem(word) for claim in claims for word in fold(claim).split()}
    return bool(promises & stated)


def telling(text: str) -> set[str]:
    """The stems of the words that say what a text is about."""
    words = (word for word in fold(text).split() if len(word) > 2)
    return {stem(word) for word in words if word not in lexicon.FUNCTION | lexicon.STOCK}
