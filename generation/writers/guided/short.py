"""Short copy about a product: the model proposes lines, only what the brief covers stays, and
the rest is chosen by the model among well-formed lines made from the brief."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from types import ModuleType

from generation.engine.types import EngineError, Sampling
from generation.kinds import lexicon
from generation.kinds.kind import BriefData, Data, Kind, object_schema
from generation.kinds.places import stem
from generation.kinds.text import CJK, N_, fold, one_line, read_json
from generation.writers.guided import examples, templates_en, templates_zh
from generation.writers.guided.examples import Style
from generation.writers.guided.output_filter import OutputFilter
from generation.writers.guided.product_brief import ProductBrief, upper_first
from generation.writers.guided.templates_en import Groups
from generation.writers.guided.turns import lines_schema, system, upper_bound
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import Ask, Completion, Draft, Estimate, Writer, Writing

FREE = Sampling(temperature=0.6, top_p=0.9)
CHOOSE = Sampling(temperature=1.0)
OPTIONS = 4
CHOOSING = "Choose the lines that read best together."
NOT_ENOUGH = N_("The brief and the banned terms leave too little to write about.")
PROMPT_TOKENS = 420


@dataclass(frozen=True, slots=True)
class Want:
    """Some lines that a piece of copy needs.

    `sources` are the facts that the model rewrites, a line each; `spare` are the well-formed
    lines that it chooses from where its own are not good enough, in groups of one idea each.
    """

    part: str
    style: Style
    limit: int
    count: int
    sources: tuple[str, ...]
    spare: Groups
    least: int = 1

    @property
    def line_tokens(self) -> int:
        return self.limit // 2 + 8

    @property
    def most_tokens(self) -> int:
        """Of the model's own lines, and of those that it chooses."""
        return self.line_tokens * (len(self.sources) + self.count) + 24


Lines = dict[str, list[str]]
Asking = Generator[Ask, Completion, list[str]]


class ShortRecipe(Writer):
    """How a small model is led through a kind of short copy, line by line."""

    name = "guided"

    @abstractmethod
    def wants(self, brief: BriefData, product: ProductBrief) -> list[Want]:
        """The lines that are to be written, in their order."""

    @abstractmethod
    def assemble(self, lines: Lines, brief: BriefData, product: ProductBrief) -> Data:
        """The finished copy, made from the lines."""

    def estimate_tokens(self, kind: Kind, brief: BriefData) -> Estimate:
        wants = self.wants(brief, ProductBrief.of(brief))
        tokens = sum(want.most_tokens for want in wants)
        return upper_bound(brief, asks=2 * len(wants), prompt=PROMPT_TOKENS, completion=tokens)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        product = ProductBrief.of(brief)
        wants = self.wants(brief, product)
        budget = PromptBudget(brief, sum(want.most_tokens for want in wants))
        output_filters: dict[str, OutputFilter] = defaultdict(lambda: OutputFilter(brief))
        lines: Lines = {}
        for want in wants:
            output_filter = output_filters[want.style]
            own = yield from propose(want, budget, output_filter, product)
            lines[want.part] = yield from complete(want, own, budget, output_filter, product)
        data = self.assemble(lines, brief, product)
        return Draft(data, tuple(kind.check(data, brief)))


def propose(
    want: Want, budget: PromptBudget, output_filter: OutputFilter, product: ProductBrief
) -> Asking:
    """Have the model rewrite the sources, a line each, and keep the lines that are good."""
    if not want.sources:
        return []
    name = want.part
    ask = budget.ask(
        name,
        examples.turns(want.style, name, product, want.sources, budget.brief),
        want.line_tokens * len(want.sources) + 12,
        schema=lines_schema(name, len(want.sources), want.limit),
        sampling=FREE,
    )
    completion = yield ask
    told = words(" ".join(want.sources)) - words(product.full)
    lines = [text for text in read_lines(completion.text, name) if words(text) & told]
    return sifted(lines, want, output_filter)[: want.count]


def sifted(texts: Sequence[str], want: Want, output_filter: OutputFilter) -> list[str]:
    if want.style == "sentence":
        kept = [output_filter.sentence(text, want.limit) for text in texts]
    else:
        case = templates_en.headline_case if want.style == "headline" else upper_first
        kept = [output_filter.line(case(text), want.limit) for text in texts]
    return [text for text in kept if text]


