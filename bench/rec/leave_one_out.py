"""MovieLens-1M, leave-one-out, all items ranked: our sources and their blend beside baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.rec.baselines import tested
from bench.rec.data import MovieLens1M
from bench.rec.sequence import Trained, precision, trained
from bench.rec.served import alone, blended, choose_settings, pools_of, transitions
from bench.rec.tables import Catalogue, Clock, Table, quality_row, quality_table
from recommendations.ranking.arrays import IntArray, Interactions
from recommendations.ranking.blending import fit_weights
from recommendations.ranking.candidates import Source
from recommendations.ranking.sequence.config import ModelConfig, TrainingConfig
from recommendations.ranking.sequence.training import Holdout, Setup
from recommendations.ranking.sources.neighbours import ItemToItem, fit_neighbours
from recommendations.ranking.sources.popularity import Popular
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.transitions import TransitionSettings

BUDGET = 900.0  # processor seconds
MODEL = ModelConfig(dim=128, blocks=2, heads=2, hidden=256, length=200)
TRAINING = TrainingConfig(
    epochs=50, patience=4, evaluate_every=2, batch_tokens=8192, dropout=0.2, precision=precision()
)
SEARCHED = 1500  # persons that transition settings are chosen on


@dataclass(frozen=True, slots=True)
class Split:
    train: list[IntArray]
    validation: IntArray
    known: list[IntArray]
    test: IntArray
    n_items: int

    @classmethod
    def of(cls, data: MovieLens1M) -> Split:
        return cls(
            [sequence[:-2] for sequence in data.sequences],
            np.array([sequence[-2] for sequence in data.sequences]),
            [sequence[:-1] for sequence in data.sequences],
            np.array([sequence[-1] for sequence in data.sequences]),
            data.n_items,
        )

    def counts(self, sequences: Sequence[IntArray]) -> IntArray:
        return np.bincount(np.concatenate(sequences), minlength=self.n_items)


def sequence_model(split: Split, work: Path) -> Trained:
    holdout = Holdout(split.train, split.validation)
    return trained(
        Setup(split.train, holdout, split.n_items, MODEL, TRAINING), work / "ml1m", BUDGET
    )


def report(data: MovieLens1M, work: Path) -> list[str]:
    split = Split.of(data)
    catalogue = Catalogue(split.n_items, split.counts(split.known))
    table = quality_table()
    for found in tested(data.sequences, data.n_items):
        settings = ", ".join(f"{name} {value:g}" for name, value in found.settings.items())
        table.rows.append(
            quality_row(found.name, found.outcome, catalogue, found.seconds, settings)
        )
    return ours(split, catalogue, sequence_model(split, work), table)


def ours(split: Split, catalogue: Catalogue, model: Trained, table: Table) -> list[str]:
    """Settings and weights by the validation; the test is read once, at the end."""
    persons = np.random.default_rng(0).permutation(len(split.test))[:SEARCHED]
    settings = choose_settings(
        [split.train[person] for person in persons], split.validation[persons], split.n_items
    )
    earlier, _ = sources_of(split, split.train, settings, model)
    pools = pools_of(earlier, split.train, split.n_items).pools
    blend = fit_weights(pools, split.validation)
    validation = blended(pools, split.validation, blend)
    later, seconds = sources_of(split, split.known, settings, model)
    served = pools_of(later, split.known, split.n_items)
    outcome = blended(served.pools, split.test, blend)
    for source, spent in zip(later, seconds, strict=True):
        found = alone(source, split.known, split.test, split.n_items)
        table.rows.append(quality_row(f"{source.name} alone", found, catalogue, spent))
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in blend.weights.items())
    table.rows.append(quality_row("**blend**", outcome, catalogue, sum(seconds), weights))
    return [
        str(table),
        f"Blend on the validation: HR@10 {validation.hit_rate:.3f}, NDCG@10"
        f" {validation.ndcg:.3f}. Transitions: {settings}. Sequence model: {MODEL}, {TRAINING};"
        f" best after {model.epochs} epochs. A person's pool of {len(later)} sources took"
        f" {served.median_ms():.1f} ms (median).",
    ]


def sources_of(
    split: Split, sequences: list[IntArray], settings: TransitionSettings, model: Trained
) -> tuple[list[Source], list[float]]:
    """Sources with what is known, and the seconds each took; the sequence model learned once,
    from the training part alone."""
    clocks = [Clock() for _ in range(3)]
    with clocks[0].running():
        first = transitions(sequences, split.n_items, settings)
    with clocks[1].running():
        events = Interactions.of_sequences(sequences)
        near = ItemToItem(fit_neighbours(events, split.n_items))
    with clocks[2].running():
        popular = Popular(split.counts(sequences).astype(np.float64))
    seconds = [model.seconds, *(clock.seconds for clock in clocks)]
    return [SequenceScores(model.encoder), first, near, popular], seconds
