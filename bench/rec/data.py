"""MovieLens as it lies in a folder that the caller names; nothing of it is in this repository."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recommendations.ranking.arrays import IdMap, IntArray, Interactions


class MissingData(Exception):
    """A file is not there; the message says which and what it holds."""


@dataclass(frozen=True, slots=True)
class MovieLens1M:
    """Every person's items oldest first, the last one for the test, and a text for each item."""

    sequences: list[IntArray]
    texts: list[str]

    @property
    def n_items(self) -> int:
        return len(self.texts)


def movielens_1m(folder: Path) -> MovieLens1M:
    """Lines "person TAB items in the order of time but the last TAB last item", items from 1."""
    sequences = []
    for line in found(folder / "ml1m" / "ml1m_sas_loo.txt").read_text().splitlines():
        _, earlier, last = line.split("\t")
        sequences.append(np.array([*earlier.split(), last], dtype=np.int64) - 1)
    texts = [""] * (1 + max(int(sequence.max()) for sequence in sequences))
    with found(folder / "ml1m" / "items.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            texts[int(row["sas_item"]) - 1] = f"{row['title']}. {row['llm_text']}"
    return MovieLens1M(sequences, texts)


def movielens_100k(folder: Path) -> tuple[Interactions, int]:
    """All ratings as interactions of weight 1, and the number of items."""
    with found(folder / "ml100k" / "ml-100k.inter").open() as file:
        rows = [line.split("\t") for line in file.read().splitlines()[1:]]
    persons, items = IdMap(row[0] for row in rows), IdMap(row[1] for row in rows)
    times = np.array([float(row[3]) for row in rows])
    order = np.argsort(times, kind="stable")
    events = Interactions(
        persons.indexes(row[0] for row in rows),
        items.indexes(row[1] for row in rows),
        times,
        np.ones(len(rows)),
    )
    return events.chosen(order), len(items)


def found(path: Path) -> Path:
    if not path.exists():
        raise MissingData(
            f"{path} is missing. Name the folder that holds ml1m and ml100k: "
            "make bench-rec DATA=/path/to/data"
        )
    return path
