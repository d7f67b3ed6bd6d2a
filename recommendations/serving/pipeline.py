"""From a question to items: sources, filters, blend, diversity; and why each item is there."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recommendations.errors import RuleInvalid
from recommendations.models import Item
from recommendations.ranking.arrays import BoolArray, FloatArray, IntArray
from recommendations.ranking.blending import Blend, Pool, Scorer, gather, ranked
from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.reranking import Everything, Reranking, Signals, fill, rerank
from recommendations.ranking.rules import (
    Rule,
    RuleContext,
    RuleError,
    parse_booster,
    parse_filter,
)
from recommendations.serving.attributes import readable
from recommendations.serving.columns import Columns
from recommendations.serving.rule_messages import rule_message
from recommendations.serving.settings import ScenarioSettings
from recommendations.serving.sources import sources_of, tried_by
from recommendations.serving.trained import TrainedModel

CANDIDATES = 200
SPARE = 10
# Until enough is known to fit them: what is learnt of behaviour first, then of texts, then rest.
DEFAULT_WEIGHTS = {
    "sequence": 1.0,
    "transitions": 1.0,
    "item_to_item": 0.5,
    "text": 0.3,
    "popular": 0.15,
    "trending": 0.1,
    "newest": 0.05,
    "taste": 0.3,
}
TRIED = "exploration"


@dataclass(frozen=True, slots=True)
class Question:
    """For whom and where; items are numbers. `shown` are recent answers: number -> seconds ago."""

    settings: ScenarioSettings
    count: int
    now: float
    history: IntArray
    weights: FloatArray
    skipped: IntArray
    item: Item | None = None
    excluded: frozenset[int] = frozenset()
    only: frozenset[int] | None = None
    shown: dict[int, float] = field(default_factory=dict)
    seed: int = 0

    @property
    def settles_on(self) -> int | None:
        return None if self.item is None else self.item.number


@dataclass(frozen=True, slots=True)
class Chosen:
    """One item of an answer, what each source gave to its score, and what each said of it."""

    number: int
    score: float
    contributions: dict[str, float]
    features: dict[str, float] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """The one that mattered most."""
        return max(self.contributions, key=self.contributions.__getitem__, default="newest")


def choose(question: Question, columns: Columns, model: TrainedModel) -> list[Chosen]:
    """The best items, a few more than asked for, because some may be gone by now."""
    wanted = question.count * 2 + SPARE
    context = Context(
        history=question.history,
        weights=question.weights,
        skipped=question.skipped,
        item=question.settles_on,
        now=question.now,
        allowed=allowed_items(question, columns),
    )
    scales = question.settings
    used = [s for s in sources_of(columns, model) if scales.scale(s.name) > 0]
    pool = gather(used, context, CANDIDATES + question.count)
    scorer = scorer_of(model, scales)
    best = ranked(scorer, pool)
    signals = signals_of(question, columns, model, best.items)
    found = rerank(best, wanted, reranking_of(scales), signals)
    fallbacks = [*columns.shared_sources(), Everything(columns.size)]
    page = explained(fill(found, wanted, fallbacks, context), pool, scorer)
    return with_tried(page, question, columns, model, context)


def with_tried(
    page: list[Chosen],
    question: Question,
    columns: Columns,
    model: TrainedModel,
    context: Context,
) -> list[Chosen]:
    """The page with its last places given to items that may be better than is known.

    A share of `exploration` of the places; of a short page that is one place in some answers.
    """
    random = np.random.default_rng(question.seed)
    share = question.settings.exploration * min(1.0, question.settings.scale(TRIED))
    places = int(question.count * share + random.random())
    first = page[: max(0, min(question.count, len(page)) - places)]
    if not places or context.allowed is None:
        return page
    allowed = context.allowed.copy()
    allowed[[each.number for each in first]] = False
    if (factors := boosts(question, columns, np.arange(columns.size))) is not None:
        allowed &= factors > 0
    source = tried_by(columns, model, random)
    found = source.candidates(replace(context, allowed=allowed), places)
    known = {each.number: each for each in page}
    tried = [
        Chosen(number, score, {TRIED: score}, known[number].features if number in known else {})
        for number, score in zip(found.items.tolist(), found.scores.tolist(), strict=True)
    ]
    numbers = {each.number for each in tried}
    rest = [each for each in page[len(first) :] if each.number not in numbers]
    return [*first, *tried, *rest]


def signals_of(
    question: Question, columns: Columns, model: TrainedModel, items: IntArray
) -> Signals:
    """What is known of the candidates beside their scores, in their order."""
    ages = None
    if question.shown:
        ages = np.array([question.shown.get(int(item), np.inf) for item in items])
    return Signals(
        boosts=boosts(question, columns, items),
        shown_ages=ages,
        vectors=vectors_of(model, items) if question.settings.diversity else None,
    )


def allowed_items(question: Question, columns: Columns) -> BoolArray:
    """(n,) what may be shown at all, and what the rules leave of it."""
    allowed = columns.allowed(question.now)
    if question.only is not None:
        named = np.zeros(len(allowed), np.bool_)
        named[[number for number in question.only if number < columns.size]] = True
        allowed &= named
    gone = [number for number in question.excluded if number < columns.size]
    allowed[gone] = False
    if question.item is not None and question.item.number < columns.size:
        allowed[question.item.number] = False
    if question.settings.filter:
        rule = rule_of(question.settings.filter, columns, "filter")
        context = rule_context(question)
        allowed &= rule.mask(columns.rule_columns(), columns.size, context)
    return allowed


def rule_of(text: str, columns: Columns, name: str) -> Rule:
    """The parsed filter or booster; raises RuleInvalid, which points at the place."""
    parse = parse_filter if name == "filter" else parse_booster
    try:
        return parse(text, columns.schema())
    except RuleError as error:
        detail = rule_message(error, text)
        problem = {"pointer": f"/{name}", "code": error.code, "detail": detail}
        raise RuleInvalid(
            detail, errors=[problem], position=error.position, length=error.length
        ) from error


def rule_context(question: Question) -> RuleContext:
    values = {} if question.item is None else readable(vars(question.item))
    return RuleContext(now=question.now, item=values)


def boosts(question: Question, columns: Columns, items: IntArray) -> FloatArray | None:
    if not question.settings.booster:
        return None
    rule = rule_of(question.settings.booster, columns, "booster")
    context = rule_context(question)
    return rule.boosts(columns.rule_columns(), columns.size, context)[items]


def scorer_of(model: TrainedModel, settings: ScenarioSettings) -> Scorer:
    """What clicks taught, else the validated weights, else the plain ones; scaled as it is set."""
    if model.ranker is not None:
        return model.ranker.scaled(settings.sources)
    weights = {**DEFAULT_WEIGHTS, **model.weights}
    return Blend({name: value * settings.scale(name) for name, value in weights.items()})


def reranking_of(settings: ScenarioSettings) -> Reranking:
    return Reranking(
        diversity=settings.diversity,
        rotation_rate=settings.rotation_rate,
        rotation_time=max(1.0, settings.rotation_hours * 3600),
        min_relevance=settings.min_relevance,
    )


def vectors_of(model: TrainedModel, items: IntArray) -> FloatArray | None:
    """Text vectors of the items (m, d), zeros for those that have none yet; None without any."""
    if model.vectors is None:
        return None
    found = np.zeros((len(items), model.vectors.shape[1]), np.float32)
    known = items < len(model.vectors)
    found[known] = model.vectors[items[known]]
    return found


def explained(page: Candidates, pool: Pool, scorer: Scorer) -> list[Chosen]:
    """Each item with its score and the shares of the sources."""
    contributions = scorer.contributions(pool)
    rows = np.searchsorted(pool.items, page.items)
    found = []
    for item, score, row in zip(page.items.tolist(), page.scores.tolist(), rows, strict=True):
        if row == len(pool.items) or pool.items[row] != item:
            found.append(Chosen(item, score, {}))
            continue
        shares = named(pool.names, contributions[row])
        found.append(Chosen(item, score, shares, named(pool.names, pool.features[row])))
    return found


def named(names: Sequence[str], values: FloatArray) -> dict[str, float]:
    """What is above 0, by name."""
    rows = zip(names, values.tolist(), strict=True)
    return {name: round(value, 6) for name, value in rows if value > 0}
