"""Rows of results and how they are printed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from recommendations.ranking.arrays import IntArray
from recommendations.ranking.metrics import coverage, gini, hit_rate, ndcg, novelty

CUTOFF = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """Ranks (n,) of what persons chose, and what they were shown (n, CUTOFF)."""

    ranks: IntArray
    shown: IntArray

    @property
    def hit_rate(self) -> float:
        return hit_rate(self.ranks, CUTOFF)

    @property
    def ndcg(self) -> float:
        return ndcg(self.ranks, CUTOFF)


@dataclass(slots=True)
class Clock:
    """Processor seconds of this process."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.process_time()
        yield
        self.seconds += time.process_time() - start


@dataclass(slots=True)
class Table:
    """A heading row and rows of text, as Markdown."""

    heading: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, *row: str) -> None:
        self.rows.append(row)

    def __str__(self) -> str:
        lines = [self.heading, ["---"] * len(self.heading), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def quality_table() -> Table:
    names = ("HR@10", "NDCG@10", "coverage", "Gini", "novelty, bits", "training, CPU s", "settings")
    return Table(("full ranking", *names))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What is needed to say how even and how new a list is."""

    n_items: int
    counts: IntArray


def quality_row(
    name: str, outcome: Outcome, catalogue: Catalogue, seconds: float, settings: str = ""
) -> Sequence[str]:
    shown = outcome.shown
    return (
        name,
        f"{outcome.hit_rate:.3f}",
        f"{outcome.ndcg:.3f}",
        f"{coverage(shown[shown >= 0], catalogue.n_items):.2f}",
        f"{gini(shown[shown >= 0], catalogue.n_items):.2f}",
        f"{novelty(shown[shown >= 0], catalogue.counts):.1f}",
        f"{seconds:.1f}",
        settings,
    )
