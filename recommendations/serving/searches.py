"""Searches as files of a model: written when it is fitted, mapped where answers are made."""

from pathlib import Path
from typing import Any

import numpy as np

from recommendations.ranking.arrays import FloatArray
from recommendations.ranking.search import Exact, InvertedLists, Reduced, Search

ITEM_LISTS, TEXT_LISTS = "item-lists", "text-lists"
ROTATION, ROTATED = "text-rotation.npy", "text-rotated.npy"
PARTS = ("centroids", "offsets", "items", "vectors")


def mapped(path: Path) -> Any:
    """The array in a file, read from disk as it is used; None where there is no file."""
    if not path.exists():
        return None
    # As a plain array: what numpy adds to mapped ones costs more than small reads of them.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def save_array(path: Path, array: Any) -> None:
    np.save(path, array, allow_pickle=False)


def save_lists(folder: Path, name: str, lists: InvertedLists) -> None:
    for part in PARTS:
        save_array(folder / f"{name}-{part}.npy", getattr(lists, part))
    save_array(folder / f"{name}-probes.npy", np.array([lists.probes]))


def lists_in(folder: Path, name: str) -> InvertedLists | None:
    probes = mapped(folder / f"{name}-probes.npy")
    if probes is None:
        return None
    centroids, offsets, items, vectors = (mapped(folder / f"{name}-{part}.npy") for part in PARTS)
    return InvertedLists(centroids, offsets, items, vectors, int(probes[0]))


def item_search(folder: Path, items: FloatArray) -> Search:
    """Over the sequence model's vectors of items."""
    return lists_in(folder, ITEM_LISTS) or Exact(items)


def text_search(folder: Path, vectors: FloatArray) -> Search:
    """Over the texts' vectors."""
    rotation = mapped(folder / ROTATION)
    if rotation is None:
        return Exact(vectors.astype(np.float32))
    few = lists_in(folder, TEXT_LISTS) or Exact(mapped(folder / ROTATED))
    return Reduced(rotation, few, vectors)
