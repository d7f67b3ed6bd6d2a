"""Articles: an outline first, then section by section with the outline in view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generation.engine.types import EngineError
from generation.kinds.checks import EMPTY, LENGTH, check_text, duplicates, length_limit
from generation.kinds.kind import (
    BriefData,
    Choice,
    Data,
    Draft,
    Estimate,
    Field,
    Issue,
    Kind,
    Length,
    Part,
    Writing,
)
from generation.kinds.markup import HEADING, to_html
from generation.kinds.text import N_, count_words, one_line, sentences
from generation.writers.guided.grounding import unsupported
from generation.writers.guided.outline import (
    MOST_SECTIONS,
    Plan,
    Section,
    format_of,
    plan,
    plan_tokens,
)
from generation.writers.guided.prompt_budget import PromptBudget, bound, only
from generation.writers.guided.sections import Passage, Writer

TITLE, HEADING_CHARS = 120, 80
# Most of what a small model writes does not pass: room to ask again, also for a short text.
TOKENS_PER_WORD, SPARE, SPARE_WORDS = 2, 4, 150
# An answer takes at least so many tokens, all in all.
TOKENS_PER_ASK = 60
PROMPT_TOKENS = 250
TOO_POOR = N_("Nothing that the model wrote passed the checks. Try other main points.")
EDGE_SHARE = 0.1
MOST = 1.12

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
        section = only({"heading": {"type": "string"}, "text": {"type": "string"}})
        sections = {"type": "array", "items": section, "minItems": 1}
        return only(
            {"title": self.parts[0].schema(), "intro": {"type": "string"}, "sections": sections}
        )

    def estimate_tokens(self, brief: BriefData) -> Estimate:
        return bound(
            brief,
            asks=self.asks(brief),
            prompt=PROMPT_TOKENS,
            completion=self.tokens(brief),
        )

    def words(self, brief: BriefData) -> int:
        return self.length.wanted(brief) if self.length else 0

    def tokens(self, brief: BriefData) -> int:
        return (self.words(brief) + SPARE_WORDS) * TOKENS_PER_WORD * SPARE + plan_tokens()

    def asks(self, brief: BriefData) -> int:
        return 1 + self.tokens(brief) // TOKENS_PER_ASK

    def write(self, brief: BriefData) -> Writing:
        budget = PromptBudget(brief, self.tokens(brief), self.asks(brief))
        words = self.words(brief)
        outline = yield from plan(brief, budget, words)
        writer = Writer(brief, budget, outline)
        frame = count_words(" ".join([outline.title, *outline.headings, writer.lead, writer.end]))
        passages = writer.begin(shares(outline, words - frame))
        for passage in passages:
            yield from writer.write(passage)
        yield from writer.lengthen(passages, words - frame)
        shorten(passages, int(words * MOST) - frame)
        writer.put_frame(passages)
        data = assemble(outline, passages)
        return Draft(data, tuple(self.check(data, brief)))

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
        news = format_of(brief) == "news"
        for place, text in texts(data):
            found += check_text(text, brief, place)
            found += unsupported(text, brief, place) if news and not is_line(place) else []
        headings = [section["heading"] for section in sections]
        found += duplicates(headings, "sections")
        found += self.check_length(data, brief)
        return found

    def check_length(self, data: Data, brief: BriefData) -> Iterator[Issue]:
        text = self.render(data)
        if self.length and not self.length.fits(text, brief):
            numbers = (("count", str(count_words(text))), ("wanted", str(self.words(brief))))
            yield Issue("length", LENGTH, params=numbers)


def shares(outline: Plan, words: int) -> list[tuple[Section, int]]:
    """How many words each section gets."""
    middle = outline.sections[1:-1]
    each = int(words * (1 - 2 * EDGE_SHARE)) // max(1, len(middle))
    edge = max(10, int(words * EDGE_SHARE))
    return list(zip(outline.sections, [edge, *[each] * len(middle), edge], strict=True))


def shorten(passages: list[Passage], most: int) -> None:
    """Take the last sentences off the longest sections until the whole fits."""
    while sum(count_words(passage.text) for passage in passages) > most:
        longest = max(passages, key=lambda passage: count_words(passage.text))
        kept = sentences(longest.text)[:-1]
        if not kept:
            break
        longest.text = longest.text[: longest.text.rindex(kept[-1]) + len(kept[-1])]


def assemble(outline: Plan, passages: list[Passage]) -> Data:
    written = [passage for passage in passages[1:] if passage.text]
    if not any(passage.text for passage in passages[1:-1]):
        raise EngineError("text_too_poor", TOO_POOR)
    sections = [{"heading": each.section.heading, "text": each.text} for each in written]
    return {"title": outline.title, "intro": passages[0].text, "sections": sections}


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
