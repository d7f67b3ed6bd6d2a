"""MovieLens-1M with 500 items that training never saw: are they found among each other by text?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.rec.data import MovieLens1M
from bench.rec.sequence import precision, trained
from bench.rec.served import Pools, blended, pools_of
from bench.rec.tables import Outcome, Table
from bench.rec.texts import minilm, tf_idf
from recommendations.ranking.arrays import BoolArray, FloatArray, IntArray
from recommendations.ranking.blending import Blend, fit_weights
from recommendations.ranking.candidates import Source
from recommendations.ranking.cold import completed
from recommendations.ranking.sequence.config import ModelConfig, TrainingConfig
from recommendations.ranking.sequence.training import Holdout, Setup
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.text import TextSimilarity

COLD = 500
PERSONS = 1500
BUDGET = 240.0  # processor seconds
MODEL = ModelConfig(dim=64, hidden=128, length=200)
TRAINING = TrainingConfig(
    epochs=6, evaluate_every=2, batch_tokens=8192, dropout=0.2, precision=precision()
)


@dataclass(frozen=True, slots=True)
class Case:
    """What a person did with warm items before dealing with a cold one."""

    history: IntArray
    target: int


def cases(sequences: Sequence[IntArray], cold: BoolArray) -> list[Case]:
    """Each person's last cold item that warm ones came before."""
    found = []
    for sequence in sequences:
        places = np.flatnonzero(cold[sequence])
        if len(places) and not cold[sequence[: places[-1]]].all():
            before = sequence[: places[-1]]
            found.append(Case(before[~cold[before]], int(sequence[places[-1]])))
    return found


def report(data: MovieLens1M, work: Path) -> list[str]:
    random = np.random.default_rng(0)
    cold = np.zeros(data.n_items, dtype=bool)
    cold[random.permutation(data.n_items)[:COLD]] = True
    asked = cases(data.sequences, cold)
    order = random.permutation(len(asked))
    validation = [asked[place] for place in order[:PERSONS]]
    test = [asked[place] for place in order[PERSONS : 2 * PERSONS]]
    sources = sources_of(data, cold, work)
    known, found = (pools(sources, part, data.n_items) for part in (validation, test))
    targets = np.array([case.target for case in validation])
    blend = fit_weights(known.pools, targets)
    wanted = np.array([case.target for case in test])
    table = Table((f"HR@10 among {COLD} cold items", "HR@10", "NDCG@10"))
    table.add("random", f"{10 / COLD:.3f}", "")
    for source in sources:
        add(table, f"{source.name} alone", blended(found.pools, wanted, Blend({source.name: 1.0})))
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in blend.weights.items())
    add(table, f"**blend** ({weights})", blended(found.pools, wanted, blend))
    return [str(table)]


def add(table: Table, name: str, outcome: Outcome) -> None:
    table.add(name, f"{outcome.hit_rate:.3f}", f"{outcome.ndcg:.3f}")


def pools(sources: Sequence[Source], asked: Sequence[Case], n_items: int) -> Pools:
    return pools_of(sources, [case.history for case in asked], n_items)


def sources_of(data: MovieLens1M, cold: BoolArray, work: Path) -> list[Source]:
    """Each proposes cold items only."""
    text = minilm(data.texts, work / "minilm.npy")
    warm = [sequence[~cold[sequence]] for sequence in data.sequences]
    warm = [sequence for sequence in warm if len(sequence) > 2]
    holdout = Holdout([part[:-1] for part in warm], np.array([part[-1] for part in warm]))
    setup = Setup(holdout.histories, holdout, data.n_items, MODEL, TRAINING)
    encoder = trained(setup, work / "cold", BUDGET).encoder
    words = tf_idf(data.texts)
    both: FloatArray = np.hstack((words, text))
    vectors = completed(encoder.items, both, ~cold)
    return [
        TextSimilarity(words, "TF-IDF", eligible=cold),
        TextSimilarity(text, "MiniLM", eligible=cold),
        SequenceScores(encoder, vectors, "text mapped to behaviour", eligible=cold),
    ]
