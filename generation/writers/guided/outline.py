"""The outline of an article: what the sections are called and which point each one makes."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from generation.engine.types import Sampling
from generation.kinds.article import MOST_SECTIONS, format_of
from generation.kinds.banned import has_banned
from generation.kinds.checks import prefer
from generation.kinds.facts import telling
from generation.kinds.kind import BriefData
from generation.kinds.text import is_cjk, overlap
from generation.writers.guided.output_filter import OutputFilter
from generation.writers.guided.product_brief import upper_first
from generation.writers.guided.short import read_lines
from generation.writers.guided.turns import answer, lines_schema, system
from generation.writers.prompt_budget import PromptBudget, Turn
from generation.writers.writer import Ask, Completion

WORDS_A_SECTION = 110
HEADING = 60
PLAN_TOKENS = 200
PLANNING = Sampling(temperature=0.5, top_p=0.9)

HEADINGS = {
    "blog": ("Why it matters", "Where to start", "What to look out for", "Habits that help",
             "Common mistakes", "Making it last"),
    "news": ("What is new", "Why now", "What it means for you", "The background",
             "What people ask", "How to find out more"),
    "report": ("Background", "What we see", "What it means", "What gets in the way",
               "What works", "What to do"),
}  # fmt: skip
CLOSING = {"blog": "Next steps", "news": "What comes next", "report": "Conclusion"}
CHINESE_HEADINGS = ("为什么重要", "从哪里开始", "要注意什么", "好习惯", "常见的误区", "长期坚持")
CHINESE_CLOSING = "下一步"

EXAMPLES = (
    (
        "Growing tomatoes on a balcony",
        ("sun", "water", "feed"),
        ("Choose a sunny spot", "Water every morning", "Feed once a week"),
    ),
    (
        "Why small shops should offer gift cards",
        ("new customers", "set-up", "holidays"),
        ("How gift cards bring in new customers", "Setting them up", "Be ready for the holidays"),
    ),
)
CHINESE_EXAMPLES = (
    (
        "阳台种番茄",
        ("阳光", "浇水", "施肥"),
        ("选一个晒得到太阳的地方", "每天早上浇水", "每周施一次肥"),
    ),
)


@dataclass(frozen=True, slots=True)
class Section:
    """One stretch of the article. The opening has no heading; `usual` sections make no point of
    the brief's; the heading of an `own` one is the model's."""

    name: str
    heading: str
    point: str
    usual: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The title and all sections: the opening first, the closing last."""

    title: str
    sections: tuple[Section, ...]

    @property
    def headings(self) -> list[str]:
        return [section.heading for section in self.sections if section.heading]


Planning = Generator[Ask, Completion, Plan]


def topic_of(brief: BriefData) -> str:
    return prefer(brief.text("topic").rstrip(" .。"), brief.brand)


