"""Rules of Google Ads that are certain: marks, capitals, emoji, paths, lines that stand twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import regex

from generation.kinds.kind import Data, Issue
from generation.kinds.text import N_, fold

MARK = N_("Google refuses an exclamation mark in a headline.")
MARKS = N_("Google refuses repeated marks.")
CAPITALS = N_("Google refuses words in capitals alone.")
EMOJI = N_("Google refuses emoji and other symbols.")
PATH = N_("A path has neither blanks nor slashes.")
TWICE = N_("The same line stands among the headlines.")

REPEATED = re.compile(r"([!?！？.。~*])\1+|[!！][?？]|[?？][!！]")
# Emoji, arrows, stars and the like; not the signs of trade marks, which are allowed.
SYMBOL = regex.compile(r"(?![©®™#*0-9])[\p{Extended_Pictographic}\p{Regional_Indicator}★☆→←♥♦♣♠✓✔]")
GAP = re.compile(r"[\s/\\]+")
LETTERS = re.compile(r"[A-Za-z]+")
# A short run of capitals is an acronym; longer ones, or several, are shouted.
ACRONYM = 5


def path_of(text: str) -> str:
    """A path as Google takes it: hyphens for blanks and slashes."""
    return GAP.sub("-", text).strip("-")


def findings(data: Data) -> Iterator[Issue]:
    """What Google is sure to refuse, with its place."""
    headlines = data.get("headlines") or []
    for place, line in enumerate(headlines):
        for found in re.finditer(r"[!！]", line):
            yield policy(MARK, f"headlines.{place}", found.span(), line.replace("!", ""))
    for name in ("headlines", "descriptions"):
        for place, line in enumerate(data.get(name) or []):
            yield from _line(line, f"{name}.{place}")
    seen = {fold(line) for line in headlines}
    for place, line in enumerate(data.get("descriptions") or []):
        if fold(line) in seen:
            yield policy(TWICE, f"descriptions.{place}", (0, len(line)))
    for name in ("path1", "path2"):
        yield from _path(data.get(name) or "", name)


def policy(message: str, part: str, span: tuple[int, int], better: str = "") -> Issue:
    return Issue("ad_policy", message, part, *span, severity="error", suggestion=better)


def _line(line: str, part: str) -> Iterator[Issue]:
    for found in REPEATED.finditer(line):
        yield policy(MARKS, part, found.span(), found.group()[0])
    for found in SYMBOL.finditer(line):
        yield policy(EMOJI, part, found.span())
    words = [word for word in LETTERS.findall(line) if len(word) > 1]
    loud = [word for word in words if word.isupper()]
    if loud and (len(loud) == len(words) > 1 or any(len(word) > ACRONYM for word in loud)):
        start = line.find(loud[0])
        yield policy(
            CAPITALS, part, (start, line.rfind(loud[-1]) + len(loud[-1])), line.capitalize()
        )


def _path(path: str, part: str) -> Iterator[Issue]:
    for found in GAP.finditer(path):
        yield policy(PATH, part, found.span(), path_of(path))
    for found in SYMBOL.finditer(path):
        yield policy(EMOJI, part, found.span())
