"""Writing with a capable model: one request for the whole text, and one to repair it.

An article is outlined first and then written section by section, in one conversation.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from generation.engine.types import EngineError, Message, Sampling
from generation.kinds.brief import BriefData, Issue
from generation.kinds.checks import prefer
from generation.kinds.kind import Data, Kind, Part, object_schema
from generation.kinds.text import N_, is_cjk, one_line, read_json
from generation.writers.prompt_budget import PromptBudget, prompt_tokens
from generation.writers.prompts import render_brief
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
FEWEST_SECTIONS = 2
MOST_FAULTS = 12
UNREADABLE = N_(
    "The model's answer did not have the parts that were asked for. Have it written again."
)
NOT_JSON = "It has to be one JSON object with the parts that were asked for."
OUTLINE = "Begin with the outline: the title, an introduction, and {count} headings of sections."
SECTION = (
    "Now write the section “{heading}” in about {words} words: plain paragraphs without a heading."
    " Do not repeat what was said before."
)
REPAIR = "Some of this does not pass:\n{faults}\nWrite it again with these faults put right."

Answer = Generator[Ask, Completion, str]
Written = Generator[Ask, Completion, Data]


class DirectWriter(Writer):
    """Gives the model the whole brief, trusts it with the whole text, and checks that."""

    name = "direct"

    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        given = prompt_tokens("".join(each.content for each in render_brief(kind, brief)), 2)
        if not kind.in_sections:
            answer = answer_tokens(kind, brief)
            # The repair reads the first answer and what is said of it too.
            return Estimate(2 * given + answer + JSON_TOKENS * MOST_FAULTS, 2 * answer)
        count = most_sections(kind, brief)
        answers = OUTLINE_TOKENS + 2 * count * section_tokens(kind, brief)
        return Estimate((1 + 2 * count) * (given + answers), answers)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        budget = PromptBudget(brief, self.estimate_tokens(kind, brief).completion_tokens)
        writing = write_sections if kind.in_sections else write_whole
        data = yield from writing(kind, brief, budget)
        return Draft(data, tuple(kind.check(data, brief)))


def answer_tokens(kind: Kind, brief: BriefData) -> int:
    """The most that the copy of a kind in one piece takes."""
    found = sum(_most_chars(schema) for schema in answer_schema(kind, brief)["properties"].values())
    return found * (2 if is_cjk(brief.language) else 1) // CHARS_PER_TOKEN + JSON_TOKENS


def _most_chars(schema: Mapping[str, Any]) -> int:
    if schema["type"] == "array":
        return int(schema["maxItems"]) * _most_chars(schema["items"])
    return min(MOST_PART_CHARS, int(schema.get("maxLength", MOST_PART_CHARS)))


def answer_schema(kind: Kind, brief: BriefData) -> dict[str, Any]:
    """The schema of what the model writes: all but what the brief settles."""
    fixed = kind.fixed(brief)
    properties = kind.schema(brief)["properties"]
    return object_schema({name: each for name, each in properties.items() if name not in fixed})


def write_whole(kind: Kind, brief: BriefData, budget: PromptBudget) -> Written:
    """The copy in one answer; in a second one where the first does not pass."""
    messages = render_brief(kind, brief)
    schema, tokens = answer_schema(kind, brief), answer_tokens(kind, brief)

    def asked(messages: Sequence[Message]) -> Answer:
        turns = [(each.role, each.content) for each in messages]
        completion = yield budget.ask("", turns, tokens, schema=schema, sampling=FREE)
        return completion.text

    text = yield from asked(messages)
    first = read_copy(text, kind, brief)
    faults = faults_of(kind.check(first, brief)) if first else [NOT_JSON]
    if not faults:
        return first
    text = yield from asked([*messages, *repair(text, faults)])
    second = read_copy(text, kind, brief)
    found = [data for data in (second, first) if data]
    if not found:
        raise EngineError("answer_unreadable", UNREADABLE)
    return min(found, key=lambda data: badness(kind.check(data, brief)))


def repair(text: str, faults: Iterable[str]) -> list[Message]:
    """The turns that have an answer written again."""
    listed = "\n".join(f"- {fault}" for fault in faults)
    return [Message("assistant", text or "{}"), Message("user", REPAIR.format(faults=listed))]


def faults_of(issues: Iterable[Issue]) -> list[str]:
    """What the checks found, in words for the model."""
    found = (f"{issue.part}: {issue}" if issue.part else str(issue) for issue in issues)
    return list(dict.fromkeys(found))[:MOST_FAULTS]


def badness(issues: Sequence[Issue]) -> tuple[int, int]:
    return sum(issue.severity == "error" for issue in issues), len(issues)


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
    """As many as there are points, or as the length has room for."""
    part = next(part for part in kind.parts if part.name == "sections")
    fitting = words_of(kind, brief) // WORDS_A_SECTION
    wanted = max(FEWEST_SECTIONS, fitting, len(brief.items("points")))
    return min(part.most, wanted)


def words_of(kind: Kind, brief: BriefData) -> int:
    return kind.length.wanted(brief) if kind.length else 0


def section_words(kind: Kind, brief: BriefData) -> int:
    return words_of(kind, brief) // (most_sections(kind, brief) + 1)


def section_tokens(kind: Kind, brief: BriefData) -> int:
    return 2 * TOKENS_PER_WORD * section_words(kind, brief) + JSON_TOKENS


def outline_schema(kind: Kind, count: int) -> dict[str, Any]:
    heading = {"type": "string", "minLength": 1, "maxLength": 80}
    headings = {"type": "array", "items": heading, "minItems": count, "maxItems": count}
    title = kind.schema()["properties"]["title"]
    return object_schema({"title": title, "intro": {"type": "string"}, "headings": headings})


def write_sections(kind: Kind, brief: BriefData, budget: PromptBudget) -> Written:
    """An outline, then each section in view of all that stands before it."""
    count = most_sections(kind, brief)
    system, order = render_brief(kind, brief)
    wanted = f"{order.content}\n\n{OUTLINE.format(count=count)}"
    turns = [(system.role, system.content), ("user", wanted)]
    schema = outline_schema(kind, count)
    completion = yield budget.ask("outline", turns, OUTLINE_TOKENS, schema=schema, sampling=FREE)
    data, headings = read_outline(completion.text, brief, count)
    messages = [system, Message("user", wanted), Message("assistant", completion.text)]
    for heading in headings:
        data["sections"].append({"heading": heading, "text": ""})
        messages = yield from write_section(kind, brief, budget, data, messages)
    return data


def read_outline(text: str, brief: BriefData, count: int) -> tuple[Data, list[str]]:
    found = read_json(text)
    found = found if isinstance(found, dict) else {}
    lines = found.get("headings")
    given = lines if isinstance(lines, list) else []
    headings = [prefer(one_line(line), brief.brand) for line in given if isinstance(line, str)]
    title, intro = (str(found.get(name) or "").strip() for name in ("title", "intro"))
    if not title or not any(headings):
        raise EngineError("answer_unreadable", UNREADABLE)
    data = {
        "title": prefer(one_line(title), brief.brand),
        "intro": prefer(intro, brief.brand),
        "sections": [],
    }
    return data, [heading for heading in headings if heading][:count]


def write_section(
    kind: Kind, brief: BriefData, budget: PromptBudget, data: Data, messages: list[Message]
) -> Generator[Ask, Completion, list[Message]]:
    """Write the last section's text, once more where it does not pass; the conversation since."""
    place = len(data["sections"]) - 1
    section = data["sections"][place]
    words = section_words(kind, brief)
    order = SECTION.format(heading=section["heading"], words=words)
    messages = [*messages, Message("user", order)]
    texts: dict[str, list[Issue]] = {}
    asking = messages
    for _ in range(2):
        turns = [(each.role, each.content) for each in asking]
        tokens = section_tokens(kind, brief)
        completion = yield budget.ask(f"sections.{place}", turns, tokens, sampling=FREE)
        section["text"] = prefer(without_heading(completion.text, section["heading"]), brief.brand)
        issues = [each for each in kind.check(data, brief) if each.part == f"sections.{place}.text"]
        texts[section["text"]] = issues
        if section["text"] and not issues:
            break
        asking = [*messages, *repair(completion.text, faults_of(issues))]
    section["text"] = min(texts, key=lambda text: (not text, badness(texts[text])))
    return [*messages, Message("assistant", section["text"] or "–")]


def without_heading(text: str, heading: str) -> str:
    """A section's text; models like to begin with its heading all the same."""
    lines = text.strip().splitlines()
    if lines and lines[0].strip("#* :").casefold() == heading.casefold():
        lines = lines[1:]
    return "\n".join(lines).strip()
