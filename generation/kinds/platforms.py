"""How long a text is where it will stand: a function for each platform, linear in the text."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

import regex
from tld.utils import get_tld_names

GRAPHEME = regex.compile(r"\X")
EMOJI = regex.compile(r"[\p{Emoji_Presentation}\p{Regional_Indicator}\u20e3\ufe0f]")
# What X and Mastodon count a link as, however long it is.
LINK_CHARS = 23
# X's published weights: one for these code points, two for all others.
X_SINGLE = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
# A link ends where X's own pattern ends it: Chinese glued to it does not belong to it.
LINK = regex.compile(
    r"(?<![a-z0-9@＠$#＃_.\-/])(?P<scheme>https?://)?"
    r"(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+(?P<top>[a-z]{2,63}|xn--[a-z0-9\-]+)(?![a-z0-9@])"
    r"(?::\d+)?(?:/(?:[a-z0-9À-ɏЀ-ӿ!*';:=+,.$/%#\[\]\-_~@|&]*[a-z0-9À-ɏЀ-ӿ=_#/+\-])?)?"
    r"(?:\?[a-z0-9!?*'();:&=+$/%#\[\]\-_.,~|@]*[a-z0-9_&=#/\-])?",
    regex.IGNORECASE,
)
MENTION = regex.compile(r"(?<![\w/])(@\w+)@[\w.\-]+\w")


@cache
def top_level_domains() -> frozenset[str]:
    """All top-level domains of the public suffix list that the package brings."""
    return frozenset(
        name
        for tree in (get_tld_names() or {}).values()
        if tree is not None
        for name in tree.root.children or ()
    )


def links(text: str, *, bare: bool = True) -> Iterator[tuple[int, int]]:
    """Start and end of each link; `bare`: also of those without https://."""
    for found in LINK.finditer(text):
        known = found["top"].casefold() in top_level_domains()
        if known and (bare or found["scheme"]):
            yield found.span()


def without_links(text: str, *, bare: bool = True) -> tuple[str, int]:
    """The text between its links, and how many links there are."""
    kept: list[str] = []
    at = count = 0
    for start, end in links(text, bare=bare):
        kept.append(text[at:start])
        at, count = end, count + 1
    return "".join([*kept, text[at:]]), count


def characters(text: str) -> int:
    return len(text)


def code_units(text: str) -> int:
    """UTF-16 units, as browsers count: two for an emoji."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def graphemes(text: str) -> int:
    """What people see as one character each (Bluesky)."""
    return sum(1 for _ in GRAPHEME.finditer(text))


def google(text: str) -> int:
    """Full-width characters count two (Google Ads, Microsoft Advertising)."""
    composed = unicodedata.normalize("NFC", text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in composed)


def x(text: str) -> int:
    """Weights of twitter-text's table of version 3, over NFC; an emoji weighs two."""
    rest, count = without_links(unicodedata.normalize("NFC", text))
    return LINK_CHARS * count + sum(map(_x_weight, GRAPHEME.findall(rest)))


def _x_weight(cluster: str) -> int:
    if len(cluster) > 1 and EMOJI.search(cluster):
        return 2
    return sum(1 if _is_single(ord(char)) else 2 for char in cluster)


def _is_single(point: int) -> bool:
    return any(low <= point <= high for low, high in X_SINGLE)


def mastodon(text: str) -> int:
    """Characters as seen; links with their scheme 23 each, of a mention only the name."""
    rest, count = without_links(MENTION.sub(r"\1", text), bare=False)
    return LINK_CHARS * count + graphemes(rest)


def threads(text: str) -> int:
    """Code points, but an emoji counts as its bytes in UTF-8."""
    return sum(
        len(cluster.encode("utf-8", "surrogatepass")) if EMOJI.search(cluster) else len(cluster)
        for cluster in GRAPHEME.findall(text)
    )


Count = Callable[[str], int]
COUNTS: dict[str, Count] = {
    "characters": characters,
    "google": google,
    "x": x,
    "bluesky": graphemes,
    "mastodon": mastodon,
    "threads": threads,
    "linkedin": code_units,
    "facebook": code_units,
    "instagram": code_units,
}
