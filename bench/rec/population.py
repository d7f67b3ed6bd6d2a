"""A made-up population with known taste: how close the learned policy comes to the optimum.

Nobody tells the policy what the taste is: it sees texts, impressions and clicks. Also how often
the intervals of a bandit hold, over many runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bench.rec.tables import Table
from recommendations.ranking.arrays import IntArray
from recommendations.ranking.bandit import Arm, choose, interval
from recommendations.ranking.blending import Blend, Pool, Scorer, gather, ranked
from recommendations.ranking.candidates import Context, Source
from recommendations.ranking.ranker_training import ImpressionLog, fit_ranker
from recommendations.ranking.sources.exploration import Exploration
from recommendations.ranking.sources.taste import Seen, Taste, TasteModel, fit_taste
from recommendations.ranking.sources.text import TextSimilarity

ITEMS, TOPICS, KINDS, PERSONS = 200, 10, 8, 400
PAGE, POOL = 5, 100
VISITS, REFIT, NEWEST = 100_000, 4_000, 12_000
SEEN = 0.85 ** np.arange(PAGE)  # how probable it is that a position is looked at
NAMES = ("text", "taste")


class Population:
    """Click probabilities (PERSONS, ITEMS): a base, taste for a topic, and an item's quality."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        topics = random.integers(0, TOPICS, ITEMS)
        kinds = random.dirichlet(np.full(TOPICS, 0.25), KINDS)
        taste = kinds[random.integers(0, KINDS, PERSONS)]
        quality = random.uniform(0.6, 1.0, ITEMS)
        self.clicks = 0.02 + 0.6 * taste[:, topics] * quality
        noise = 0.25 * random.standard_normal((ITEMS, TOPICS))
        texts = np.eye(TOPICS)[topics] + noise
        self.texts = (texts / np.linalg.norm(texts, axis=1, keepdims=True)).astype(np.float32)
        best = -np.sort(-self.clicks, axis=1)[:, :PAGE]
        self.optimum = (best * SEEN).mean(axis=1)  # (PERSONS,)

    def expected(self, person: int, items: IntArray) -> float:
        return float((self.clicks[person, items] * SEEN[: len(items)]).sum() / PAGE)

    def reaction(self, person: int, items: IntArray) -> NDArray[np.bool_]:
        chance = self.clicks[person, items] * SEEN[: len(items)]
        return np.asarray(self.random.random(len(items)) < chance)


@dataclass(slots=True)
class Log:
    """What was shown and clicked so far."""

    features: list[NDArray[np.float64]] = field(default_factory=list)
    clicked: list[NDArray[np.bool_]] = field(default_factory=list)
    persons: list[int] = field(default_factory=list)
    pages: list[IntArray] = field(default_factory=list)

    def impressions(self) -> ImpressionLog:
        """Of the newest pages: features of an older model mean something else."""
        pages = self.pages[-NEWEST:]
        lengths = [len(page) for page in pages]
        return ImpressionLog(
            NAMES,
            np.concatenate(self.features[-NEWEST:]),
            np.concatenate([np.arange(length) for length in lengths]),
            np.concatenate(self.clicked[-NEWEST:]),
            np.repeat(np.arange(len(lengths)), lengths),
        )

    def seen(self) -> Seen:
        persons = np.repeat(self.persons, [len(page) for page in self.pages])
        return Seen(persons, np.concatenate(self.pages), np.concatenate(self.clicked))


