"""A fitted ranking model as the web process reads it: arrays mapped from files, never copied."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings

from recommendations.models import RankingModel
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sources.neighbours import Neighbours

MANIFEST = "manifest.json"
NEIGHBOURS, SCORES, VECTORS = "neighbours.npy", "scores.npy", "vectors.npy"
SEQUENCE = "sequence.safetensors"


def folder_of(tenant_id: UUID, model_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / "tenants" / str(tenant_id) / "ranking" / str(model_id)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What was fitted; a part that there was too little for is None."""

    number: int = 0
    weights: dict[str, float] = field(default_factory=dict)
    neighbours: Neighbours | None = None
    vectors: FloatArray | None = None
    encoder: Encoder | None = None

    @classmethod
    def load(cls, row: RankingModel) -> "TrainedModel":
        """Map the files of a stored model; a part whose file is missing is left out."""
        folder = folder_of(row.workspace_id, row.pk)
        targets, scores = mapped(folder / NEIGHBOURS), mapped(folder / SCORES)
        both = targets is not None and scores is not None
        sequence = folder / SEQUENCE
        return cls(
            number=row.number,
            weights=dict(row.weights),
            neighbours=Neighbours(targets, scores) if both else None,
            vectors=mapped(folder / VECTORS),
            encoder=Encoder.load(sequence) if sequence.exists() else None,
        )


def mapped(path: Path) -> Any:
    """The array in a file, read from disk as it is used; None where there is no file."""
    return np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None


class ModelState:
    """The workspace's serving model, loaded anew when another one takes over."""

    def __init__(self) -> None:
        self.model = TrainedModel()

    def current(self) -> TrainedModel:
        champion = RankingModel.objects.champion()
        if champion is None:
            return TrainedModel()
        if champion.number != self.model.number:
            self.model = TrainedModel.load(champion)
        return self.model


def write_manifest(folder: Path, hashes: dict[str, str]) -> Path:
    path = folder / MANIFEST
    path.write_text(json.dumps({"files": hashes}, indent=1, sort_keys=True))
    return path
