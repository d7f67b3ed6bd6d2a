"""What clicks on shown items teach: kinds of taste, and a ranker that weighs the sources."""

from collections.abc import Mapping

import numpy as np

from recommendations.fitting.impressions import Impressions
from recommendations.fitting.measure import Parts
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.blending import Scorer
from recommendations.ranking.ranker import LinearRanker
from recommendations.ranking.ranker_training import LEAST_CLICKS, fit_ranker
from recommendations.ranking.sources.taste import Seen, TasteModel, fit_taste

# Fitting kinds compares all texts with each other.
MOST_ITEMS = 20_000
# A ranker is asked about a source only if it has seen what that said of so many items.
LEAST_SEEN = 100


def taste_of(
    impressions: Impressions, vectors: FloatArray, last: TasteModel | None
) -> TasteModel | None:
    """Kinds of taste; None where too few clicks are known, or items are too many."""
    if impressions.clicks < LEAST_CLICKS or len(vectors) > MOST_ITEMS:
        return None
    seen = impressions.seen()
    inside = seen.items < len(vectors)
    if seen.clicked[inside].sum() < LEAST_CLICKS:
        return None
    rows = Seen(seen.persons[inside], seen.items[inside], seen.clicked[inside])
    return fit_taste(rows, vectors.astype(np.float32), first=last)


def ranker_of(impressions: Impressions, parts: Parts, champion: Scorer) -> LinearRanker | None:
    """A ranker that explains the newest clicks better than what serves now; else what serves.

    None where that is no ranker, or where a source is new: nobody has clicked on what it says yet.
    """
    if impressions.clicks < LEAST_CLICKS:
        return None
    log = impressions.log()
    seen = dict(zip(log.names, (log.features > 0).sum(axis=0).tolist(), strict=True))
    if not knows_all(seen, parts):
        return None
    return fit_ranker(log, champion) or (champion if isinstance(champion, LinearRanker) else None)


def knows_all(seen: Mapping[str, int], parts: Parts) -> bool:
    """Whether what every learnt source says has been shown often enough to judge it."""
    learnt = {
        "sequence": parts.sequence is not None,
        "text": bool(parts.vectors.any()),
        "taste": parts.taste is not None,
    }
    return all(seen.get(name, 0) >= LEAST_SEEN for name, there in learnt.items() if there)
