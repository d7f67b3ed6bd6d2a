"""Writing with a capable model: one request for the whole text, and one that mends what failed.

An article is outlined first and then written section by section, each with the plan and what was
said before in view. The model's words stand: no template ever replaces them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from generation.engine.types import EngineError, Message, Sampling
from generation.kinds.brief import BriefData
from generation.kinds.checks import prefer
from generation.kinds.kind import Data, Kind, Part, object_schema
from generation.kinds.text import N_, is_cjk, one_line, read_json
from generation.writers import mending
from generation.writers.prompt_budget import PromptBudget, prompt_tokens
from generation.writers.prompts import render_angle, render_brief
from generation.writers.writer import Ask, Completion, Draft, Estimate, Writer, Writing

FREE = Sampling(temperature=0.7, top_p=0.95)
# A long part seldom comes near its limit.
MOST_PART_CHARS = 2_500
CHARS_PER_TOKEN = 2
JSON_TOKENS = 64
# Words of English or characters of Chinese.
TOKENS_PER_WORD = 2
OUTLINE_TOKENS = 600
WORDS_A_SECTION = 150
FEWEST_SECTIONS, MOST_SECTIONS = 2, 5
UNREADABLE = N_(
    "The model's answer did not have the parts that were asked for. Have it written again."
)
NOT_JSON = "It has to be one JSON object with the parts that were asked for. Write it again."
OUTLINE = (
    "Begin with the outline: the title, an introduction, and {count} headings of sections, each "
    "with the points and facts that it will make."
)
SECTION = (
    "Now write the section “{heading}” in about {words} words: plain paragraphs without a heading."
    " {points}Do not repeat what was said before."
)
POINTS = "It makes these points: {points}. "

Answer = Generator[Ask, Completion, str]
Written = Generator[Ask, Completion, Data]


class DirectWriter(Writer):
    """Gives the model the whole brief, trusts it with the whole text, and checks that."""

    name = "direct"

    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        given = prompt_tokens("".join(each.content for each in messages_of(kind, brief)), 2)
        if not kind.in_sections:
            answer = answer_tokens(kind, brief)
            # The second request reads the first answer and what is said of it too.
            return Estimate(2 * given + answer + mending.PROMPT_TOKENS, 2 * answer)
        count = most_sections(kind, brief)
        text = OUTLINE_TOKENS + count * section_tokens(kind, brief)
        # Each section reads what stands before it; the last request mends.
        return Estimate((count + 2) * given + (count + 1) * text + mending.PROMPT_TOKENS, 2 * text)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        budget = PromptBudget(brief, self.estimate_tokens(kind, brief).completion_tokens, mend=True)
        writing = write_sections if kind.in_sections else write_whole
        data = yield from writing(kind, brief, budget)
        return Draft(data, tuple(kind.check(data, brief)))


def messages_of(kind: Kind, brief: BriefData) -> list[Message]:
    """The brief as the model is asked to write it, from the angle of this variant."""
    system, order = render_brief(kind, brief)
    angle = render_angle(brief)
    return [system, Message("user", f"{order.content}\n\n{angle}" if angle else order.content)]


def answer_tokens(kind: Kind, brief: BriefData) -> int:
    """The most that the copy of a kind in one piece takes."""
    found = sum(_most_chars(schema) for schema in answer_schema(kind, brief)["properties"].values())
    return found * (2 if is_cjk(brief.language) else 1) // CHARS_PER_TOKEN + JSON_TOKENS


def _most_chars(schema: Mapping[str, Any]) -> int:
    if schema["type"] == "array":
        return int(schema["maxItems"]) * _most_chars(schema["items"])
    return min(MOST_PART_CHARS, int(schema.get("maxLength", MOST_PART_CHARS)))


def answer_schema(kind: Kind, brief: BriefData) -> dict[str, Any]:
    """The schema of what the model writes: all but what the brief settles, with limits that
    full-width characters keep too."""
    fixed = kind.fixed(brief)
    properties = dict(kind.schema(brief)["properties"])
    for part in kind.parts:
        most = part.most_characters(wide=is_cjk(brief.language))
        if part.name in properties and part.limit and most < part.limit:
            properties[part.name] = part.schema(most)
    return object_schema({name: each for name, each in properties.items() if name not in fixed})


def write_whole(kind: Kind, brief: BriefData, budget: PromptBudget) -> Written:
    """The copy in one answer; a second one where it cannot be read or parts do not pass."""
    messages = messages_of(kind, brief)
    schema, tokens = answer_schema(kind, brief), answer_tokens(kind, brief)

    def asked(messages: Sequence[Message]) -> Answer:
        turns = [(each.role, each.content) for each in messages]
        completion = yield budget.ask("", turns, tokens, schema=schema, sampling=FREE)
        return completion.text

    text = yield from asked(messages)
    data = read_copy(text, kind, brief)
    if data:
        return (yield from mending.mend(kind, brief, budget, data, messages))
    retold = [*messages, Message("assistant", text or "{}"), Message("user", NOT_JSON)]
    data = read_copy((yield from asked(retold)), kind, brief)
    if not data:
        raise EngineError("answer_unreadable", UNREADABLE)
    return mending.tidied(kind, brief, data)


def read_copy(text: str, kind: Kind, brief: BriefData) -> Data:
    """An answer as copy, in the brand's spelling; nothing where it is not readable."""
    found = read_json(text)
    if not isinstance(found, dict):
        return {}
    written = {part.name: _value(found.get(part.name), part, brief) for part in kind.parts}
    return {**written, **kind.fixed(brief)} if any(written.values()) else {}


