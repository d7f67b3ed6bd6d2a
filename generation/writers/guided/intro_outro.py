"""What an article says in the brief's own words: its facts, and the sentences in and out."""

from __future__ import annotations

from collections.abc import Iterator

from generation.kinds.article import format_of
from generation.kinds.banned import has_banned
from generation.kinds.checks import prefer
from generation.kinds.facts import telling
from generation.kinds.kind import BriefData
from generation.kinds.text import count_words, is_cjk
from generation.writers.guided.outline import Plan, Section
from generation.writers.guided.output_filter import SENTENCE, has_verb
from generation.writers.guided.product_brief import (
    PhraseForm,
    lower_first,
    phrase_form_of,
    upper_first,
)

LEAST_WORDS = 4
LEADS = {
    "blog": "In short: {points}.",
    "news": "In short: {points}.",
    "report": "The main points: {points}.",
}
ENDS = {
    "blog": (
        "None of it has to happen at once: one good habit is a fine start.",
        "One small step today is worth more than a big plan for later.",
    ),
    "news": ("Questions are welcome.",),
    "report": (
        "Each of these points is worth a closer look, and none of them has to wait.",
        "Whoever starts with one of these points will find the others easier.",
    ),
}
MORE = "More at {url}."
CHINESE_LEAD, CHINESE_END = "这里讲几件要紧的事：{points}。", "从其中一件事开始，其余的会慢慢跟上。"


def lead(brief: BriefData, outline: Plan) -> str:
    """The sentence that names the points; nothing where the brief has fewer than two."""
    known = brief.known()
    given = [section.point for section in outline.sections[1:-1] if not section.usual]
    points = [lower_first(point.rstrip(" .。"), known) for point in given]
    if len(points) < 2:
        return ""
    if is_cjk(brief.language):
        sentence = CHINESE_LEAD.format(points="、".join(points))
    else:
        sentence = LEADS[format_of(brief)].format(points=enumerated(points))
    return sentence if may_stand(sentence, brief) else ""


POINTED = ("The point: {point}.", "What matters here: {point}.", "In a few words: {point}.")
CHINESE_POINTED = ("要点：{point}。", "关键在于：{point}。", "一句话：{point}。")


def pointed(point: str, place: int, brief: BriefData) -> str:
    """A point as a sentence: by itself where it is one, else behind a few words that fit any."""
    whole = as_sentence(point, brief)
    if whole and phrase_form_of(point) in {PhraseForm.DO, PhraseForm.CLAUSE}:
        return whole
    words = lower_first(prefer(point, brief.brand).rstrip(" .。"), brief.known())
    forms = CHINESE_POINTED if is_cjk(brief.language) else POINTED
    sentence = forms[place % len(forms)].format(point=words)
    return sentence if may_stand(sentence, brief) else upper_first(words)


def enumerated(items: list[str]) -> str:
    """`one, two and three`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def end(brief: BriefData, outline: Plan) -> str:
    """The last words: the facts that belong to no section, and a sentence that leads out."""
    closing = outline.sections[-1]
    facts = [sentence for section, sentence in given(brief, outline) if section is closing]
    if is_cjk(brief.language):
        return "".join([*facts, *([CHINESE_END] if may_stand(CHINESE_END, brief) else [])])
    name = format_of(brief)
    about = [who(brief)] if name == "news" else []
    more = [MORE.format(url=brief.brand.url)] if name == "news" and brief.brand.url else []
    ends = [sentence for sentence in ENDS[name] if may_stand(sentence, brief)] or [""]
    return " ".join(filter(None, [*about, *facts, ends[brief.seed % len(ends)], *more]))


def may_stand(sentence: str, brief: BriefData) -> bool:
    return not has_banned(sentence, brief.brand.banned)


def given(brief: BriefData, outline: Plan) -> list[tuple[Section, str]]:
    """The brief's own sentences, each with the section that it belongs to."""
    news = format_of(brief) == "news"
    other = outline.sections[0 if news else -1]
    stated = [sentence for line in brief.items("facts") if (sentence := as_sentence(line, brief))]
    facts = [(home(sentence, outline, other), sentence) for sentence in stated]
    if not news or is_cjk(brief.language):
        return facts
    taken = [section for section, _ in facts if section is not other]
    told = zip(outline.sections, announced(brief, outline), strict=False)
    fresh = [pair for pair in told if pair[1] and pair[0] not in taken]
    return [*fresh, *facts]


def announced(brief: BriefData, outline: Plan) -> Iterator[str]:
    """The news itself for the opening; for each section, what its point says of the brand."""
    yield as_sentence(outline.title, brief)
    for section in outline.sections[1:-1]:
        does = not section.usual and phrase_form_of(section.point) is PhraseForm.DOES
        yield as_sentence(f"{brief.brand.name} {section.point}", brief) if does else ""


def who(brief: BriefData) -> str:
    """One sentence on who the brand is, from what is known about it."""
    about = brief.brand.about.split(". ")[0].rstrip(".")
    if about.casefold().startswith(("a ", "an ", "the ")):
        about = f"{brief.brand.name} is {about[:1].lower()}{about[1:]}"
    return as_sentence(about, brief) if about.startswith(brief.brand.name) else ""


def as_sentence(line: str, brief: BriefData) -> str:
    """A line of the brief as a sentence; nothing where it is not one or holds a banned term."""
    chinese = is_cjk(brief.language)
    sentence = upper_first(prefer(line.strip().rstrip(" .。"), brief.brand))
    sentence += "。" if chinese else "."
    whole = chinese or (SENTENCE.match(sentence) and has_verb(sentence))
    long = count_words(sentence) >= LEAST_WORDS
    return sentence if whole and long and may_stand(sentence, brief) else ""


def home(sentence: str, outline: Plan, other: Section) -> Section:
    """The section most of whose point a sentence speaks of; words of the topic say nothing."""
    words, topic = telling(sentence), telling(outline.title)

    def share(section: Section) -> float:
        point = telling(section.point) - topic
        return len(words & point) / len(point) if point and not section.usual else 0.0

    best = max(outline.sections[1:-1], key=share, default=other)
    return best if share(best) > 0.5 else other
