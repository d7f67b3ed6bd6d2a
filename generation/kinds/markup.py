"""The little Markdown that copy uses, read from parts, read back, and turned into safe HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from generation.kinds.kind import Data, Part
from generation.kinds.text import one_line, read_items

LINK = re.compile(r"\[([^\]\n]+)\]\((https?://[^\s()<>\"]+)\)")
BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
HEADING = re.compile(r"^(#{1,4})\s+(.*)$")
ITEM = re.compile(r"^\s*[-*]\s+(.*)$")


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


def to_html(text: str) -> str:
    """Headings, lists, paragraphs, bold and links; everything else is plain text."""
    return "\n".join(html_block(lines) for lines in grouped(text))


def grouped(text: str) -> Iterator[list[str]]:
    """Runs of lines that belong together."""
    run: list[str] = []
    for line in [*text.splitlines(), ""]:
        alone = HEADING.match(line) is not None
        mixed = bool(run) and bool(ITEM.match(run[-1])) != bool(ITEM.match(line))
        if run and (not line.strip() or alone or mixed):
            yield run
            run = []
        if alone:
            yield [line]
        elif line.strip():
            run.append(line)


def html_block(lines: list[str]) -> str:
    heading = HEADING.match(lines[0])
    if heading:
        level = len(heading.group(1))
        return f"<h{level}>{inline(heading.group(2))}</h{level}>"
    items = [found.group(1) for line in lines if (found := ITEM.match(line))]
    if items:
        return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"
    return "<p>" + "<br>\n".join(inline(line.strip()) for line in lines) + "</p>"


def inline(text: str) -> str:
    """Escaped text with its links and bold words."""
    parts: list[str] = []
    at = 0
    for found in LINK.finditer(text):
        parts.append(bold(text[at : found.start()]))
        label, address = bold(found.group(1)), html.escape(found.group(2))
        parts.append(f'<a href="{address}">{label}</a>')
        at = found.end()
    return "".join([*parts, bold(text[at:])])


def bold(text: str) -> str:
    return BOLD.sub(r"<strong>\1</strong>", html.escape(text))