def _value(value: Any, part: Part, brief: BriefData) -> Any:
    if part.many:
        lines = value if isinstance(value, list) else [value]
        kept = [one_line(line) for line in lines if isinstance(line, str)]
        return [prefer(line, brief.brand) for line in kept if line]
    text = value if isinstance(value, str) else ""
    return prefer(text.strip() if part.long else one_line(text), brief.brand)


# Articles


def most_sections(kind: Kind, brief: BriefData) -> int:
    """As many as the length has room for; points share a section where there are more."""
    fitting = words_of(kind, brief) // WORDS_A_SECTION
    return max(FEWEST_SECTIONS, min(MOST_SECTIONS, max(fitting, len(brief.items("points")))))


def words_of(kind: Kind, brief: BriefData) -> int:
    return kind.length.wanted(brief) if kind.length else 0


def section_words(kind: Kind, brief: BriefData) -> int:
    return words_of(kind, brief) // (most_sections(kind, brief) + 1)


def section_tokens(kind: Kind, brief: BriefData) -> int:
    return 2 * TOKENS_PER_WORD * section_words(kind, brief) + JSON_TOKENS


def outline_schema(kind: Kind, count: int) -> dict[str, Any]:
    heading = {"type": "string", "minLength": 1, "maxLength": 80}
    points = {"type": "array", "items": {"type": "string"}, "maxItems": 6}
    headings = {"type": "array", "items": heading, "minItems": count, "maxItems": count}
    plan = {"type": "array", "items": points, "minItems": count, "maxItems": count}
    title = kind.schema()["properties"]["title"]
    intro = {"type": "string", "minLength": 1}
    return object_schema({"title": title, "intro": intro, "headings": headings, "points": plan})


def write_sections(kind: Kind, brief: BriefData, budget: PromptBudget) -> Written:
    """An outline, each section in view of all before it, and one request for what failed."""
    count = most_sections(kind, brief)
    system, order = messages_of(kind, brief)
    wanted = f"{order.content}\n\n{OUTLINE.format(count=count)}"
    turns = [(system.role, system.content), ("user", wanted)]
    schema = outline_schema(kind, count)
    completion = yield budget.ask("outline", turns, OUTLINE_TOKENS, schema=schema, sampling=FREE)
    data, plan = read_outline(completion.text, brief, count)
    messages = [system, Message("user", wanted), Message("assistant", completion.text)]
    for heading, points in plan:
        data["sections"].append({"heading": heading, "text": ""})
        messages = yield from write_section(kind, budget, data, messages, points)
    data["sections"] = [section for section in data["sections"] if section["text"]]
    return (yield from mending.mend(kind, brief, budget, data, [system, order]))


def read_outline(text: str, brief: BriefData, count: int) -> tuple[Data, list[tuple[str, str]]]:
    """The article so far, and each heading with the points that its section makes."""
    found = read_json(text)
    found = found if isinstance(found, dict) else {}
    lines, points = (_list(found.get(name)) for name in ("headings", "points"))
    headings = [prefer(one_line(line), brief.brand) for line in lines if isinstance(line, str)]
    title, intro = (str(found.get(name) or "").strip() for name in ("title", "intro"))
    if not title or not any(headings):
        raise EngineError("answer_unreadable", UNREADABLE)
    data = {
        "title": prefer(one_line(title), brief.brand),
        "intro": prefer(intro, brief.brand),
        "sections": [],
    }
    told = ["; ".join(map(str, _list(each))) for each in points] + [""] * len(headings)
    plan = [pair for pair in zip(headings, told, strict=False) if pair[0]]
    return data, plan[:count]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def write_section(
    kind: Kind, budget: PromptBudget, data: Data, messages: list[Message], points: str
) -> Generator[Ask, Completion, list[Message]]:
    """Write the last section's text; the conversation since."""
    place = len(data["sections"]) - 1
    section = data["sections"][place]
    order = SECTION.format(
        heading=section["heading"],
        words=section_words(kind, budget.brief),
        points=POINTS.format(points=points) if points else "",
    )
    messages = [*messages, Message("user", order)]
    turns = [(each.role, each.content) for each in messages]
    tokens = section_tokens(kind, budget.brief)
    completion = yield budget.ask(f"sections.{place}", turns, tokens, sampling=FREE)
    text = without_heading(completion.text, section["heading"])
    section["text"] = prefer(text, budget.brief.brand)
    return [*messages, Message("assistant", section["text"] or "–")]


def without_heading(text: str, heading: str) -> str:
    """A section's text; models like to begin with its heading all the same."""
    lines = text.strip().splitlines()
    if lines and lines[0].strip("#* :").casefold() == heading.casefold():
        lines = lines[1:]
    return "\n".join(lines).strip()
