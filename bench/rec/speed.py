"""The best 10 of a million items by their products with one person's vector, and with 256.

One thread each: the caller sets OMP_NUM_THREADS=1 for numpy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from bench.rec.tables import Table
from recommendations.ranking.topk import top_k_products

ITEMS, DIM, PERSONS, K, TURNS = 1_000_000, 64, 256, 10, 5


def report() -> list[str]:
    import faiss

    faiss.omp_set_num_threads(1)
    random = np.random.default_rng(0)
    matrix = random.standard_normal((ITEMS, DIM), dtype=np.float32)
    queries = random.standard_normal((PERSONS, DIM), dtype=np.float32)
    index = faiss.IndexFlatIP(DIM)
    index.add(matrix)
    table = Table(("exact top 10 of 1 M x 64", "ours, CPU ms", "faiss-cpu flat, CPU ms", "ratio"))
    for name, asked in (("one person", queries[:1]), (f"{PERSONS} persons", queries)):
        ours, theirs = in_turn(lambda a=asked: own(matrix, a), lambda a=asked: index.search(a, K))
        table.add(name, f"{ours:.1f}", f"{theirs:.1f}", f"{theirs / ours:.2f}")
    same = float(np.mean(own(matrix, queries) == index.search(queries, K)[1]))
    return [str(table), f"{same:.2%} of the items are faiss's, in its order."]


def own(matrix: Any, queries: Any) -> Any:
    if len(queries) == 1:
        return top_k_products(matrix, queries[0], K).items[None]
    return top_k_products(matrix, queries, K).items


def in_turn(ours: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[float, float]:
    """Medians in milliseconds of the processor, so that other work beside counts less."""
    seen: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for run, times in zip((ours, theirs), seen, strict=True):
            start = time.process_time()
            run()
            times.append(1000 * (time.process_time() - start))
    return median(seen[0]), median(seen[1])
