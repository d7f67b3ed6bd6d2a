"""Articles with a small model: its headings, the brief's own facts, and questions to answer.

What a small model writes freely it invents, so the sentences are the brief's, and what only a
person can tell stands as a marked question in its place.
"""

from __future__ import annotations

from collections.abc import Iterator

from generation.kinds.article import QUESTION, QUESTION_ZH
from generation.kinds.kind import BriefData, Data, Kind
from generation.kinds.text import fold, is_cjk
from generation.writers.guided import intro_outro, questions
from generation.writers.guided.outline import PLAN_TOKENS, Plan, plan
from generation.writers.guided.turns import upper_bound
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import Draft, Estimate, Share, Writer, Writing

PROMPT_TOKENS = 250


class ArticleRecipe(Writer):
    """Asks for the headings, and puts under each what the brief says of it."""

    name = "guided"

    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        return upper_bound(brief, asks=1, prompt=PROMPT_TOKENS, completion=PLAN_TOKENS)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        words = kind.length.wanted(brief) if kind.length else 0
        outline = yield from plan(brief, PromptBudget(brief, PLAN_TOKENS), words)
        data = assemble(brief, outline)
        own = sum(section.own for section in outline.sections)
        return Draft(data, tuple(kind.check(data, brief)), Share(own, len(outline.headings)))


def assemble(brief: BriefData, outline: Plan) -> Data:
    texts = dict(paragraphs(brief, outline))
    opening, *rest = outline.sections
    return {
        "title": outline.title,
        "intro": texts[opening.name],
        "sections": [{"heading": each.heading, "text": texts[each.name]} for each in rest],
    }


def paragraphs(brief: BriefData, outline: Plan) -> Iterator[tuple[str, str]]:
    """Each section's name and text: its facts and its point, then what is to be answered."""
    told = intro_outro.given(brief, outline)
    joint = "" if is_cjk(brief.language) else " "
    first, last = outline.sections[0], outline.sections[-1]
    for place, section in enumerate(outline.sections):
        own = [sentence for home, sentence in told if home is section and section is not last]
        if section is first:
            own += filter(None, [intro_outro.lead(brief, outline)])
        elif section is last:
            own += filter(None, [intro_outro.end(brief, outline)])
        elif not (section.usual or own or fold(section.heading) == fold(section.point)):
            own.append(intro_outro.pointed(section.point, place, brief))
        asked = [] if section is last else questions.of(section, place, brief)
        mark = QUESTION_ZH if is_cjk(brief.language) else QUESTION
        marked = [f"> {mark} {question}" for question in asked]
        yield section.name, "\n\n".join(filter(None, [joint.join(own), *marked]))
