"""Text vectors of the catalogue: an item is encoded when its text changes, and only then."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recommendations.models import Item
from recommendations.ranking.arrays import FloatArray
from recommendations.serving.searches import mapped
from recommendations.serving.trained import VECTORS

HASHES = "texts.npy"
BATCH = 64
DIM = 384

Encode = Callable[[Sequence[str]], FloatArray]


def text_hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def encode_catalogue(
    size: int, encode: Encode, before: Path | None, check: Callable[[], None]
) -> tuple[NDArray[np.float16], NDArray[np.uint64]]:
    """(n, d) unit rows by item number, zeros without a text; (n,) hashes of the texts.

    `before` is the folder of the last model, whose vectors are taken over where the text is the
    same. `check` is called between batches and may raise to stop.
    """
    vectors = np.zeros((size, DIM), np.float16)
    hashes = np.zeros(size, np.uint64)
    known = known_vectors(before)
    waiting: list[tuple[int, str]] = []
    for item in Item.objects.order_by("number").iterator(chunk_size=2000):
        text = item.readable_text()
        if not text or item.number >= size:
            continue
        hashes[item.number] = text_hash(text)
        if (row := known.get(int(hashes[item.number]))) is not None:
            vectors[item.number] = row
        else:
            waiting.append((item.number, text))
    for start in range(0, len(waiting), BATCH):
        check()
        batch = waiting[start : start + BATCH]
        found = encode([text for _, text in batch])
        vectors[[number for number, _ in batch]] = found.astype(np.float16)
    return vectors, hashes


def known_vectors(folder: Path | None) -> dict[int, NDArray[np.float16]]:
    """The last model's vectors by the hash of the text that they stand for."""
    if folder is None:
        return {}
    vectors, hashes = mapped(folder / VECTORS), mapped(folder / HASHES)
    if vectors is None or hashes is None:
        return {}
    return {int(value): vectors[row] for row, value in enumerate(hashes) if value}
