"""Fits all parts of a ranking model, measures them on the newest days, writes them to files."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from recommendations.fitting.clicks import ranker_of, taste_of
from recommendations.fitting.data import Behaviour, load_behaviour
from recommendations.fitting.impressions import Impressions, load_impressions
from recommendations.fitting.measure import Champion, Parts, measure
from recommendations.fitting.searches import write_item_search, write_text_search
from recommendations.fitting.sequence import fit_sequence
from recommendations.fitting.texts import HASHES, encode_catalogue
from recommendations.models import RankingModel
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.blending import Blend
from recommendations.ranking.search import Exact
from recommendations.ranking.sources.neighbours import Neighbours, fit_neighbours
from recommendations.serving.pipeline import DEFAULT_WEIGHTS, scorer_of
from recommendations.serving.searches import save_array
from recommendations.serving.settings import ScenarioSettings
from recommendations.serving.trained import (
    KINDS,
    NEIGHBOURS,
    SCORES,
    SHARES,
    VECTORS,
    TrainedModel,
    folder_of,
    write_manifest,
)
from saas.ids import uuid7
from tenants.scope import current_tenant_id
from training.heads.encoder import Encoder

Progress = Callable[[int, str], None]
NEIGHBOURS_KEPT = 50
PLAIN = ScenarioSettings()


@dataclass(slots=True)
class Fitted:
    """A model whose files stand in its folder."""

    pk: UUID
    items: int
    events: int
    sha256: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    ranker: dict[str, Any] | None = None
    seconds: float = 0.0
    # Whether it was better than the one that serves, on the newest days.
    wins: bool = True

    def values(self) -> dict[str, Any]:
        names = ("items", "events", "sha256", "metrics", "weights", "ranker", "seconds")
        return {name: getattr(self, name) for name in names}


def load_encoder() -> Encoder:
    """The packaged sentence encoder, loaded when a fit begins."""
    return Encoder.load()


def fit(progress: Progress) -> Fitted:
    """Fit what there is enough for. `progress(percent, note)` may raise to stop."""
    began = time.monotonic()
    behaviour = load_behaviour()
    fitted = Fitted(uuid7(), items=behaviour.n_items, events=len(behaviour.everything))
    folder = folder_of(current_tenant_id(), fitted.pk)
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        _fill(draft, behaviour, fitted, progress)
        fitted.sha256 = _seal(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    fitted.seconds = time.monotonic() - began
    return fitted


def _fill(draft: Path, behaviour: Behaviour, fitted: Fitted, progress: Progress) -> None:
    progress(2, "")
    row = RankingModel.objects.champion()
    last = TrainedModel.load(row) if row else TrainedModel()
    encoder = load_encoder()
    vectors, hashes = encode_catalogue(
        behaviour.n_items,
        encoder.embeddings,
        folder_of(row.workspace_id, row.pk) if row else None,
        lambda: progress(5, ""),
    )
    save_array(draft / VECTORS, vectors)
    save_array(draft / HASHES, hashes)
    texts = write_text_search(draft, vectors)
    progress(30, "")
    sequence = fit_sequence(
        behaviour, vectors, draft, lambda share: progress(30 + int(50 * share), ""), last.encoder
    )
    if sequence is not None:
        write_item_search(draft, sequence, behaviour.chosen_on)
    impressions = load_impressions()
    _measure(behaviour, Parts(vectors, texts, sequence), impressions, last, fitted)
    progress(90, "")
    taste = taste_of(impressions, vectors, last.taste)
    if taste is not None:
        save_array(draft / KINDS, taste.rates.astype(np.float32))
        save_array(draft / SHARES, taste.shares)
    parts = Parts(vectors, texts, sequence, taste)
    ranker = ranker_of(impressions, parts, scorer_of(last, PLAIN))
    fitted.ranker = ranker.to_json() if ranker else None
    neighbours = fit_neighbours(behaviour.everything, behaviour.n_items, NEIGHBOURS_KEPT)
    _save_neighbours(draft, neighbours)
    progress(95, "")


def _measure(
    behaviour: Behaviour, parts: Parts, impressions: Impressions, last: TrainedModel, fitted: Fitted
) -> None:
    """Numbers and weights, and whether the last model is beaten; all without the newest days."""
    earlier = impressions.before(float(behaviour.before.times.max(initial=0.0)))
    parts = replace(parts, taste=taste_of(earlier, parts.vectors, None))
    champion = None
    if last.number and last.vectors is not None:
        vectors = grown(last.vectors, behaviour.n_items)
        own = Parts(vectors, Exact(vectors.astype(np.float32)), last.encoder)
        champion = Champion(own, Blend({**DEFAULT_WEIGHTS, **last.weights}))
    measured = measure(behaviour, parts, champion)
    fitted.weights, fitted.metrics = measured.weights, measured.metrics
    fitted.wins = measured.wins


def grown(vectors: FloatArray, size: int) -> FloatArray:
    """With rows of zeros for the items that came later."""
    more = np.zeros((max(0, size - len(vectors)), vectors.shape[1]), vectors.dtype)
    return np.concatenate((vectors, more))


def _save_neighbours(draft: Path, neighbours: Neighbours) -> None:
    save_array(draft / NEIGHBOURS, neighbours.items)
    save_array(draft / SCORES, neighbours.scores)


def _seal(draft: Path) -> str:
    """Bring all files to the disk and name their hashes; the hash of the manifest."""
    hashes = {}
    for path in sorted(draft.iterdir()):
        hashes[path.name] = _synced_hash(path)
    return _synced_hash(write_manifest(draft, hashes))


def _synced_hash(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
