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
ASK_WORDS = 45
ASK_TOKENS = 2 * ASK_WORDS
ROUNDS = 12
ENOUGH = 0.8
LEAST = 0.92
WRITING = Sampling(temperature=0.4, top_p=0.9, repetition_penalty=1.05)

# The sides from which a point is explained, one ask each, in turn.
ANGLES = (
    "Say why it matters.",
    "Say how to do it.",
    "Say what often goes wrong.",
    "Give one more tip.",
    "Say what you gain from it.",
)
CHINESE_ANGLES = (
    "说说为什么重要。",
    "说说怎么做。",
    "说说常见的问题。",
    "再给一个建议。",
    "说说有什么好处。",
)
EXAMPLES = (
    (
        "Growing tomatoes on a balcony",
        "choose a sunny spot",
        (
            "Tomatoes need sun more than anything else, so the spot decides how much fruit you "
            "get. A plant in the shade grows leaves, but few tomatoes.",
            "Watch your balcony for a day and note where the light stays longest. Put the pots "
            "there, close to a wall that keeps the warmth.",
            "Many people put the pots where they look nice and forget about the light. Then the "
            "plants grow tall and thin and never flower.",
        ),
    ),
)
CHINESE_EXAMPLES = (
    (
        "阳台种番茄",
        "选一个晒得到太阳的地方",
        (
            "番茄最需要阳光，位置决定了收成。种在阴处，只长叶子不结果。",
            "先看一天，记下哪里光照最久。把花盆放在那里，靠着能存热的墙。",
            "很多人只顾好看，忘了光照。结果苗又高又细，不开花。",
        ),
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
        tries = 2 + passage.words // 25
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
            kept = self.sieve.sentence(sentence) if about else ""
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
            point = telling(f"{passage.section.point} {passage.section.heading}")
            return bool(words & (point or self.topic))
        leans = passage.linked and self.leans(sentence)
        return bool(words & self.topic) or leans

    def leans(self, sentence: str) -> bool:
        first = fold(sentence).split()[:1]
        return first[:1] in (["it"], ["this"], ["that"], ["these"], ["you"])

    def turns(self, passage: Passage) -> list[Turn]:
        role = "你用简单的话给出实用的建议。" if self.chinese else (
            "You give practical advice in plain words, two sentences at a time."
        )  # fmt: skip
        angles = CHINESE_ANGLES if self.chinese else ANGLES
        found = [system(role, self.brief)]
        for topic, point, texts in CHINESE_EXAMPLES if self.chinese else EXAMPLES:
            for angle, text in zip(angles, texts, strict=False):
                found += [("user", self.task(topic, "", point, angle)), ("assistant", text)]
        headings = "; ".join(self.outline.headings)
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
        points = [lower_first(section.heading) for section in self.outline.sections[1:-1]]
        if self.chinese:
            lead = f"这里讲几件要紧的事：{'、'.join(points)}。"
            return lead, "从其中一件事开始，其余的会慢慢跟上。"
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