def plan(brief: BriefData, budget: PromptBudget, words: int) -> Planning:
    """Ask for the headings; what does not belong to the topic gives way to the brief's points."""
    points = [point for point in brief.items("points") if not has_banned(point, brief.brand.banned)]
    count = max(len(points), min(MOST_SECTIONS, max(2, words // WORDS_A_SECTION - 1)))
    count = min(count, MOST_SECTIONS)
    ask = budget.ask(
        "outline",
        turns(brief, points, count),
        PLAN_TOKENS,
        schema=lines_schema("headings", count, HEADING),
        sampling=PLANNING,
        show="nothing",
    )
    completion = yield ask
    proposed = read_lines(completion.text, "headings")
    return Plan(title(brief), sections(brief, points[:count], proposed, count))


def title(brief: BriefData) -> str:
    topic = topic_of(brief)
    return upper_first(topic) if not has_banned(topic, brief.brand.banned) else brief.brand.name


def turns(brief: BriefData, points: list[str], count: int) -> list[Turn]:
    chinese = is_cjk(brief.language)
    found = [system("你为文章列提纲。" if chinese else "You plan articles.", brief)]
    for topic, example_points, headings in CHINESE_EXAMPLES if chinese else EXAMPLES:
        found.append(request(topic, list(example_points), len(headings), chinese))
        found.append(answer("headings", headings))
    return [*found, request(topic_of(brief), points, count, chinese)]


def request(topic: str, points: list[str], count: int, chinese: bool) -> Turn:
    labels = ("主题：", "要点：", f"写出{count}个小标题。") if chinese else (
        "Topic: ", "Points: ", f"Write {count} section headings."
    )  # fmt: skip
    listed = ("；" if chinese else "; ").join(points)
    lines = (labels[0] + topic, labels[1] + listed if points else "", labels[2])
    return "user", "\n".join(filter(None, lines))


def sections(
    brief: BriefData, points: list[str], proposed: list[str], count: int
) -> tuple[Section, ...]:
    """The opening, one section for each point, sections that the model added, the closing."""
    output_filter = OutputFilter(brief, strict=False)
    output_filter.note([topic_of(brief)])
    headings = [good_heading(text, brief, output_filter) for text in proposed]
    pairs = zip_longest(points, headings[: len(points)], fillvalue="")
    middle = [point_section(point, heading) for point, heading in pairs]
    more = more_sections(brief, headings[len(points) :], middle, count - len(points))
    middle = numbered(in_order(brief, middle, more))
    topic = topic_of(brief)
    last = CHINESE_CLOSING if is_cjk(brief.language) else CLOSING[format_of(brief)]
    closing = next(allowed([last, *usual_headings(brief)], brief), brief.brand.name)
    return (
        Section("intro", "", topic, usual=True),
        *middle,
        Section(f"sections.{len(middle)}", closing, topic, usual=True),
    )


def good_heading(text: str, brief: BriefData, output_filter: OutputFilter) -> str:
    """A proposed heading as it may stay: about the topic, in sentence case, said once."""
    heading = output_filter.line(sentence_case(text, brief), HEADING)
    return heading if heading and is_about(heading, brief) else ""


def sentence_case(text: str, brief: BriefData) -> str:
    """Small letters but for the first word and those that the brief writes with a capital."""
    known = set(brief.known().split())
    words = text.split()
    kept = [word if word in known or not word[1:].islower() else word.lower() for word in words]
    return upper_first(" ".join(kept))


def is_about(text: str, brief: BriefData) -> bool:
    """Whether a heading shares a telling word with the topic or the points."""
    given = brief.text("topic") + " " + brief.text("points")
    if is_cjk(brief.language):
        return overlap(text, given, 2) > 0
    return bool(telling(text) & telling(given))


def point_section(point: str, proposed: str) -> Section:
    """The point's section; its heading is the model's where that is about the point."""
    wanted = telling(point)
    shared = wanted & telling(proposed)
    # One word says too little about a point for another heading to stand in for it.
    close = len(wanted) > 1 and len(shared) > 0.5 * len(wanted)
    return Section("", proposed if close else upper_first(point), point, own=close)


def more_sections(
    brief: BriefData, proposed: list[str], before: list[Section], count: int
) -> list[Section]:
    """Sections beyond the points: the model's, then the format's usual ones."""
    taken = [section.heading for section in before]
    topic = telling(topic_of(brief))
    found: list[str] = []
    fresh = (heading for heading in proposed if heading and telling(heading) != topic)
    for heading in allowed([*fresh, *usual_headings(brief)], brief):
        if all(overlap(heading, other, 1) < 0.6 for other in [*taken, *found]):
            found.append(heading)
    return [
        Section("", heading, heading.casefold(), usual=True, own=heading in proposed)
        for heading in found[:count]
    ]


def allowed(headings: Iterable[str], brief: BriefData) -> Iterator[str]:
    return (heading for heading in headings if not has_banned(heading, brief.brand.banned))


def usual_headings(brief: BriefData) -> tuple[str, ...]:
    return CHINESE_HEADINGS if is_cjk(brief.language) else HEADINGS[format_of(brief)]


def in_order(brief: BriefData, points: list[Section], more: list[Section]) -> list[Section]:
    """What the format usually begins with comes before the points, the others behind them."""
    start = usual_headings(brief)[0]
    first = [section for section in more if section.heading == start]
    return [*first, *points, *(section for section in more if section.heading != start)]


def numbered(found: list[Section]) -> list[Section]:
    return [replace(section, name=f"sections.{place}") for place, section in enumerate(found)]
