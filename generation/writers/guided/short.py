"""Short copy about a product: the model proposes lines, only what the brief covers stays, and
the rest are well-formed lines made from the brief, others for each variant."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from generation.engine.types import EngineError, Sampling
from generation.kinds import lexicon
from generation.kinds.brief import Issue
from generation.kinds.kind import BriefData, Data, Kind
from generation.kinds.places import stem
from generation.kinds.text import CJK, N_, fold, one_line, read_json
from generation.writers.guided import examples, templates_en, templates_zh
from generation.writers.guided.examples import Style
from generation.writers.guided.output_filter import OutputFilter
from generation.writers.guided.product_brief import ProductBrief, upper_first
from generation.writers.guided.templates_en import Groups
from generation.writers.guided.turns import lines_schema, upper_bound
from generation.writers.prompt_budget import PromptBudget
from generation.writers.writer import (
    Ask,
    Completion,
    Draft,
    Estimate,
    Share,
    Writer,
    Writing,
)

FREE = Sampling(temperature=0.6, top_p=0.9)
OPTIONS = 4
NONE_PASSED = N_(
    "None of the {count} lines that the model wrote passed the checks: all lines here are "
    "templates. A larger model writes better."
)
NOT_ENOUGH = N_("The brief and the banned terms leave too little to write about.")
PROMPT_TOKENS = 420


@dataclass(frozen=True, slots=True)
class Want:
    """Some lines that a piece of copy needs.

    `sources` are the facts that the model rewrites, a line each; `spare` are the well-formed
    lines that stand where its own are not good enough, in groups of one idea each. One that
    `names` has to say what is sold.
    """

    part: str
    style: Style
    limit: int
    count: int
    sources: tuple[str, ...]
    spare: Groups
    least: int = 1
    names: bool = False

    @property
    def most_tokens(self) -> int:
        return (self.limit // 2 + 8) * len(self.sources) + 12 if self.sources else 0


Lines = dict[str, list[str]]


@dataclass(slots=True)
class Tally:
    """How many lines the model wrote, how many of them stand, and how many lines there are."""

    written: int = 0
    own: int = 0
    lines: int = 0
    said: list[str] = field(default_factory=list)

    def issues(self) -> list[Issue]:
        """A model that answers rubbish is reported."""
        if self.own or not self.written:
            return []
        return [Issue("none_passed", NONE_PASSED, params=(("count", str(self.written)),))]


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
        asking = [want for want in self.wants(brief, ProductBrief.of(brief)) if want.sources]
        tokens = sum(want.most_tokens for want in asking)
        return upper_bound(brief, asks=len(asking), prompt=PROMPT_TOKENS, completion=tokens)

    def write(self, kind: Kind, brief: BriefData) -> Writing:
        product = ProductBrief.of(brief)
        wants = self.wants(brief, product)
        budget = PromptBudget(brief, sum(want.most_tokens for want in wants))
        output_filters: dict[str, OutputFilter] = defaultdict(lambda: OutputFilter(brief))
        lines: Lines = {}
        tally = Tally()
        for want in wants:
            output_filter = output_filters[want.style]
            own = yield from propose(want, budget, output_filter, product, tally)
            lines[want.part] = complete(want, own, output_filter, product)
            tally.said += lines[want.part]
            tally.own, tally.lines = tally.own + len(own), tally.lines + len(lines[want.part])
        data = self.assemble(lines, brief, product)
        issues = (*tally.issues(), *kind.check(data, brief))
        return Draft(data, issues, Share(tally.own, tally.lines))


def propose(
    want: Want,
    budget: PromptBudget,
    output_filter: OutputFilter,
    product: ProductBrief,
    tally: Tally,
) -> Asking:
    """Have the model rewrite the sources, a line each, and keep the lines that are good.

    While it writes, only what has been accepted is shown.
    """
    if not want.sources:
        return []
    name = want.part
    ask = budget.ask(
        name,
        examples.turns(want.style, name, product, want.sources, budget.brief),
        want.most_tokens,
        schema=lines_schema(name, len(want.sources), want.limit // (2 if product.chinese else 1)),
        sampling=FREE,
        show="nothing",
        lead="".join(f"{text}\n" for text in tally.said),
    )
    completion = yield ask
    told = words(" ".join(want.sources)) - words(product.full)
    written = read_lines(completion.text, name)
    tally.written += len(written)
    lines = [
        text for text in written if words(text) & told and (not want.names or names(text, product))
    ]
    return sifted(lines, want, output_filter)[: want.count]


def names(text: str, product: ProductBrief) -> bool:
    """Whether a line says what is sold."""
    return bool(words(text) & words(f"{product.name} {product.brand}"))


def sifted(texts: Sequence[str], want: Want, output_filter: OutputFilter) -> list[str]:
    if want.style == "sentence":
        kept = [output_filter.sentence(text, want.limit) for text in texts]
    else:
        case = templates_en.headline_case if want.style == "headline" else upper_first
        kept = [output_filter.line(case(text), want.limit) for text in texts]
    return [text for text in kept if text]


def complete(
    want: Want, own: list[str], output_filter: OutputFilter, product: ProductBrief
) -> list[str]:
    """The model's lines and those that are still missing, which another variant says otherwise."""
    groups = open_groups(want, own, output_filter, words(product.full))
    turn = max(0, output_filter.brief.variant - 1)
    chosen = [group[(turn + place) % len(group)] for place, group in enumerate(groups)]
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


def naming_lines(product: ProductBrief, limit: int) -> Groups:
    """Lines that say what is sold, and the first thing about it."""
    colon = "：" if product.chinese else ": "
    full = upper_first(product.full)
    told = [f"{full}{colon}{point.text}" for point in product.points]
    groups: Groups = phrases(product).grouped([[*told, full]], limit)
    return groups


def spare_sentences(product: ProductBrief, limit: int) -> Groups:
    groups: Groups = phrases(product).sentences(product, limit)
    return groups


def listed_points(product: ProductBrief) -> list[str]:
    """The points as the lines of a list; every other variant joins them otherwise."""
    plain = [upper_first(point.text) for point in product.points]
    if product.variant % 2 or not product.variant:
        return plain
    if product.chinese:
        return ["，".join(plain[at : at + 2]) for at in range(0, len(plain), 2)]
    told = [templates_en.told(product, point) for point in product.points]
    return [
        found[0].rstrip(".") if found else line for found, line in zip(told, plain, strict=True)
    ]


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
