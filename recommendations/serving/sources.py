"""The candidate sources of one answer, over the workspace's arrays, counts and model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from recommendations.models import Transition
from recommendations.ranking.arrays import FloatArray, IntArray
from recommendations.ranking.candidates import Candidates, Context, Source
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sources.exploration import Exploration, Near
from recommendations.ranking.sources.neighbours import ItemToItem
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.taste import Taste
from recommendations.ranking.sources.text import TextSimilarity
from recommendations.ranking.sources.transitions import TransitionRows, Transitions
from recommendations.services.interactions import TRANSITIONS
from recommendations.serving.columns import Columns
from recommendations.serving.trained import TrainedModel

# Of an item with many successors the most frequent are enough.
MOST_ROWS = 20_000
# Half of what is tried is a kind of taste, where such kinds are known.
TASTE_TRIED = 0.5
# An item that so many have seen, or as many as others on average, is known.
MOST_UNKNOWN = 500.0


@dataclass(frozen=True, slots=True)
class Limited:
    """A source whose arrays end at a size; the catalogue may have grown since they were made."""

    source: Source
    size: int

    @property
    def name(self) -> str:
        return self.source.name

    def candidates(self, context: Context, k: int) -> Candidates:
        known = context.history < self.size
        weights = None if context.weights is None else context.weights[known]
        item = context.item if context.item is not None and context.item < self.size else None
        allowed = None if context.allowed is None else padded(context.allowed, self.size)
        inside = replace(
            context,
            history=context.history[known],
            weights=weights,
            skipped=context.skipped[context.skipped < self.size],
            item=item,
            allowed=allowed,
        )
        return self.source.candidates(inside, k)


def padded(allowed: np.ndarray, size: int) -> np.ndarray:
    if len(allowed) >= size:
        return allowed[:size]
    return np.concatenate([allowed, np.zeros(size - len(allowed), np.bool_)])


def transition_rows(items: IntArray) -> TransitionRows:
    """The stored counts of all pairs that begin with one of the items."""
    found = Transition.objects.filter(source__in=[int(item) for item in items], count__gt=0)
    rows = list(found.order_by("-count").values_list("source", "target", "count")[:MOST_ROWS])
    sources, targets, counts = zip(*rows, strict=True) if rows else ((), (), ())
    return TransitionRows(
        np.array(sources, np.int64), np.array(targets, np.int64), np.array(counts, np.float64)
    )


def sources_of(columns: Columns, model: TrainedModel) -> Iterator[Source]:
    """Every source that has something to go by."""
    size = columns.size
    if model.encoder is not None:
        yield sequence_of(model.encoder, model)
    yield Limited(Transitions(transition_rows, TRANSITIONS), size)
    if model.neighbours is not None:
        yield Limited(ItemToItem(model.neighbours), len(model.neighbours.items))
    if model.vectors is not None:
        yield text_of(model.vectors, model)
    if model.taste is not None:
        yield Limited(Taste(model.taste), model.taste.rates.shape[1])
    yield from columns.shared_sources()


def tried_by(columns: Columns, model: TrainedModel, random: np.random.Generator) -> Source:
    """What proposes items that may be better than is known, other ones each time.

    Now and then that is a kind of taste the person may have; else items that few have seen,
    nearest to the person's first.
    """
    if model.taste is not None and random.random() < TASTE_TRIED:
        return Limited(Taste(model.taste, random), model.taste.rates.shape[1])
    size = columns.size
    clicks = columns.clicks[:size].astype(np.int64)
    seen = np.maximum(columns.impressions[:size].astype(np.int64), clicks)
    known = float(np.clip(seen.mean() if size else 0.0, 1.0, MOST_UNKNOWN))
    return Exploration(seen, clicks, random, known, near_to_person(model))


def near_to_person(model: TrainedModel) -> Near | None:
    """What says of items that nobody knows how near they are to a person."""
    if model.encoder is not None:
        return Near(sequence_of(model.encoder, model), len(model.encoder.items))
    if model.vectors is not None:
        return Near(text_of(model.vectors, model), len(model.vectors))
    return None


def sequence_of(encoder: Encoder, model: TrainedModel) -> Source:
    return Limited(SequenceScores(encoder, search=model.item_search), len(encoder.items))


def text_of(vectors: FloatArray, model: TrainedModel) -> Source:
    return Limited(TextSimilarity(vectors, search=model.text_search), len(vectors))
