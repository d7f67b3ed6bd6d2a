"""How a point is put to the model: one question for each side that it can be seen from."""

from __future__ import annotations

from collections.abc import Iterator

from generation.kinds.article import format_of
from generation.kinds.kind import BriefData
from generation.kinds.text import is_cjk
from generation.writers.guided.outline import Plan, Section
from generation.writers.guided.product_brief import upper_first
from generation.writers.guided.turns import system
from generation.writers.prompt_budget import Turn

ROLE = "You are a knowledgeable adviser. You answer in plain, concrete sentences."
PLAN = "The whole text: {title}. Its parts: {headings}."
# A model that is asked about an article or a section writes about articles and sections, so it
# is asked about the matter itself.
EXPLAIN = "Explain it in one paragraph."
WHY = "Why does it matter? Answer in one paragraph."
HOW = "How is it done well? Answer in one paragraph."
CARE = "What should people look out for? Answer in one paragraph."
CHANGE = "What gets better because of it? Answer in one paragraph."
BEGIN = "How does one begin? Answer in one paragraph."
WHO = "Who gains from it, and how? Answer in one paragraph."
ADVICE = "Give one piece of practical advice and the reason for it."
USE = "What is it good for? Answer in one paragraph."
WELCOME = "Why do people welcome it? Answer in one paragraph."
MISTAKES = "Which mistakes are common, and how are they put right? Answer in one paragraph."
TIME = "What costs time here, and what saves it? Answer in one paragraph."
SIGNS = "How does one see that it works? Answer in one paragraph."
ORDINARY = "What does it look like on an ordinary day? Answer in one paragraph."
BEGINNERS = "What do beginners ask about it, and what is the answer? Answer in one paragraph."

SIDES = {
    "blog": (EXPLAIN, HOW, WHY, CARE, CHANGE, BEGIN, MISTAKES, WHO, SIGNS, ADVICE, ORDINARY, TIME,
             BEGINNERS),
    "news": (EXPLAIN, WHO, WHY, USE, WELCOME, CHANGE, CARE, ORDINARY, BEGINNERS),
    "report": (EXPLAIN, WHY, CHANGE, CARE, HOW, MISTAKES, WHO, SIGNS, BEGIN, TIME, ORDINARY),
}  # fmt: skip
# What a heading of the format's own asks for. Put to the model as a point, `Background` has it
# write about backgrounds.
USUAL = {
    "Why it matters": WHY, "Where to start": BEGIN, "What to look out for": CARE,
    "Habits that help": ADVICE, "Common mistakes": MISTAKES, "Making it last": SIGNS,
    "What is new": EXPLAIN, "Why now": WHY, "What it means for you": WHO,
    "The background": EXPLAIN, "What people ask": BEGINNERS, "How to find out more": BEGIN,
    "Background": EXPLAIN, "What we see": ORDINARY, "What it means": CHANGE,
    "What gets in the way": CARE, "What works": HOW, "What to do": ADVICE,
}  # fmt: skip
CLOSING_SIDES = (BEGIN, CHANGE, SIGNS, ADVICE, WHY)

CHINESE_ROLE = "你用简单的话讲清楚事情。"
CHINESE_SIDES = (
    "用四句话讲清楚这个要点。",
    "用四句话说说怎么做好。",
    "用四句话说说有什么好处。",
    "再给四个建议，写成完整的句子。",
)
# Topic, point, answer: without an example a small model does not keep to Chinese.
CHINESE_EXAMPLE = (
    "阳台种番茄",
    "选一个晒得到太阳的地方",
    "番茄最需要阳光，位置决定了收成。找一个从早上到下午都亮堂的角落。朝南的墙边最好，太阳下山以后还"
    "留着热气。如果阳台偏暗，白天可以跟着光挪一挪花盆。",
)


def turns(brief: BriefData, outline: Plan, section: Section, number: int) -> list[Turn]:
    """The messages that ask for the section's text from its side of that number."""
    if is_cjk(brief.language):
        return chinese_turns(brief, outline, section, number)
    sides = sides_of(section, outline, SIDES[format_of(brief)])
    subjects = list(subject(brief, outline, section))
    question = f"{subjects[number % len(subjects)]}. {sides[number % len(sides)]}"
    return [system(f"{ROLE}\n{plan_line(brief, outline)}", brief), ("user", question)]


def sides_of(section: Section, outline: Plan, sides: tuple[str, ...]) -> tuple[str, ...]:
    """The section's questions in their turn; what its heading asks for comes first."""
    if section is outline.sections[-1]:
        return CLOSING_SIDES
    own = USUAL.get(section.heading) if section.usual else None
    start = sides.index(own) if own in sides else 0
    return sides[start:] + sides[:start]


def plan_line(brief: BriefData, outline: Plan) -> str:
    title = without_brand(outline.title, brief)
    return PLAN.format(title=title, headings="; ".join(outline.headings[:-1]))


def subject(brief: BriefData, outline: Plan, section: Section) -> Iterator[str]:
    """What is asked about. Of the brand itself a model can only invent, so it is left out; in
    news, which would be about nothing else, its trade takes turns with the topic."""
    topics = [without_brand(outline.title, brief)]
    if format_of(brief) == "news":
        topics.append(trade(brief))
    bare = section.point == outline.title or section.heading in USUAL
    for topic in filter(None, topics):
        point = "" if bare else f": {section.point}"
        yield upper_first(f"{topic}{point}")
    if not any(topics):
        yield upper_first(section.point)


def without_brand(text: str, brief: BriefData) -> str:
    name = brief.brand.name.strip()
    return " ".join(text.replace(name, "").split()) if name else text


def trade(brief: BriefData) -> str:
    """What kind of business the brand is, as far as that is said: `a bicycle shop in Leeds`."""
    about = brief.brand.about.split(". ")[0].rstrip(" .")
    said = about.removeprefix(brief.brand.name).strip().removeprefix("is ")
    given = said.casefold().startswith(("a ", "an ", "the ")) or f"{brief.brand.name} is " in about
    return said if given else ""


def chinese_turns(brief: BriefData, outline: Plan, section: Section, number: int) -> list[Turn]:
    topic, point, text = CHINESE_EXAMPLE
    side = CHINESE_SIDES[number % len(CHINESE_SIDES)]
    headings = "；".join(outline.headings[:-1])
    asked = f"主题：{outline.title}\n提纲：{headings}\n要点：{section.point}\n{side}"
    return [
        system(CHINESE_ROLE, brief),
        ("user", f"主题：{topic}\n要点：{point}\n{CHINESE_SIDES[0]}"),
        ("assistant", text),
        ("user", asked),
    ]
