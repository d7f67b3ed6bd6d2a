"""A fitted ranking model as the web process reads it: arrays mapped from files, never copied."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recommendations.models import RankingModel
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.ranker import LinearRanker
from recommendations.ranking.search import Search
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sources.neighbours import Neighbours
from recommendations.ranking.sources.taste import TasteModel
from recommendations.serving.searches import item_search, mapped, text_search

MANIFEST = "manifest.json"
NEIGHBOURS, SCORES, VECTORS = "neighbours.npy", "scores.npy", "vectors.npy"
SEQUENCE = "sequence.safetensors"
# The sequence model's vectors of items; those of items that it never saw come from their texts.
ITEMS = "items.npy"
KINDS, SHARES = "taste-kinds.npy", "taste-shares.npy"


def folder_of(tenant_id: UUID, model_id: UUID) -> Path:
    return Path(settings.MEDIA_ROOT) / "tenants" / str(tenant_id) / "ranking" / str(model_id)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What was fitted; a part that there was too little for is None."""

    number: int = 0
    weights: dict[str, float] = field(default_factory=dict)
    neighbours: Neighbours | None = None
    vectors: FloatArray | None = None
    text_search: Search | None = None
    encoder: Encoder | None = None
    item_search: Search | None = None
    taste: TasteModel | None = None
    ranker: LinearRanker | None = None

    @classmethod
    def load(cls, row: RankingModel) -> "TrainedModel":
        """Map the files of a stored model; a part whose file is missing is left out."""
        folder = folder_of(row.workspace_id, row.pk)
        targets, scores = mapped(folder / NEIGHBOURS), mapped(folder / SCORES)
        both = targets is not None and scores is not None
        kinds, shares = mapped(folder / KINDS), mapped(folder / SHARES)
        items, vectors = mapped(folder / ITEMS), mapped(folder / VECTORS)
        encoder = None if items is None else Encoder.load(folder / SEQUENCE, items)
        return cls(
            number=row.number,
            weights=dict(row.weights),
            neighbours=Neighbours(targets, scores) if both else None,
            vectors=vectors,
            text_search=None if vectors is None else text_search(folder, vectors),
            encoder=encoder,
            item_search=None if encoder is None else item_search(folder, encoder.items),
            taste=TasteModel(kinds, shares) if kinds is not None and shares is not None else None,
            ranker=LinearRanker.from_json(row.ranker) if row.ranker else None,
        )


class ModelState:
    """The workspace's serving model, loaded anew when another one takes over."""

    def __init__(self) -> None:
        self.model = TrainedModel()
        self.changed_at: datetime | None = None

    def current(self) -> TrainedModel:
        champion = RankingModel.objects.champion()
        if champion is None:
            return TrainedModel()
        if champion.updated_at != self.changed_at:
            self.model, self.changed_at = TrainedModel.load(champion), champion.updated_at
        return self.model


def write_manifest(folder: Path, hashes: dict[str, str]) -> Path:
    path = folder / MANIFEST
    path.write_text(json.dumps({"files": hashes}, indent=1, sort_keys=True))
    return path
