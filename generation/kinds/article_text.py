"""Writes the sections of an article: ask, keep the sentences that pass, ask for more."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from generation.engine.types import Sampling
from generation.kinds.article_plan import Plan, Section
from generation.kinds.base import Ask, BriefData, Completion
from generation.kinds.desk import Desk, Turn, system
from generation.kinds.facts import known_words, stem
from generation.kinds.sieve import Sieve
from generation.kinds.text import count_words, fold, is_cjk, sentences, trim_words

TOKENS_PER_WORD = 2
TRIES = 3
ROUNDS = 6
ENOUGH = 0.85
WRITING = Sampling(temperature=0.5, top_p=0.9, repetition_penalty=1.1)

EXAMPLES = (
    (
        "Growing tomatoes on a balcony",
        "choose a sunny spot",
        "Tomatoes need sun more than anything else, so the spot that you choose decides how much "
        "fruit you get. Look for a corner that is bright from morning until late afternoon. A wall "
        "that faces south is ideal, because it stays warm after the sun has gone. If your balcony "
        "is shady, move the pots during the day to follow the light.",
    ),
    (
        "Why small shops should offer gift cards",
        "bring in new customers",
        "A gift card is a recommendation that somebody pays for. The person who receives it may "
        "never have heard of your shop, and now has a reason to walk in. Many of them spend more "
        "than the card is worth, and some of them come back.",
    ),
)
CHINESE_EXAMPLES = (
    (
        "阳台种番茄",
        "选一个晒得到太阳的地方",
        "番茄最需要阳光，所以位置决定了收成。找一个从早上到下午都亮堂的角落。朝南的墙边最好，太阳下山以后"
        "还留着热气。如果阳台偏暗，白天可以跟着光挪一挪花盆。",
    ),
)


@dataclass(slots=True)
class Passage:
    """A section on its way: the words that it is to have, and the text so far."""

    section: Section
    words: int
    text: str = ""

    @property
    def missing(self) -> int:
        return self.words - count_words(self.text)

    @property
    def done(self) -> bool:
        return count_words(self.text) >= ENOUGH * self.words


class Writer:
    """Writes passages one after the other; no sentence may say again what one before it said."""

    def __init__(self, brief: BriefData, desk: Desk, outline: Plan) -> None:
        self.brief = brief
        self.desk = desk
        self.outline = outline
        self.sieve = Sieve(brief, strict=False)
        self.chinese = is_cjk(brief.language)

    @staticmethod
    def most_asks() -> int:
        return 1 + TRIES * 8 + ROUNDS

    def write(self, passage: Passage) -> Generator[Ask, Completion, None]:
        if not passage.section.heading:
            passage.text = ""
        for _ in range(TRIES):
            if passage.done:
                break
            yield from self.extend(passage)
        self.close(passage)

    def extend(self, passage: Passage) -> Generator[Ask, Completion, None]:
        """Ask for the passage, or for more of it, and keep what passes."""
        words = max(25, passage.missing)
        ask = self.desk.ask(
            passage.section.name,
            self.turns(passage),
            words * TOKENS_PER_WORD + 16,
            min_tokens=min(words, 60),
            sampling=WRITING,
            lead=f"{passage.text} " if passage.text else "",
        )
        completion = yield ask
        kept = self.kept(completion.text, passage)
        passage.text = self.joined([passage.text, trim_words(kept, int(passage.missing * 1.15))])

    def kept(self, text: str, passage: Passage) -> str:
        """The sentences that pass; the first of a passage has to be about its point."""
        found: list[str] = []
        for sentence in sentences(text):
            starts = not passage.text and not found
            if starts and not self.is_about(sentence, passage.section):
                continue
            if self.sieve.sentence(sentence):
                found.append(self.sieve.seen[-1])
        return self.joined(found)

    def is_about(self, sentence: str, section: Section) -> bool:
        if self.chinese:
            return True
        given = known_words(f"{section.point} {section.heading} {self.outline.title}")
        words = [word for word in fold(sentence).split() if len(word) > 3]
        return any(word in given or stem(word) in given for word in words)

    def turns(self, passage: Passage) -> list[Turn]:
        role = "你用简单的话讲清楚事情。" if self.chinese else "You explain things in plain words."
        found = [system(role, self.brief)]
        for topic, point, text in CHINESE_EXAMPLES if self.chinese else EXAMPLES:
            found += [("user", self.task(topic, "", point)), ("assistant", text)]
        headings = "; ".join(self.outline.headings)
        found.append(("user", self.task(self.outline.title, headings, point_of(passage, self))))
        if passage.text:
            more = "接着写。" if self.chinese else "Go on with the same point."
            found += [("assistant", passage.text), ("user", more)]
        return found

    def task(self, topic: str, headings: str, point: str) -> str:
        labels = ("主题：", "提纲：", "要点：", "把这个要点讲清楚。") if self.chinese else (
            "Topic: ", "Outline: ", "Point: ", "Explain the point in four sentences."
        )  # fmt: skip
        outline = f"{labels[1]}{headings}" if headings else ""
        lines = (f"{labels[0]}{topic}", outline, f"{labels[2]}{point}", labels[3])
        return "\n".join(filter(None, lines))

    def close(self, passage: Passage) -> None:
        """An opening or an ending of our own, where nothing of the model's passed."""
        if not passage.text and passage.section in (
            self.outline.sections[0],
            self.outline.sections[-1],
        ):
            passage.text = self.fallback(passage.section)

    def fallback(self, section: Section) -> str:
        points = [each.heading for each in self.outline.sections[1:-1]]
        listed = ("、" if self.chinese else ", ").join(points)
        if section is self.outline.sections[0]:
            return f"这里讲几件要紧的事：{listed}。" if self.chinese else (
                f"A few things make the difference: {listed}."
            )  # fmt: skip
        return "从其中一件事开始，其余的会慢慢跟上。" if self.chinese else (
            "Start with one of these things today, and the rest will follow."
        )  # fmt: skip

    def balance(self, passages: list[Passage], words: int) -> Generator[Ask, Completion, None]:
        """Ask for more where the whole is too short, cut where it is too long."""
        for _ in range(ROUNDS):
            total = sum(count_words(passage.text) for passage in passages)
            shortest = max(passages[1:-1], key=lambda passage: passage.missing)
            if total >= 0.9 * words or not self.desk.can(60):
                break
            shortest.words += max(0, 30 - shortest.missing)
            yield from self.extend(shortest)

    def joined(self, texts: list[str]) -> str:
        return ("" if self.chinese else " ").join(filter(None, texts))


def point_of(passage: Passage, writer: Writer) -> str:
    """What the passage is to say, in the words of the request."""
    first, *_, last = writer.outline.sections
    if passage.section is first:
        return "为什么值得读" if writer.chinese else "why this is worth knowing"
    if passage.section is last:
        return "读者接下来该做什么" if writer.chinese else "what to do next"
    return passage.section.point
