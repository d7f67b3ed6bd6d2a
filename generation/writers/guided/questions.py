"""The questions that a person answers so that an outline becomes an article."""

from __future__ import annotations

from generation.kinds.article import format_of
from generation.kinds.banned import has_banned
from generation.kinds.kind import BriefData
from generation.kinds.text import is_cjk
from generation.writers.guided.outline import Section

OPENING = {
    "blog": ("Who is this for, and what do they struggle with?",),
    "news": ("When does it happen, and who can take part?",),
    "report": ("Which question does this report answer, and for whom?",),
}
SECTION = {
    "blog": (
        "What does this look like on an ordinary day? Give one example.",
        "What goes wrong without it?",
        "Which detail would surprise a reader?",
        "How does somebody begin, step by step?",
    ),
    "news": (
        "What changes for the reader?",
        "Who can be quoted on this?",
        "What was it like before?",
        "What happens next, and when?",
    ),
    "report": (
        "Which figures show this, and where are they from?",
        "What speaks against it?",
        "What follows from it for the reader?",
        "How was this found out?",
    ),
}
CHINESE_OPENING = ("这篇文章写给谁看？他们为什么事烦恼？",)
CHINESE_SECTION = (
    "平常的一天里是什么样子？举一个例子。",
    "不这样做会怎么样？",
    "哪个细节会让读者意外？",
    "第一步怎么做？",
)


def of(section: Section, place: int, brief: BriefData) -> list[str]:
    """One question for the opening, two for each section; sections next to each other differ."""
    chinese, name = is_cjk(brief.language), format_of(brief)
    if not section.heading:
        found = CHINESE_OPENING if chinese else OPENING[name]
        return [each for each in found if not has_banned(each, brief.brand.banned)]
    asked = CHINESE_SECTION if chinese else SECTION[name]
    start = 2 * (place - 1)
    pair = [asked[at % len(asked)] for at in (start, start + 1)]
    return [each for each in pair if not has_banned(each, brief.brand.banned)]
