"""Train, validation and test: by group, so that nothing nearly the same stands on two sides."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
SHARES = {VALIDATION: 0.1, TEST: 0.1}
# With fewer pairs a paired permutation test can say nothing at 5 percent: 2 / 2**5 is above it.
LEAST = 6


class Groups:
    """Which rows belong together: joined by a group's name or by being nearly the same."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, key: str) -> str:
        """The key that stands for the whole group."""
        path = [key]
        while (parent := self._parents.setdefault(path[-1], path[-1])) != path[-1]:
            path.append(parent)
        for each in path:
            self._parents[each] = path[-1]
        return path[-1]

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        self._parents[second] = first


def assign(
    rows: Iterable[str], groups: Groups, *, seed: int, frozen: Mapping[str, str]
) -> dict[str, str]:
    """{row: split}. A group with a row whose split is `frozen` follows it; others are drawn.

    Test and validation are filled up to their share by the groups that come first in an order of
    hashes; a group that would take more than its split lacks is trained on, unless nothing
    else could be tested with. Where two frozen
    splits meet in one group, later rows of it follow the one that never trains.
    """
    rows = list(rows)
    held: dict[str, str] = {}
    for row, split in frozen.items():
        root = groups.find(row)
        held[root] = max(held.get(root, split), split, key=SPLITS.index)
    sizes = Counter(groups.find(row) for row in rows)
    given = Counter(frozen.get(row) or held.get(groups.find(row)) for row in rows)
    free = sorted(sizes.keys() - held.keys(), key=lambda group: order(group, seed))
    for split in (TEST, VALIDATION):
        room = wanted(split, len(rows)) - given[split]
        for group in free:
            if group not in held and sizes[group] <= room:
                held[group] = split
                room -= sizes[group]
    if not given[TEST] and TEST not in held.values() and len(free) > 1:
        held[min(free, key=sizes.__getitem__)] = TEST
    return {row: frozen.get(row) or held.get(groups.find(row), TRAIN) for row in rows}


def wanted(split: str, rows: int) -> int:
    """How many rows a split is to have: its share, of few rows more, so that they tell enough."""
    return max(round(SHARES[split] * rows), min(LEAST, rows // 5))


def order(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()
