"""Writes the sections of an article: ask from one side, keep what passes, ask from the next."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, replace

from generation.engine.types import Sampling
from generation.kinds.article import format_of
from generation.kinds.facts import telling
from generation.kinds.grounding import tells_more
from generation.kinds.kind import BriefData
from generation.kinds.text import count_words, fold, is_cjk, sentences, trim_words
from generation.writers.guided import intro_outro
from generation.writers.guided.outline import Plan, Section
from generation.writers.guided.output_filter import OutputFilter
from generation.writers.guided.repetition_guard import RepetitionGuard
from generation.writers.guided.section_prompts import turns
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import Ask, Completion

ASK_TOKENS = 140
# So many asks hold a section to its own point; then any part of the topic will do.
STRICT_ASKS = 4
ENOUGH, LEAST = 0.8, 0.94
# A passage that gave nothing so often in a row has no more to give.
DRY = 7
# From so many words on, what comes next begins a paragraph of its own.
PARAGRAPH = 35
# Shorter sentences, and those behind a label, are headings at heart.
LEAST_WORDS = 4
LABEL = re.compile(r"^[^:]+: [A-Z]")
# No penalty for repetition: it counts the words of the question, and so drives a small model
# away from what it was asked. What follows a line break is seldom an answer.
WRITING = Sampling(temperature=0.5, top_p=0.9, frequency_penalty=0.2, stop=("\n",))
# The more was written about a point, the further the next answer has to be fetched.
WARMER, WARMEST = 0.04, 0.8

# A sentence that begins with one of these speaks of the sentence before it.
LEANING = re.compile(
    r"(?:it|its|this|that|these|those|they|their|them|he|she|his|her|so|such|then|next|also|however"
    r"|but|and|or|additionally|moreover|furthermore|therefore|thus|instead|another|otherwise|besides"
    r"|for example|for instance|as a result|by doing|on one hand|on the one hand|on the other hand"
    r"|in (?:addition|fact|this|that|these|other words|contrast))\b"
)
TEXT_ITSELF = re.compile(
    r"\b(?:this|the|an?|our) (?:blog|report|article|news|post|guide|text|question|answer)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Passage:
    """A section on its way: the words that it is to have, the text so far, the asks it took and
    how many of the last ones gave nothing."""

    section: Section
    words: int
    text: str = ""
    asked: int = 0
    dry: int = 0

    @property
    def missing(self) -> int:
        return self.words - count_words(self.text)

    @property
    def done(self) -> bool:
        return count_words(self.text) >= ENOUGH * self.words

    @property
    def wish(self) -> float:
        """How much it wants the next ask: each that gave nothing halves its claim."""
        return max(self.missing, 10) * (1 if self.text else 4) * 0.5**self.dry

    @property
    def empty(self) -> bool:
        """Whether it has nothing yet and may still get something."""
        return not self.text and self.dry <= DRY


Asking = Generator[Ask, Completion, None]


class SectionWriter:
    """Writes passages one after the other; no sentence may say again what one before it said."""

    def __init__(self, brief: BriefData, budget: PromptBudget, outline: Plan) -> None:
        self.brief = brief
        self.budget = budget
        self.outline = outline
        self.output_filter = OutputFilter(brief, strict=False)
        self.guard = RepetitionGuard()
        self.chinese = is_cjk(brief.language)
        self.news = format_of(brief) == "news"
        points = " ".join(section.point for section in outline.sections)
        more = f"{brief.brand.about} {brief.text('facts')}" if self.news else ""
        self.topic = telling(" ".join((outline.title, points, *outline.headings, more)))
        self.lead = intro_outro.lead(brief, outline)
        self.end = intro_outro.end(brief, outline)
        self.output_filter.note([self.lead])

    def begin(self, words: list[tuple[Section, int]]) -> list[Passage]:
        """The passages, each with the brief's own facts that belong to it."""
        passages = [Passage(section, share) for section, share in words]
        for section, sentence in intro_outro.given(self.brief, self.outline):
            passage = next(each for each in passages if each.section is section)
            if section is not self.outline.sections[-1]:
                passage.text = self.joined([passage.text, sentence])
            self.output_filter.note([sentence])
        return passages

    def write(self, passage: Passage) -> Asking:
        """Ask from each side until the passage is long enough."""
        tries = 3 + passage.words // 40
        while not passage.done and passage.asked < tries and self.budget.can(ASK_TOKENS):
            yield from self.extend(passage)

    def lengthen(self, passages: list[Passage], words: int) -> Asking:
        """Ask for more where text is missing and still comes."""
        while self.budget.can(ASK_TOKENS):
            total = sum(count_words(passage.text) for passage in passages)
            passage = max(passages, key=lambda passage: passage.wish)
            long = total >= LEAST * words and not any(each.empty for each in passages[1:-1])
            if long or passage.dry > DRY:
                break
            yield from self.extend(passage)

    def extend(self, passage: Passage) -> Asking:
        ask = self.budget.ask(
            passage.section.name,
            turns(self.brief, self.outline, passage.section, passage.asked),
            ASK_TOKENS,
            sampling=replace(WRITING, temperature=min(WARMEST, 0.5 + WARMER * passage.asked)),
            lead=f"{passage.text} " if passage.text else "",
        )
        completion = yield ask
        self.budget.settle(ask, completion)
        passage.asked += 1
        room = max(20, passage.missing + 15)
        kept = trim_words(self.kept(completion.text, passage), room)
        passage.dry = 0 if kept else passage.dry + 1
        passage.text = self.paragraphs(passage.text, kept)

    def kept(self, text: str, passage: Passage) -> str:
        """The sentences that pass and hold the thread."""
        found: list[str] = []
        before = ""
        for sentence in sentences(text):
            opens = not (passage.text or found)
            about = self.is_about(sentence, passage, before, opens)
            before = self.passed(sentence, passage) if about else ""
            found += filter(None, [before])
        return self.joined(found)

    def passed(self, sentence: str, passage: Passage) -> str:
        """The sentence as it may stay, or nothing."""
        if not self.chinese and (count_words(sentence) < LEAST_WORDS or LABEL.match(sentence)):
            return ""
        place = passage.section.name
        itself = TEXT_ITSELF.search(sentence) and not TEXT_ITSELF.search(self.output_filter.known)
        strict = self.news and passage.asked < STRICT_ASKS
        told = strict and tells_more(sentence, self.output_filter.grounds)
        if itself or told or not self.guard.allows(sentence, place):
            return ""
        kept = self.output_filter.advice(sentence)
        if kept:
            self.guard.note(kept, place)
        return kept

    def is_about(self, sentence: str, passage: Passage, before: str, opens: bool) -> bool:
        """Whether a sentence is about the point (after some asks: the topic), or goes on from the
        one `before` it, which is empty where that was dropped."""
        if self.chinese:
            return True
        words, leans = telling(sentence), is_leaning(sentence)
        strict = passage.asked < STRICT_ASKS
        near = (telling(passage.section.about) if strict else set()) or self.topic
        if leans and (opens or not before):
            return False
        goes_on = bool(before) and (words & telling(before) or leans and not is_leaning(before))
        return bool(words & near or (goes_on and not opens))

    def put_frame(self, passages: list[Passage]) -> None:
        passages[0].text = self.joined([passages[0].text, self.lead])
        passages[-1].text = self.joined([passages[-1].text, self.end])

    def joined(self, texts: list[str]) -> str:
        return ("" if self.chinese else " ").join(filter(None, texts))

    def paragraphs(self, text: str, more: str) -> str:
        last = text.rsplit("\n\n", 1)[-1]
        if more and min(count_words(last), count_words(more)) >= PARAGRAPH:
            return f"{text}\n\n{more}"
        return self.joined([text, more])


def is_leaning(sentence: str) -> bool:
    return LEANING.match(fold(sentence)) is not None
