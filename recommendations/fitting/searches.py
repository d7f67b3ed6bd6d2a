"""Writes what lets answers search many vectors without reading all of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recommendations.fitting.data import Case
from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.search import (
    LEAST_FOR_LISTS,
    Search,
    fit_lists,
    principal,
    rotated,
)
from recommendations.ranking.sequence.forward import Encoder
from recommendations.serving.searches import (
    ITEM_LISTS,
    ROTATED,
    ROTATION,
    TEXT_LISTS,
    save_array,
    save_lists,
    text_search,
)

FEW = 64
# A smaller catalogue is read whole.
LEAST_FOR_ROTATION = 500
QUERIES = 200


def write_item_search(folder: Path, encoder: Encoder, cases: Sequence[Case]) -> None:
    """Lists of the sequence model's items, as tight as real people's vectors allow."""
    vectors = [encoder.encode(case.history) for case in cases[:QUERIES]]
    queries = [vector for vector in vectors if vector is not None]
    if len(encoder.items) >= LEAST_FOR_LISTS and queries:
        save_lists(folder, ITEM_LISTS, fit_lists(encoder.items, np.array(queries)))


def write_text_search(folder: Path, vectors: FloatArray) -> Search:
    """Fewer dimensions, and lists where items are many."""
    if len(vectors) >= LEAST_FOR_ROTATION and vectors.any():
        rotation = principal(vectors, FEW)
        few = rotated(vectors, rotation)
        save_array(folder / ROTATION, rotation)
        if len(vectors) >= LEAST_FOR_LISTS:
            chosen = np.random.default_rng(0).choice(len(few), QUERIES, replace=False)
            save_lists(folder, TEXT_LISTS, fit_lists(few, few[chosen]))
        else:
            save_array(folder / ROTATED, few)
    return text_search(folder, vectors)
