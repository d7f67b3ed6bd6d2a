"""Fits all parts of a ranking model, measures them on the newest days, writes them to files."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from recommendations.fitting.data import Behaviour, load_behaviour
from recommendations.fitting.measure import Measured, measure
from recommendations.fitting.sequence import fit_sequence
from recommendations.fitting.texts import HASHES, encode_catalogue
from recommendations.models import RankingModel
from recommendations.ranking.sources.neighbours import Neighbours, fit_neighbours
from recommendations.serving.trained import (
    NEIGHBOURS,
    SCORES,
    SEQUENCE,
    VECTORS,
    folder_of,
    write_manifest,
)
from saas.ids import uuid7
from tenants.scope import current_tenant_id
from training.heads.encoder import Encoder

Progress = Callable[[int, str], None]
NEIGHBOURS_KEPT = 50


@dataclass(slots=True)
class Fitted:
    """A model whose files stand in its folder."""

    pk: UUID
    items: int
    events: int
    sha256: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def values(self) -> dict[str, Any]:
        names = ("items", "events", "sha256", "metrics", "weights", "seconds")
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
    encoder = load_encoder()
    before = RankingModel.objects.champion()
    last = folder_of(before.workspace_id, before.pk) if before else None
    vectors, hashes = encode_catalogue(
        behaviour.n_items, encoder.embeddings, last, lambda: progress(5, "")
    )
    np.save(draft / VECTORS, vectors, allow_pickle=False)
    np.save(draft / HASHES, hashes, allow_pickle=False)
    progress(30, "")
    sequence = fit_sequence(
        behaviour, vectors, draft / SEQUENCE, lambda share: progress(30 + int(50 * share), "")
    )
    measured: Measured = measure(behaviour, vectors, sequence)
    fitted.weights = measured.weights
    fitted.metrics = measured.metrics
    progress(90, "")
    neighbours = fit_neighbours(behaviour.everything, behaviour.n_items, NEIGHBOURS_KEPT)
    _save_neighbours(draft, neighbours)
    progress(95, "")


def _save_neighbours(draft: Path, neighbours: Neighbours) -> None:
    np.save(draft / NEIGHBOURS, neighbours.items, allow_pickle=False)
    np.save(draft / SCORES, neighbours.scores, allow_pickle=False)


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
