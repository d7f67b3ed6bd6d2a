"""The order in which an encoder is trained."""

import numpy as np

from training.heads.tuning import grouped


def test_every_example_comes_once_with_others_of_its_length():
    lengths = np.random.default_rng(0).integers(3, 60, 1000).tolist()
    first, again, other = (grouped(lengths, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert sorted(number for batch in first for number in batch) == [*range(1000)]
    assert first == again != other
    padded = sum(len(batch) * max(lengths[number] for number in batch) for batch in first)
    assert padded < 1.1 * sum(lengths)
    longest = [max(lengths[number] for number in batch) for batch in first]
    assert longest != sorted(longest)
