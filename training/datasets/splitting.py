"""Train, validation and test: by group, so that nothing nearly the same stands on two sides."""

import hashlib
from collections.abc import Iterable, Mapping

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
SHARES = {VALIDATION: 0.1, TEST: 0.1}


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

    The draw is a hash of the group and the seed: adding rows moves no row that was there. Where
    two frozen splits meet in one group, later rows of it follow the one that never trains.
    """
    rows = list(rows)
    held: dict[str, str] = {}
    for row, split in frozen.items():
        root = groups.find(row)
        held[root] = max(held.get(root, split), split, key=SPLITS.index)
    return {
        row: frozen.get(row) or held.get(groups.find(row)) or drawn(groups.find(row), seed)
        for row in rows
    }


def drawn(group: str, seed: int) -> str:
    digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for split in (TEST, VALIDATION):
        if place < SHARES[split]:
            return split
        place -= SHARES[split]
    return TRAIN
