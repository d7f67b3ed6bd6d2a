"""Every source answers alike: best first, filtered, nothing twice, or nothing at all."""

import numpy as np
import pytest

from recommendations.ranking.arrays import IdMap, Interactions
from recommendations.ranking.candidates import Context, Source
from recommendations.ranking.sequence.config import ModelConfig
from recommendations.ranking.sequence.forward import Encoder
from recommendations.ranking.sequence.weights import shapes
from recommendations.ranking.sources.exploration import Exploration, Near
from recommendations.ranking.sources.neighbours import ItemToItem, fit_neighbours
from recommendations.ranking.sources.popularity import (
    LANDMARK,
    Newest,
    Popular,
    Trending,
    decayed_counts,
    growth,
)
from recommendations.ranking.sources.sequence import SequenceScores
from recommendations.ranking.sources.text import TextSimilarity
from recommendations.ranking.sources.transitions import (
    Transitions,
    TransitionSettings,
    TransitionTable,
    counted,
)

N = 300
DAY = 86_400.0


def behaviour() -> Interactions:
    random = np.random.default_rng(0)
    persons = random.integers(0, 40, 2000)
    items = np.minimum(random.zipf(1.4, 2000) - 1, N - 1)
    return Interactions(persons, items, random.random(2000) * DAY, np.ones(2000))


def encoder() -> Encoder:
    random, config = np.random.default_rng(0), ModelConfig(dim=8, heads=2, hidden=8, length=10)
    weights = {
        name: random.standard_normal(shape).astype(np.float32)
        for name, shape in shapes(N, config).items()
    }
    return Encoder(weights, config)


def sources() -> list[Source]:
    events, random = behaviour(), np.random.default_rng(1)
    counts = decayed_counts(events, N, DAY, now=DAY)
    vectors = random.standard_normal((N, 6)).astype(np.float32)
    table = TransitionTable(counted(events, TransitionSettings()), N)
    return [
        Popular(counts),
        Trending(decayed_counts(events, N, DAY / 24, now=DAY), counts),
        Newest(random.random(N) * DAY),
        Transitions(table),
        ItemToItem(fit_neighbours(events, N)),
        TextSimilarity(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)),
        SequenceScores(encoder()),
        Exploration(np.full(N, 10), np.arange(N) % 10, random),
    ]


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_answers_are_sorted_filtered_and_without_doubles(source: Source) -> None:
    allowed = np.arange(N) % 3 != 0
    found = source.candidates(Context(history=np.array([5, 1, 2]), allowed=allowed), 20)
    assert 0 < len(found) <= 20
    assert len(set(found.items.tolist())) == len(found)
    assert allowed[found.items].all()
    if source.name != "trending":
        assert (np.diff(found.scores) <= 1e-6).all()


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_nothing_allowed_is_nothing_found(source: Source) -> None:
    context = Context(history=np.array([1]), allowed=np.zeros(N, dtype=bool))
    assert len(source.candidates(context, 5)) == 0


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_a_person_without_history_is_no_error(source: Source) -> None:
    found = source.candidates(Context(), 5)
    known = source.name in ("popular", "trending", "newest", "exploration")
    assert bool(len(found)) is known


def test_popularity_halves_with_its_half_life() -> None:
    events = Interactions(
        np.array([0, 1]), np.array([0, 1]), np.array([0.0, DAY]), np.array([4.0, 1.0])
    )
    assert decayed_counts(events, 3, DAY, now=DAY).tolist() == [2.0, 1.0, 0.0]
    assert Popular(np.array([0.0, 3.0])).candidates(Context(), 5).items.tolist() == [1]


def test_growing_sums_keep_the_ratios_of_decaying_ones() -> None:
    grown = [growth(LANDMARK + time, DAY) for time in (0, DAY, 3 * DAY)]
    assert (np.array(grown) / grown[-1]).tolist() == [1 / 8, 1 / 4, 1]


def test_trending_is_above_what_is_usual() -> None:
    recent, usual = np.array([50.0, 20.0, 1.0]), np.array([5000.0, 100.0, 100.0])
    assert Trending(recent, usual).candidates(Context(), 3).items.tolist() == [1]


