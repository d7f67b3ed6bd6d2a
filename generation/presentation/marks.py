"""Marks the words that findings are about where they stand: in a card, in a preview."""

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# Private characters stand for the edges of a mark until the text is HTML: which finding, and where
# it ends. They pass through escaping and Markdown as letters do.
FIRST, LAST, END = 0xE100, 0xE8FF, "\ue000"
EDGES = re.compile("[\ue000\ue100-\ue8ff]")
# As an address has them.
ENCODED = re.compile("%EE%(?:80%80|(?:8[4-9A-F]|9[0-9A-F]|A[0-3])%[89AB][0-9A-F])")
TAG = re.compile(r"(<[^>]*>)")
# What opens a line of Markdown is none of the finding's words.
LINE_START = re.compile(r"[ \t]*(?:#{1,6}|[-*+>]|\d+[.)])[ \t]+")
# An address behind a link's words is not shown.
IN_LINK = re.compile(r"\]\([^)\s]*$")
# A finding about a whole text marks nothing in it, nobody follows more marks than these, and what
# stands before a mark is looked at so far back: that keeps the work in proportion to the text.
LONGEST, MOST, BACK = 300, 300, 200

Finding = Mapping[str, Any]


def with_edges(data: Mapping[str, Any], issues: Sequence[Finding]) -> dict[str, Any]:
    """The copy's parts with the edges of each finding, by its place in the list, set in."""
    found: dict[str, Any] = deepcopy(dict(data))
    by_part: dict[str, list[tuple[int, int, int]]] = {}
    for number, issue in enumerate(issues[:MOST]):
        span = (issue["start"], issue["end"], number)
        if 0 < issue["end"] - issue["start"] <= LONGEST:
            by_part.setdefault(issue["part"], []).append(span)
    for part, spans in by_part.items():
        change(found, part.split("."), spans)
    return found


def change(data: Any, steps: Sequence[str], spans: Iterable[tuple[int, int, int]]) -> None:
    *way, last = steps
    try:
        for step in way:
            data = data[int(step)] if isinstance(data, list) else data[step]
        key: Any = int(last) if isinstance(data, list) else last
        text = data[key]
    except (KeyError, IndexError, ValueError, TypeError):
        return
    if isinstance(text, str) and not EDGES.search(text):
        data[key] = edged(text, spans)


def edged(text: str, spans: Iterable[tuple[int, int, int]]) -> str:
    """The text with its spans marked; of those that overlap, the one that comes first."""
    taken: list[tuple[int, int, int]] = []
    for start, end, number in spans:
        back = max(0, start - BACK)
        line = max(back, text.rfind("\n", back, start) + 1)
        begins = line == 0 or text[line - 1] == "\n"
        opening = LINE_START.match(text[line : end + 1]) if begins else None
        start = max(start, line + opening.end()) if opening else start
        if IN_LINK.search(text[line:start]) or start >= end:
            continue
        if all(end <= first or start >= last for first, last, _ in taken):
            taken.append((start, end, number))
    for start, end, number in sorted(taken, reverse=True):
        text = f"{text[:start]}{chr(FIRST + number)}{text[start:end]}{END}{text[end:]}"
    return text


def to_marks(html: str, severities: Sequence[str], prefix: str) -> SafeString:
    """HTML in which the edges became marks: `prefix` and a number name each."""
    pieces, number, seen = [], -1, set[int]()
    for piece in TAG.split(html):
        if piece.startswith("<"):
            tag = ENCODED.sub("", EDGES.sub("", piece))
            pieces.append(f"</mark>{tag}{opened(number, severities, '')}" if number >= 0 else tag)
            continue
        for char in re.split("([\ue000\ue100-\ue8ff])", piece):
            if char == END:
                pieces.append("</mark>")
                number = -1
            elif len(char) == 1 and FIRST <= ord(char) <= LAST:
                number = ord(char) - FIRST
                pieces.append(opened(number, severities, "" if number in seen else prefix))
                seen.add(number)
            else:
                pieces.append(char)
    return mark_safe("".join(pieces).replace('<mark class="found found-warning"></mark>', ""))


def opened(number: int, severities: Sequence[str], prefix: str) -> str:
    severity = severities[number] if number < len(severities) else "warning"
    kind = "error" if severity == "error" else "warning"
    if not prefix:
        return format_html('<mark class="found found-{}">', kind)
    return format_html('<mark class="found found-{}" id="{}-{}">', kind, prefix, number)


def marked_numbers(html: str, prefix: str) -> set[int]:
    """Which findings have a mark in the text."""
    return {int(each) for each in re.findall(rf'<mark [^>]*id="{prefix}-(\d+)"', html)}
