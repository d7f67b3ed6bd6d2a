"""Plain English words and names, told apart by a spelling dictionary's capitals."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

# Hunspell's American English; the wheel brings the list, of which only the words are read.
WORDS = Path("data", "en", "en_US.dic")
ENDINGS = (
    ("", ""), ("s", ""), ("es", ""), ("es", "e"), ("ies", "y"), ("d", ""), ("ed", ""), ("ied", "y"),
    ("ing", ""), ("ing", "e"), ("ly", ""), ("ly", "le"), ("ily", "y"), ("er", ""), ("er", "e"),
    ("ier", "y"), ("est", ""), ("est", "e"), ("iest", "y"), ("ness", ""), ("iness", "y"),
    ("able", ""), ("able", "e"), ("ful", ""), ("less", ""), ("ish", ""), ("y", ""), ("y", "e"),
    ("ment", ""), ("proof", ""), ("like", ""), ("some", ""), ("wise", ""), ("ers", ""),
    ("ers", "e"), ("ings", ""), ("fully", ""), ("lessly", ""),
)  # fmt: skip
BEGINNINGS = ("un", "re", "non", "over", "out", "under", "pre", "mid", "super", "up", "mini", "co")
BRITISH = (("our", "or"), ("is", "iz"), ("ys", "yz"), ("re", "er"), ("ogue", "og"), ("ll", "l"),
           ("ae", "e"), ("ence", "ense"), ("grey", "gray"), ("tyre", "tire"))  # fmt: skip
LEAST = 3


@cache
def entries() -> frozenset[str]:
    """The dictionary's words as it spells them, without their flags."""
    found = find_spec("spylls.hunspell")
    if found is None or found.origin is None:
        raise LookupError("The package spylls is not installed.")
    lines = (Path(found.origin).parent / WORDS).read_text("utf-8", "replace").splitlines()
    return frozenset(line.split("/", 1)[0].strip() for line in lines)


@lru_cache(maxsize=32768)
def is_word(word: str) -> bool:
    """Whether it is English in small letters: a form of a word, or made of two words."""
    word = word.casefold().replace("’", "'").removesuffix("'s")
    if len(word) < LEAST or any(base in entries() for base in bases(word)):
        return True
    if word[:1].upper() + word[1:] in entries():
        return False
    return is_form(word) or any(map(is_form, americans(word))) or joins(word)


def is_form(word: str) -> bool:
    bare = [word, *(word[len(start) :] for start in BEGINNINGS if word.startswith(start))]
    return any(base in entries() for each in bare if len(each) >= LEAST for base in bases(each))


def bases(word: str) -> list[str]:
    """What a word may be a form of; doubled consonants are undone."""
    found = []
    for ending, own in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= LEAST - 1:
            stem = word[: len(word) - len(ending)]
            found.append(stem + own)
            if ending and not own and len(stem) > LEAST and stem[-1] == stem[-2]:
                found.append(stem[:-1])
    return found


def americans(word: str) -> list[str]:
    return [word.replace(own, other, 1) for own, other in BRITISH if own in word]


def joins(word: str) -> bool:
    """`teatime`, `windowsill`: two words of three letters or more, run together."""
    places = range(LEAST, len(word) - LEAST + 1)
    return any(word[:at] in entries() and is_form(word[at:]) for at in places)


@lru_cache(maxsize=32768)
def is_name(word: str) -> bool:
    """Whether the dictionary knows it with a capital alone: `Bradford`, `Mozart`."""
    own = word.replace("’", "'").removesuffix("'s")
    capital = own[:1].upper() + own[1:].lower()
    return capital in entries() and not is_word(own)