def complete(
    want: Want,
    own: list[str],
    budget: PromptBudget,
    output_filter: OutputFilter,
    product: ProductBrief,
) -> Asking:
    """Have the model choose the lines that are still missing."""
    groups = open_groups(want, own, output_filter, words(product.full))
    chosen = [group[0] for group in groups]
    if any(len(group) > 1 for group in groups):
        names = [f"{want.part}_{place + 1}" for place in range(len(groups))]
        enums = {name: {"enum": group} for name, group in zip(names, groups, strict=True)}
        ask = budget.ask(
            want.part,
            [system(CHOOSING, budget.brief), ("user", product.full)],
            want.line_tokens * len(groups) + 12,
            schema=object_schema(enums),
            sampling=CHOOSE,
            lead="".join(f"{text}\n" for text in own),
        )
        completion = yield ask
        chosen = picked(completion.text, names, groups)
    output_filter.note(chosen)
    if len(own) + len(chosen) < want.least:
        raise EngineError("brief_too_narrow", NOT_ENOUGH)
    return [*own, *chosen]


def open_groups(
    want: Want, own: Sequence[str], output_filter: OutputFilter, common: set[str]
) -> list[list[str]]:
    """The ideas that no line states yet, as many as lines are missing."""
    found: list[list[str]] = []
    said = [*output_filter.seen, *own]
    for group in want.spare:
        texts = [
            text
            for text in group
            if output_filter.may_be_said(text) and not is_said(text, said, common)
        ]
        if texts and not is_said(group[0], said, common):
            found.append(texts[:OPTIONS])
            said.append(texts[0])
    return found[: max(0, want.count - len(own))]


def is_said(text: str, others: Sequence[str], common: set[str]) -> bool:
    """Whether one of the others has most of the text's words, the product's own apart."""
    own = words(text) - common
    if not own:
        return any(fold(text) == fold(other) for other in others)
    rest = (words(other) - common for other in others)
    return any(len(own & other) >= 0.6 * min(len(own), len(other)) for other in rest if other)


def words(text: str) -> set[str]:
    """The words that carry the meaning (in Chinese, the characters)."""
    folded = fold(text)
    if CJK.search(folded):
        return set(folded.replace(" ", ""))
    found = set(folded.split())
    return {stem(word) for word in found - lexicon.FUNCTION or found}


def picked(text: str, names: Sequence[str], groups: Sequence[Sequence[str]]) -> list[str]:
    """The chosen lines; the first of a group where the answer is not one of them."""
    found = read_json(text)
    answers = found if isinstance(found, dict) else {}
    pairs = zip(names, groups, strict=True)
    return [answers[name] if answers.get(name) in group else group[0] for name, group in pairs]


def read_lines(text: str, name: str) -> list[str]:
    """The lines of an answer, as far as they came."""
    found = read_json(text)
    lines = found.get(name) if isinstance(found, dict) else None
    if not isinstance(lines, list):
        return []
    return [one_line(line) for line in lines if isinstance(line, str)]


def phrases(product: ProductBrief) -> ModuleType:
    """The phrase book of the brief's language."""
    return templates_zh if product.chinese else templates_en


def spare_headlines(product: ProductBrief, limit: int) -> Groups:
    groups: Groups = phrases(product).headlines(product, limit)
    return groups


def spare_lines(product: ProductBrief, limit: int) -> Groups:
    groups: Groups = phrases(product).lines(product, limit)
    return groups


def spare_sentences(product: ProductBrief, limit: int) -> Groups:
    groups: Groups = phrases(product).sentences(product, limit)
    return groups


def opening(product: ProductBrief, limit: int) -> Want:
    """The sentence that brings the product in."""
    groups: Groups = phrases(product).openers(product)
    return Want("opening", "sentence", limit, 1, (), groups)


def telling(product: ProductBrief, limit: int, count: int, part: str) -> Want:
    """The facts in sentences, for a text that lists them too: where none fits, none is forced."""
    groups: Groups = phrases(product).facts(product, limit)
    points = tuple(point.text for point in product.points)
    return Want(part, "sentence", limit, count, points[: count + 1], groups, least=0)


def offering(product: ProductBrief, limit: int) -> Want:
    """The offer in a sentence, where there is one."""
    found: Groups = (tuple(phrases(product).offer_sentences(product)),)
    groups = found if product.offer else ()
    return Want("offer", "sentence", limit, min(1, len(groups)), (), groups, least=len(groups))
