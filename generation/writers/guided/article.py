"""How a small model is led through an article: headings, then many narrow questions."""

from __future__ import annotations

from generation.engine.types import EngineError
from generation.kinds.kind import BriefData, Data, Kind
from generation.kinds.text import N_, count_words, sentences
from generation.writers.guided.outline import PLAN_TOKENS, Plan, Section, plan
from generation.writers.guided.sections import Passage, SectionWriter
from generation.writers.guided.turns import upper_bound
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import Draft, Estimate, Writer, Writing

# Most of what a small model writes does not pass: room to ask again, also for a short text.
TOKENS_PER_WORD, SPARE, SPARE_WORDS = 2, 4, 150
# An answer takes at least so many tokens, all in all.
TOKENS_PER_ASK = 60
PROMPT_TOKENS = 250
TOO_POOR = N_("Nothing that the model wrote passed the checks. Try other main points.")
EDGE_SHARE = 0.1
MOST = 1.12


class ArticleRecipe(Writer):
    """Plans, asks for one passage at a time, and keeps what passes."""

    name = "guided"

    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        tokens = most_tokens(words_of(kind, brief))
        return upper_bound(brief, asks=most_asks(tokens), prompt=PROMPT_TOKENS, completion=tokens)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        words = words_of(kind, brief)
        tokens = most_tokens(words)
        budget = PromptBudget(brief, tokens, most_asks(tokens))
        outline = yield from plan(brief, budget, words)
        writer = SectionWriter(brief, budget, outline)
        frame = count_words(" ".join([outline.title, *outline.headings, writer.lead, writer.end]))
        passages = writer.begin(shares(outline, words - frame))
        for passage in passages:
            yield from writer.write(passage)
        yield from writer.lengthen(passages, words - frame)
        shorten(passages, int(words * MOST) - frame)
        writer.put_frame(passages)
        data = assemble(outline, passages)
        return Draft(data, tuple(kind.check(data, brief)))


def words_of(kind: Kind, brief: BriefData) -> int:
    return kind.length.wanted(brief) if kind.length else 0


def most_tokens(words: int) -> int:
    return (words + SPARE_WORDS) * TOKENS_PER_WORD * SPARE + PLAN_TOKENS


def most_asks(tokens: int) -> int:
    return 1 + tokens // TOKENS_PER_ASK


def shares(outline: Plan, words: int) -> list[tuple[Section, int]]:
    """How many words each section gets."""
    middle = outline.sections[1:-1]
    each = int(words * (1 - 2 * EDGE_SHARE)) // max(1, len(middle))
    edge = max(10, int(words * EDGE_SHARE))
    return list(zip(outline.sections, [edge, *[each] * len(middle), edge], strict=True))


def shorten(passages: list[Passage], most: int) -> None:
    """Take the last sentences off the longest sections until the whole fits."""
    while sum(count_words(passage.text) for passage in passages) > most:
        longest = max(passages, key=lambda passage: count_words(passage.text))
        kept = sentences(longest.text)[:-1]
        if not kept:
            break
        longest.text = longest.text[: longest.text.rindex(kept[-1]) + len(kept[-1])]


def assemble(outline: Plan, passages: list[Passage]) -> Data:
    written = [passage for passage in passages[1:] if passage.text]
    if not any(passage.text for passage in passages[1:-1]):
        raise EngineError("text_too_poor", TOO_POOR)
    sections = [{"heading": each.section.heading, "text": each.text} for each in written]
    return {"title": outline.title, "intro": passages[0].text, "sections": sections}
