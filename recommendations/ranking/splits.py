"""How behaviour is divided into what models learn from and what they are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from recommendations.ranking.arrays import IntArray, Interactions


class LeaveOneOut(NamedTuple):
    """Per person with at least three items: what is learned from, then the next two items."""

    persons: list[int]
    train: list[IntArray]
    validation: list[int]
    test: list[int]


def leave_one_out(sequences: Sequence[IntArray]) -> LeaveOneOut:
    """The last item of each person is for the test, the one before for the choice of settings."""
    found = LeaveOneOut([], [], [], [])
    for person, sequence in enumerate(sequences):
        if len(sequence) >= 3:
            found.persons.append(person)
            found.train.append(sequence[:-2])
            found.validation.append(int(sequence[-2]))
            found.test.append(int(sequence[-1]))
    return found


def time_split(interactions: Interactions, share: float = 0.8) -> tuple[Interactions, Interactions]:
    """What happened before, and since, the moment before which `share` of all happened.

    Unlike leave-one-out it never lets a model see what others did later.
    """
    ordered = interactions.times.copy()
    ordered.sort()
    moment = ordered[min(len(ordered) - 1, int(share * len(ordered)))]
    return interactions.before(moment), interactions.since(moment)
