"""Transition counts are a function of the sequences, however their events arrive."""

import random
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommendations.ranking.arrays import Interactions
from recommendations.ranking.candidates import Context
from recommendations.ranking.sources.transitions import (
    Event,
    Increment,
    Transitions,
    TransitionSettings,
    TransitionTable,
    counted,
    insertion,
    removal,
)

SETTINGS = TransitionSettings(window=3, skip=0.5, half_life=100.0)
NOW = 1_767_225_600.0
events = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 1000), st.sampled_from([1.0, 2.0])),
    max_size=12,
    unique_by=lambda event: event[1],
)
Counts = dict[tuple[int, int], float]


def add(counts: Counts, changes: list[Increment]) -> None:
    for source, target, weight in changes:
        counts[source, target] += weight


def arrived(sequence: list[Event], settings: TransitionSettings) -> tuple[Counts, list[Event]]:
    """Counts after events that came one by one, in the order given."""
    counts: Counts = defaultdict(float)
    known: list[Event] = []
    for event in sequence:
        place = sum(other.time < event.time for other in known)
        add(counts, insertion(event, known[:place], known[place:], settings))
        known.insert(place, event)
    return counts, known


def all_at_once(sequences: list[list[Event]], settings: TransitionSettings) -> Counts:
    rows = [(person, *event) for person, part in enumerate(sequences) for event in part]
    persons, items, times, weights = np.array(rows, dtype=float).reshape(-1, 4).T
    found = counted(Interactions(persons.astype(int), items.astype(int), times, weights), settings)
    return dict(zip(zip(found.sources, found.targets, strict=True), found.counts, strict=True))


@given(events, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(
    drawn: list[tuple[int, int, float]], chance: random.Random
) -> None:
    sequence = [Event(item, NOW + time, weight) for item, time, weight in drawn]
    counts, known = arrived(sequence, SETTINGS)
    chance.shuffle(sequence)
    other, _ = arrived(sequence, SETTINGS)
    for expected in (other, all_at_once([known], SETTINGS)):
        for pair in {*counts, *expected}:
            assert counts.get(pair, 0) == pytest.approx(expected.get(pair, 0), abs=1e-9)


@given(events, st.data())
def test_a_removed_event_leaves_no_trace(
    drawn: list[tuple[int, int, float]], data: st.DataObject
) -> None:
    sequence = [Event(item, NOW + time, weight) for item, time, weight in drawn]
    counts, known = arrived(sequence, SETTINGS)
    while known:
        place = data.draw(st.integers(0, len(known) - 1))
        gone = known.pop(place)
        add(counts, removal(gone, known[:place], known[place:], SETTINGS))
    assert all(abs(count) < 1e-9 for count in counts.values())


def test_persons_do_not_mix() -> None:
    one, other = [Event(0, 1.0), Event(1, 2.0)], [Event(2, 1.0), Event(3, 2.0)]
    assert all_at_once([one, other], TransitionSettings()) == {(0, 1): 1.0, (2, 3): 1.0}


def test_later_targets_count_less_and_younger_ones_more() -> None:
    counts, _ = arrived([Event(0, NOW), Event(1, NOW + 100), Event(2, NOW + 200)], SETTINGS)
    assert counts == pytest.approx({(0, 1): 2.0, (0, 2): 2.0, (1, 2): 4.0})


def source(sequences: list[list[int]], **options: float) -> Transitions:
    chosen = TransitionSettings(**options)  # type: ignore[arg-type]
    arrays = [np.array(sequence) for sequence in sequences]
    rows = counted(Interactions.of_sequences(arrays), chosen)
    return Transitions(TransitionTable(rows, 6), chosen)


def test_what_follows_the_newest_item_comes_first() -> None:
    transitions = source([[0, 1], [0, 1], [2, 3]])
    found = transitions.candidates(Context(history=np.array([2, 0])), 5)
    assert found.items.tolist() == [1, 3]
    found = transitions.candidates(Context(history=np.array([0, 2])), 5)
    assert found.items.tolist() == [3, 1]


def test_the_item_at_hand_is_the_newest() -> None:
    found = source([[0, 1], [2, 3]]).candidates(Context(history=np.array([0]), item=2), 1)
    assert found.items.tolist() == [3]


def test_filters_and_unknown_items_are_respected() -> None:
    transitions = source([[0, 1], [0, 2]])
    allowed = np.array([True, False, True, True, True, True])
    found = transitions.candidates(Context(history=np.array([5, 0]), allowed=allowed), 5)
    assert found.items.tolist() == [2]
    assert len(transitions.candidates(Context(), 5)) == 0


def test_shrinkage_decides_whether_a_rows_size_counts() -> None:
    sequences = [[0, 1]] * 9 + [[2, 3]] * 3
    history = np.array([0, 2])
    by_share = source(sequences, shrinkage=1.0).candidates(Context(history=history), 2)
    by_count = source(sequences, shrinkage=0.0).candidates(Context(history=history), 2)
    assert by_share.items.tolist() == [3, 1]
    assert by_count.items.tolist() == [1, 3]


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(0, 5), max_size=8), max_size=4), st.integers(0, 5))
def test_scores_are_the_sum_over_the_history(sequences: list[list[int]], item: int) -> None:
    chosen = TransitionSettings(shrinkage=0.5)
    rows = counted(Interactions.of_sequences([np.array(s, dtype=int) for s in sequences]), chosen)
    counts = np.zeros((6, 6))
    counts[rows.sources, rows.targets] = rows.counts
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300) ** 0.5
    expected = shares[item] + chosen.recency * shares[(item + 1) % 6]
    transitions = Transitions(TransitionTable(rows, 6), chosen)
    found = transitions.candidates(Context(history=np.array([(item + 1) % 6, item])), 6)
    np.testing.assert_allclose(found.scores, expected[found.items], rtol=1e-5)
    assert len(found) == (expected > 0).sum()
