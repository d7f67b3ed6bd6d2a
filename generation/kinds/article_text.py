"""Writes the sections of an article: ask from one side, keep what passes, ask from the next."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from generation.engine.types import Sampling
from generation.kinds.article_plan import Plan, Section
from generation.kinds.base import Ask, BriefData, Completion
from generation.kinds.desk import Desk, Turn, system
from generation.kinds.facts import telling
from generation.kinds.pitch import lower_first
from generation.kinds.sieve import Sieve
from generation.kinds.text import count_words, fold, is_cjk, sentences, trim_words

TOKENS_PER_WORD = 2
ASK_TOKENS = 120
ROUNDS = 12
ENOUGH = 0.8
LEAST = 0.92
WRITING = Sampling(temperature=0.5, top_p=0.9, repetition_penalty=1.1)

# A sentence that begins with one of these speaks of the sentence before it.
LEANING = frozenset({"it", "its", "this", "that", "these", "those", "they", "he", "she", "so"})
# The sides from which a point is explained, one ask each, in turn.
ANGLES = (
    "Explain the point in four sentences.",
    "Say in four sentences how to do it well.",
    "Say in four sentences what people gain from it.",
    "Give four more tips about the point, as full sentences.",
)
CHINESE_ANGLES = (
    "用四句话讲清楚这个要点。",
    "用四句话说说怎么做好。",
    "用四句话说说有什么好处。",
    "再给四个建议，写成完整的句子。",
)
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
        "番茄最需要阳光，位置决定了收成。找一个从早上到下午都亮堂的角落。朝南的墙边最好，太阳下山以后还"
        "留着热气。如果阳台偏暗，白天可以跟着光挪一挪花盆。",
    ),
)


@dataclass(slots=True)
class Passage:
    """A section on its way: the words that it is to have, the text so far, the asks it took."""

    section: Section
    words: int
    text: str = ""
    asked: int = 0
    linked: bool = field(default=False)

    @property
    def missing(self) -> int:
        return self.words - count_words(self.text)

    @property
    def done(self) -> bool:
        return count_words(self.text) >= ENOUGH * self.words


Asking = Generator[Ask, Completion, None]


class Writer:
    """Writes passages one after the other; no sentence may say again what one before it said."""

    def __init__(self, brief: BriefData, desk: Desk, outline: Plan) -> None:
        self.brief = brief
        self.desk = desk
        self.outline = outline
        self.sieve = Sieve(brief, strict=False)
        self.chinese = is_cjk(brief.language)
        points = " ".join(section.point for section in outline.sections)
        self.topic = telling(" ".join((outline.title, points, *outline.headings)))

    def write(self, passage: Passage) -> Asking:
        """Ask from each side until the passage is long enough."""
        tries = 3 + passage.words // 40
        while not passage.done and passage.asked < tries and self.desk.can(ASK_TOKENS):
            yield from self.extend(passage)

    def extend(self, passage: Passage) -> Asking:
        ask = self.desk.ask(
            passage.section.name,
            self.turns(passage),
            ASK_TOKENS,
            sampling=WRITING,
            lead=f"{passage.text} " if passage.text else "",
        )
        passage.asked += 1
        completion = yield ask
        room = max(20, passage.missing + 15)
        kept = trim_words(self.kept(completion.text, passage), room)
        passage.text = self.joined([passage.text, kept])

    def kept(self, text: str, passage: Passage) -> str:
        """The sentences that pass and hold the thread."""
        found: list[str] = []
        for sentence in sentences(text):
            about = self.is_about(sentence, passage, opens=not (passage.text or found))
            kept = self.sieve.advice(sentence) if about else ""
            passage.linked = bool(kept) and not self.leans(sentence)
            if kept:
                found.append(kept)
        return self.joined(found)

    def is_about(self, sentence: str, passage: Passage, *, opens: bool) -> bool:
        """A passage opens with its point; later sentences share a word with the article, or
        lean on the sentence before them."""
        if self.chinese:
            return True
        words = telling(sentence)
        if opens:
            point = telling(passage.section.about) or self.topic
            return bool(words & point) and not self.leans(sentence)
        leans = passage.linked and self.leans(sentence)
        return bool(words & self.topic) or leans

    def leans(self, sentence: str) -> bool:
        return bool(LEANING.intersection(fold(sentence).split()[:1]))

    def turns(self, passage: Passage) -> list[Turn]:
        role = "你用简单的话讲清楚事情。" if self.chinese else "You explain things in plain words."
        angles = CHINESE_ANGLES if self.chinese else ANGLES
        found = [system(role, self.brief)]
        for topic, point, text in CHINESE_EXAMPLES if self.chinese else EXAMPLES:
            found += [("user", self.task(topic, "", point, angles[0])), ("assistant", text)]
        headings = "; ".join(self.outline.headings[:-1])
        angle = angles[passage.asked % len(angles)]
        point = passage.section.point
        return [*found, ("user", self.task(self.outline.title, headings, point, angle))]

    def task(self, topic: str, headings: str, point: str, angle: str) -> str:
        labels = ("主题：", "提纲：", "要点：") if self.chinese else (
            "Topic: ", "Outline: ", "Point: "
        )  # fmt: skip
        outline = f"{labels[1]}{headings}" if headings else ""
        lines = (f"{labels[0]}{topic}", outline, f"{labels[2]}{point}", angle)
        return "\n".join(filter(None, lines))

    def lengthen(self, passages: list[Passage], words: int) -> Asking:
        """Ask for more where the whole is too short."""
        for _ in range(ROUNDS):
            total = sum(count_words(passage.text) for passage in passages)
            if total >= LEAST * words or not self.desk.can(ASK_TOKENS):
                break
            yield from self.extend(max(passages[1:-1], key=lambda passage: passage.missing))

    @property
    def frame(self) -> tuple[str, str]:
        """The sentences that lead into the sections and out of them."""
        known = self.brief.known()
        given = [section for section in self.outline.sections[1:-1] if not section.usual]
        points = [lower_first(section.heading, known) for section in given]
        if self.chinese:
            lead = f"这里讲几件要紧的事：{'、'.join(points)}。" if points else "一步一步来看。"
            return lead, "从其中一件事开始，其余的会慢慢跟上。"
        lead = "Let us take it one step at a time."
        if points:
            lead = f"A few things make the difference: {enumerated(points)}."
        return lead, "Start with one of these things today, and the rest will follow."

    def put_frame(self, passages: list[Passage]) -> None:
        lead, end = self.frame
        passages[0].text = self.joined([passages[0].text, lead])
        passages[-1].text = self.joined([passages[-1].text, end])

    def joined(self, texts: list[str]) -> str:
        return ("" if self.chinese else " ").join(filter(None, texts))


def enumerated(items: list[str]) -> str:
    """`one, two and three`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
