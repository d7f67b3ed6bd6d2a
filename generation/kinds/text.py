"""Small text tools that the kinds share: counting, trimming, comparing, JSON and Markdown."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from generation.engine.text import storable

CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")
WORD = re.compile(r"[^\W_]+(?:['’\-.&/][^\W_]+)*")
SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*(?=\s|$)|[。！？…][”’」』）]*")
NEVER_AN_END = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|vs|e\.g|i\.e|approx)|(?<![\w'’])[a-z])\.$", re.IGNORECASE
)
# Short forms that end a sentence only where the next word has a capital.
SELDOM_AN_END = re.compile(r"\b(?:no|inc|ltd|co|etc)\.$", re.IGNORECASE)
# What stands so near shows whether a full stop ends a sentence.
NEAR = 12
QUOTES = "\"'“”‘’「」『』*_` \t\r\n"


def N_(message: str) -> str:
    """Mark a string for the translators; whoever shows it translates it."""
    return message


def is_cjk(language: str) -> bool:
    return language.lower().split("-")[0] in {"zh", "ja", "ko"}


def count_words(text: str) -> int:
    """Words of Latin text plus characters of Chinese, Japanese and Korean."""
    return len(CJK.findall(text)) + len(WORD.findall(CJK.sub(" ", text)))


def sentence_ends(text: str) -> list[int]:
    """Offsets just behind every full sentence."""
    ends = (found.end() for found in SENTENCE_END.finditer(text))
    return [end for end in ends if is_end(text[max(0, end - NEAR) : end], text[end : end + NEAR])]


def is_end(before: str, after: str) -> bool:
    if NEVER_AN_END.search(before):
        return False
    return not SELDOM_AN_END.search(before) or not after.strip()[:1].islower()


def sentences(text: str) -> list[str]:
    """The sentences of a text; a new line ends one too."""
    lines = (found.end() for found in re.finditer(r"\n+", text))
    starts = sorted({0, *sentence_ends(text), *lines})
    ends = [*starts[1:], len(text)]
    found = (text[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return [sentence for sentence in found if sentence]


def clip(text: str, most: int) -> str:
    """Whole words from the start that fit into `most` characters; for labels, never for copy."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    cut = text[: most + 1].rsplit(" ", 1)[0] if " " in text[: most + 1] else text[:most]
    return cut[:most].rstrip(" ,;:-–—&")


def one_line(text: str) -> str:
    return " ".join(text.split()).strip(QUOTES)


def fold(text: str) -> str:
    """A form for comparing: no case, accents of width, punctuation or double spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def shingles(text: str, size: int = 3) -> set[tuple[str, ...]]:
    """The runs of `size` words in a text (of characters where the text is Chinese)."""
    folded = fold(text)
    words = list(folded.replace(" ", "")) if CJK.search(folded) else folded.split()
    if len(words) < size:
        return {tuple(words)} if words else set()
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)}


def overlap(text: str, other: str, size: int = 3) -> float:
    """The share of the shorter text's word runs that the other one has too."""
    own, others = shingles(text, size), shingles(other, size)
    least = min(len(own), len(others))
    return len(own & others) / least if least else 0.0


def read_json(text: str) -> Any:
    """The JSON value in a completion, or None; never raises on what a model wrote."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        return storable_all(json.loads(text[start : end + 1], strict=False))
    except (ValueError, RecursionError):
        return None


def storable_all(value: Any) -> Any:
    """The value with all its strings as a database can hold them."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_all(item) for item in value]
    if isinstance(value, dict):
        return {storable(name): storable_all(item) for name, item in value.items()}
    return value


def read_items(text: str) -> list[str]:
    """The entries of a bulleted, numbered or plain list that a model wrote."""
    bullet = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.):])\s*")
    lines = (one_line(bullet.sub("", line)) for line in text.splitlines())
    return [line for line in lines if line]
