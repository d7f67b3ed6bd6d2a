"""Articles: a title, an introduction and sections under headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from generation.kinds.checks import (
    EMPTY,
    LENGTH,
    check_text,
    coverage,
    duplicates,
    length_limit,
)
from generation.kinds.grounding import unsupported
from generation.kinds.kind import (
    BriefData,
    Choice,
    Data,
    Field,
    Issue,
    Kind,
    Length,
    Part,
    object_schema,
)
from generation.kinds.markup import HEADING, to_html
from generation.kinds.text import N_, count_words, one_line

TITLE = 120
MOST_SECTIONS = 6

# So begins a line that a person is to replace by an answer.
QUESTION, QUESTION_ZH = "To answer:", "待回答："
MARKED = re.compile(rf"^> ?(?:{QUESTION}|{QUESTION_ZH})[^\n]*", re.MULTILINE)
OPEN = N_("A question that somebody has to answer before this is published.")

FORMATS = (
    Choice("blog", N_("Blog post")),
    Choice("news", N_("News")),
    Choice("report", N_("Report")),
)


class Article(Kind):
    name = "article"
    label = N_("Article")
    description = N_("A blog post, a news item or a report, planned and written in sections.")
    icon = "file-text"
    length = Length(default=400, minimum=150, maximum=1500)
    in_sections = True
    fields = (
        Field("format", N_("Format"), "select", choices=FORMATS, default="blog"),
        Field(
            "topic",
            N_("Topic"),
            required=True,
            max_length=TITLE,
            help=N_("What the article is about, as its title would say it."),
            example=N_("How to brew loose-leaf tea at home"),
        ),
        Field(
            "points",
            N_("Main points"),
            "list",
            max_length=120,
            max_items=MOST_SECTIONS,
            help=N_("One on each line. Each becomes a section."),
            example=N_(
                "water just off the boil\ntwo grams of leaf per cup\nsteep for three minutes"
            ),
        ),
        Field(
            "facts",
            N_("Facts"),
            "list",
            max_items=10,
            help=N_("Numbers and names that the article may use, one on each line."),
        ),
    )
    parts = (
        Part("title", N_("Title"), TITLE),
        Part("intro", N_("Introduction"), long=True),
        Part("sections", N_("Sections"), many=True, least=1, most=MOST_SECTIONS + 1),
    )

    def schema(self, brief: BriefData | None = None) -> dict[str, Any]:
        section = object_schema({"heading": {"type": "string"}, "text": {"type": "string"}})
        sections = {"type": "array", "items": section, "minItems": 1}
        return object_schema(
            {"title": self.parts[0].schema(), "intro": {"type": "string"}, "sections": sections}
        )

    def title(self, data: Data) -> str:
        return str(data.get("title", ""))

    def render(self, data: Data) -> str:
        blocks = [f"# {one_line(data.get('title', ''))}", data.get("intro", "").strip()]
        for section in data.get("sections", []):
            blocks += [f"## {one_line(section['heading'])}", section["text"].strip()]
        return "\n\n".join(block for block in blocks if block.strip("# "))

    def parse(self, text: str) -> Data:
        data: Data = {"title": "", "intro": "", "sections": []}
        for heading, body in sectioned(text):
            level, words = heading
            if level == 1 and not data["title"]:
                data["title"], data["intro"] = words, body
            elif level:
                data["sections"].append({"heading": words, "text": body})
            else:
                data["intro"] = body
        return data

    def html(self, data: Data) -> str:
        return f"<article>\n{to_html(self.render(data))}\n</article>"

    def csv_rows(self, data: Data) -> list[dict[str, str]]:
        return [{"Title": self.title(data), "Text": self.render(data)}]

    def check(self, data: Data, brief: BriefData) -> list[Issue]:
        found = [] if data.get("title") else [Issue("empty", EMPTY, "title", severity="error")]
        found += length_limit(data.get("title", ""), TITLE, "title")
        sections = data.get("sections", [])
        told = format_of(brief) in {"news", "report"}
        for place, text in texts(data):
            line = is_line(place)
            found += open_questions(text, place)
            text = MARKED.sub(lambda mark: " " * len(mark.group()), text)
            found += check_text(text, brief, place, line=line)
            found += unsupported(text, brief, place) if told and not line else []
        headings = [section["heading"] for section in sections]
        found += duplicates(headings, "sections")
        found += coverage((text for _, text in texts(data)), brief)
        found += self.check_length(data, brief)
        return found

    def check_length(self, data: Data, brief: BriefData) -> Iterator[Issue]:
        text = self.render(data)
        if self.length and not self.length.fits(text, brief):
            numbers = (
                ("count", str(count_words(text))),
                ("wanted", str(self.length.wanted(brief))),
            )
            yield Issue("length", LENGTH, params=numbers)


def open_questions(text: str, part: str) -> Iterator[Issue]:
    for found in MARKED.finditer(text):
        yield Issue("open_question", OPEN, part, *found.span())


def format_of(brief: BriefData) -> str:
    name = brief.text("format")
    return name if name in {choice.value for choice in FORMATS} else "blog"


def texts(data: Data) -> Iterator[tuple[str, str]]:
    yield "title", data.get("title", "")
    yield "intro", data.get("intro", "")
    for place, section in enumerate(data.get("sections", [])):
        yield f"sections.{place}.heading", section["heading"]
        yield f"sections.{place}.text", section["text"]


def is_line(place: str) -> bool:
    return place.endswith(("title", "heading"))


def sectioned(text: str) -> Iterator[tuple[tuple[int, str], str]]:
    """Each heading's level and words, with the text below it; level 0 for text before any."""
    heading: tuple[int, str] = (0, "")
    lines: list[str] = []
    for line in text.splitlines():
        found = HEADING.match(line)
        if found is None:
            lines.append(line)
            continue
        if heading[0] or "".join(lines).strip():
            yield heading, "\n".join(lines).strip()
        heading, lines = (len(found.group(1)), one_line(found.group(2))), []
    if heading[0] or "".join(lines).strip():
        yield heading, "\n".join(lines).strip()