class Policy:
    """Sources, a blend that is equal at first, and from then on whatever ranker wins."""

    def __init__(self, population: Population, random: np.random.Generator) -> None:
        self.population, self.random, self.log = population, random, Log()
        self.histories: list[list[int]] = [[] for _ in range(PERSONS)]
        self.shown, self.clicked = np.zeros(ITEMS, np.int64), np.zeros(ITEMS, np.int64)
        self.skipped: list[list[int]] = [[] for _ in range(PERSONS)]
        self.model: TasteModel | None = None
        self.scorer: Scorer = Blend({"text": 1.0, "taste": 4.0})

    def sources(self) -> list[Source]:
        found: list[Source] = [TextSimilarity(self.population.texts)]
        return [*found, Taste(self.model)] if self.model else found

    def visit(self, person: int) -> float:
        """One page; returns its expected clicks an item."""
        context = Context(
            history=np.array(self.histories[person], dtype=np.int64),
            skipped=np.array(self.skipped[person], dtype=np.int64),
        )
        pool = gather(self.sources(), context, POOL)
        items = self.explored(ranked(self.scorer, pool).items[:PAGE], context)
        clicked = self.population.reaction(person, items)
        self.learn(person, items, clicked, pool)
        return self.population.expected(person, items)

    def explored(self, items: IntArray, context: Context) -> IntArray:
        """The last place is for what may be better than is known: a taste that is drawn."""
        allowed = np.ones(ITEMS, dtype=bool)
        allowed[items[:-1]] = False
        source: Source = Exploration(self.shown, self.clicked, self.random, known=10**9)
        if self.model:
            source = Taste(self.model, self.random)
        found = source.candidates(replace(context, allowed=allowed), 1)
        return np.concatenate((items[:-1], found.items))

    def learn(self, person: int, items: IntArray, clicked: NDArray[np.bool_], pool: Pool) -> None:
        features = np.zeros((len(items), len(NAMES)))
        known = np.isin(items, pool.items)
        places = np.searchsorted(pool.items, items[known])
        features[np.flatnonzero(known), : len(pool.names)] = pool.features[places]
        self.log.features.append(features)
        self.log.clicked.append(clicked)
        self.log.persons.append(person)
        self.log.pages.append(items)
        self.shown[items] += 1
        self.clicked[items] += clicked
        self.histories[person] += items[clicked].tolist()
        self.skipped[person] += items[~clicked].tolist()

    def refit(self) -> None:
        self.model = fit_taste(self.log.seen(), self.population.texts, first=self.model)
        self.scorer = fit_ranker(self.log.impressions(), self.scorer) or self.scorer


def learned(seed: int) -> list[float]:
    """The policy's share of the optimum's expected clicks, in each stretch of REFIT visits."""
    random = np.random.default_rng(seed)
    population = Population(random)
    policy, shares = Policy(population, random), []
    for _ in range(VISITS // REFIT):
        persons = random.integers(0, PERSONS, REFIT).tolist()
        reached = sum(policy.visit(person) for person in persons)
        shares.append(reached / float(population.optimum[persons].sum()))
        policy.refit()
    return shares


SEEDS = (0, 1)
RUNS, ROUNDS, BATCH, LEVEL = 1000, 20, 50, 0.95
RATES = (0.04, 0.05, 0.08)


def coverage(seed: int) -> tuple[float, float, float]:
    """The share of runs in which all arms' intervals held at every look, the same at the last
    look alone, and the share of impressions that went to the best arm."""
    random = np.random.default_rng(seed)
    runs = [bandit(random) for _ in range(RUNS)]
    always, last, best = np.mean(runs, axis=0)
    return float(always), float(last), float(best)


def bandit(random: np.random.Generator) -> tuple[float, float, float]:
    """Each arm's interval has the level by itself; arms are averaged over."""
    arms = [Arm() for _ in RATES]
    inside = np.ones(len(RATES), dtype=bool)
    for _ in range(ROUNDS):
        counts = np.bincount([choose(arms, random) for _ in range(BATCH)], minlength=len(RATES))
        arms = grown(arms, counts, random)
        bounds = [interval(arm, LEVEL) for arm in arms]
        now = np.array([low <= p <= high for (low, high), p in zip(bounds, RATES, strict=True)])
        inside &= now
    return float(inside.mean()), float(now.mean()), arms[-1].impressions / (ROUNDS * BATCH)


def grown(arms: Sequence[Arm], counts: IntArray, random: np.random.Generator) -> list[Arm]:
    clicks = random.binomial(counts, RATES)
    rows = zip(arms, counts.tolist(), clicks.tolist(), strict=True)
    return [Arm(arm.impressions + shown, arm.clicks + clicked) for arm, shown, clicked in rows]


def report() -> list[str]:
    table = Table(("seed", "share of the optimum's CTR, first stretch", "last quarter"))
    for seed in SEEDS:
        shares = learned(seed)
        quarter = shares[-len(shares) // 4 :]
        table.add(str(seed), f"{shares[0]:.2f}", f"{np.mean(quarter):.3f}")
    always, last, best = coverage(seed=9)
    return [
        str(table),
        f"Bandit, {RUNS:,} runs of {ROUNDS * BATCH:,} impressions, rates {RATES}, intervals of"
        f" {LEVEL:.0%}: {always:.1%} held at every one of {ROUNDS} looks, {last:.1%} at the last;"
        f" {best:.0%} of impressions went to the best arm.",
    ]
