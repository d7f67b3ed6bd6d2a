"""From a question to items: sources, filters, blend, diversity; and why each item is there."""

from dataclasses import dataclass, field

import numpy as np

from recommendations.errors import RuleInvalid
from recommendations.models import Item
from recommendations.ranking.arrays import BoolArray, FloatArray, IntArray
from recommendations.ranking.blending import Blend, Pool, gather, ranked
from recommendations.ranking.candidates import Candidates, Context
from recommendations.ranking.reranking import Everything, Reranking, Signals, fill, rerank
from recommendations.ranking.rules import (
    Rule,
    RuleContext,
    RuleError,
    parse_booster,
    parse_filter,
)
from recommendations.serving.columns import Columns
from recommendations.serving.rule_messages import rule_message
from recommendations.serving.settings import ScenarioSettings
from recommendations.serving.sources import sources_of
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
    "exploration": 0.02,
}


@dataclass(frozen=True, slots=True)
class Question:
    """For whom and where; items are numbers. `shown` are recent answers: number -> seconds ago."""

    settings: ScenarioSettings
    count: int
    now: float
    history: IntArray
    weights: FloatArray
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
    """One item of an answer, with what each source gave to its score."""

    number: int
    score: float
    contributions: dict[str, float]

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
        item=question.settles_on,
        now=question.now,
        allowed=allowed_items(question, columns),
    )
    random = np.random.default_rng(question.seed)
    scales = question.settings
    used = [s for s in sources_of(columns, model, random) if scales.scale(s.name) > 0]
    pool = gather(used, context, CANDIDATES + question.count)
    blend = blend_of(model, scales)
    best = ranked(blend, pool)
    signals = signals_of(question, columns, model, best.items)
    found = rerank(best, wanted, reranking_of(scales), signals)
    fallbacks = [*columns.shared_sources(), Everything(columns.size)]
    return explained(fill(found, wanted, fallbacks, context), pool, blend)


def signals_of(
    question: Question, columns: Columns, model: TrainedModel, items: IntArray
) -> Signals:
    """What is known of the candidates beside their scores, in their order."""
    ages = [question.shown.get(int(item), np.inf) for item in items]
    return Signals(
        boosts=boosts(question, columns, items),
        shown_ages=np.array(ages) if question.shown else None,
        vectors=vectors_of(model, items),
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
        context = rule_context(question, columns)
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


def rule_context(question: Question, columns: Columns) -> RuleContext:
    values = {} if question.item is None else columns.values.get(question.item.number, {})
    return RuleContext(now=question.now, item=values)


def boosts(question: Question, columns: Columns, items: IntArray) -> FloatArray | None:
    if not question.settings.booster:
        return None
    rule = rule_of(question.settings.booster, columns, "booster")
    context = rule_context(question, columns)
    return rule.boosts(columns.rule_columns(), columns.size, context)[items]


def blend_of(model: TrainedModel, settings: ScenarioSettings) -> Blend:
    """The fitted weights, or the plain ones, scaled as the scenario says."""
    weights = {**DEFAULT_WEIGHTS, **model.weights}
    if settings.exploration == 0:
        weights["exploration"] = 0.0
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


def explained(page: Candidates, pool: Pool, blend: Blend) -> list[Chosen]:
    """Each item with its score and the shares of the sources."""
    contributions = blend.contributions(pool)
    row_of = {int(item): row for row, item in enumerate(pool.items)}
    found = []
    for item, score in zip(page.items, page.scores, strict=True):
        row = row_of.get(int(item))
        shares = {} if row is None else dict(zip(pool.names, contributions[row], strict=True))
        kept = {name: round(float(value), 6) for name, value in shares.items() if value > 0}
        found.append(Chosen(int(item), float(score), kept))
    return found