def test_newest_leaves_out_what_has_no_time() -> None:
    found = Newest(np.array([3 * DAY, np.nan, 5 * DAY])).candidates(Context(), 3)
    assert found.items.tolist() == [2, 0]


def test_neighbours_are_shrunk_where_few_persons_tell() -> None:
    sequences = [np.array([0, 1])] * 20 + [np.array([0, 3])] * 10 + [np.array([2, 4])]
    near = fit_neighbours(Interactions.of_sequences(sequences), 5, k=3, shrinkage=10.0)
    assert near.items[0].tolist() == [1, 3, -1]
    assert near.scores[0, 0] == pytest.approx(20 / (np.sqrt(30 * 20) + 10))
    assert near.scores[2, 0] == pytest.approx(1 / 11)


def test_text_finds_what_reads_alike_and_can_be_limited() -> None:
    vectors = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 1]], dtype=np.float32)
    context = Context(item=0, allowed=np.array([False, True, True, True]))
    assert TextSimilarity(vectors).candidates(context, 2).items.tolist() == [1, 2]
    cold = TextSimilarity(vectors, eligible=np.array([True, False, True, True]))
    assert cold.candidates(context, 2).items.tolist() == [2, 3]


def test_exploration_tries_what_is_unknown_more_often_than_what_is_bad() -> None:
    impressions, clicks = np.array([400, 0, 1000]), np.array([4, 0, 900])
    source = Exploration(impressions, clicks, np.random.default_rng(0))
    first = [int(source.candidates(Context(), 1).items[0]) for _ in range(200)]
    assert first.count(1) > 120
    assert 2 not in first


def test_ids_are_mapped_in_the_order_in_which_they_came() -> None:
    ids = IdMap(["b", "a", "b"])
    assert ids.indexes(["a", "?", "b"]).tolist() == [1, -1, 0]
    assert (ids.add("c"), ids.add("a"), len(ids)) == (2, 1, 3)
    assert ids.keys_of([2, 0]) == ["c", "b"]


def test_interactions_are_checked() -> None:
    with pytest.raises(ValueError, match="equally long"):
        Interactions(np.zeros(1, int), np.zeros(2, int), np.zeros(1), np.zeros(1))
    with pytest.raises(ValueError, match="finite"):
        Interactions(np.zeros(1, int), np.zeros(1, int), np.array([np.nan]), np.ones(1))


def test_sequences_are_in_the_order_of_time() -> None:
    events = Interactions(
        np.array([2, 0, 2]), np.array([7, 8, 9]), np.array([5.0, 1.0, 3.0]), np.ones(3)
    )
    assert [part.tolist() for part in events.sequences(4)] == [[8], [], [9, 7], []]
    assert len(events.before(3.0)) == 1
    assert len(events.since(3.0)) == 2


def test_exploration_of_a_large_catalogue_tries_others_each_time() -> None:
    nothing = np.zeros(50_000, dtype=int)
    source = Exploration(nothing, nothing, np.random.default_rng(0))
    found = [source.candidates(Context(), 50).items.tolist() for _ in range(20)]
    assert all(len(set(items)) == 50 for items in found)
    assert len({item for items in found for item in items}) > 900


def test_unknown_items_near_to_the_person_are_tried_and_so_are_newer_ones() -> None:
    """Of 100 items the first half is known, `near` has vectors of the first 90."""
    impressions = np.where(np.arange(100) < 50, 1000, 0)
    vectors = np.eye(2, dtype=np.float32)[np.arange(100) % 2]
    near = Near(TextSimilarity(vectors, eligible=np.arange(100) < 90), 90)
    source = Exploration(impressions, impressions // 50, np.random.default_rng(0), 500, near)
    found = [source.candidates(Context(history=np.array([1, 3])), 4).items for _ in range(50)]
    numbers = np.concatenate(found)
    assert numbers.min() >= 50
    assert np.mean(numbers[numbers < 90] % 2) > 0.9, "what is like items 1 and 3"
    assert (numbers >= 90).any()
    none = source.candidates(Context(allowed=np.arange(100) < 50), 4)
    assert not len(none)
