"""The little Markdown that copy uses, read from parts, read back, and turned into safe HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from markdown_it import MarkdownIt

from generation.kinds.kind import Data, Part
from generation.kinds.text import one_line, read_items

LINKS = ("https://", "http://", "mailto:")
HEADING = re.compile(r"^(#{1,4})\s+(.*)$")


def render_parts(parts: Iterable[Part], data: Mapping[str, Any]) -> str:
    """Each part under its label; what is empty is left out."""
    blocks = (render_part(part, data.get(part.name) or part.empty) for part in parts)
    return "\n\n".join(block for block in blocks if block)


def render_part(part: Part, value: Any) -> str:
    if not value:
        return ""
    if part.many:
        return f"## {part.label}\n\n" + "\n".join(f"- {one_line(line)}" for line in value)
    if part.long:
        return f"## {part.label}\n\n{value.strip()}"
    return f"**{part.label}:** {one_line(value)}"


def parse_parts(parts: Iterable[Part], text: str) -> Data:
    """The parts found in a Markdown text; what is not there is empty."""
    known = {part.label.casefold(): part for part in parts}
    data: Data = {part.name: part.empty for part in known.values()}
    for label, block in blocks(text, known):
        part = known[label]
        if part.many:
            data[part.name] = read_items(block)
        else:
            data[part.name] = block.strip() if part.long else one_line(block)
    return data


def blocks(text: str, labels: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each known label with the text that stands below or beside it."""
    names = "|".join(re.escape(label) for label in labels)
    marker = re.compile(
        rf"^(?:##[ \t]+({names})[ \t]*$|\*\*({names}):\*\*[ \t]*)", re.IGNORECASE | re.MULTILINE
    )
    found = list(marker.finditer(text))
    ends = [*(place.start() for place in found[1:]), len(text)]
    for place, end in zip(found, ends, strict=False):  # a text without labels has one end more
        yield (place.group(1) or place.group(2)).casefold(), text[place.end() : end]


@cache
def _markdown() -> MarkdownIt:
    """CommonMark with tables and kept line breaks; markup of HTML's own stays plain text.

    Pictures would be fetched from anywhere, and what stands indented or above a line is rarely
    meant as code or as a heading.
    """
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
    parser.disable(["image", "code", "lheading"])
    parser.validateLink = is_safe_link  # type: ignore[method-assign]
    return parser


def is_safe_link(url: str) -> bool:
    return url.lower().startswith(LINKS)


def to_html(text: str) -> str:
    """Markdown as HTML that is safe to show, whatever the text holds."""
    return str(_markdown().render(text)).strip()
