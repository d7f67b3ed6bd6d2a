"""Toy bases for training: one with heads so narrow that only twins fit, one that kernels take."""

import numpy as np
import pytest
import torch

from tests.generation.engine.toys import write_toy
from training.lora.rows import Row

WIDE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "vocab_size": 272,
}


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """(folder, the same model in transformers)"""
    folder = tmp_path_factory.mktemp("toy")
    return folder, write_toy(folder)


@pytest.fixture(scope="session")
def wide(tmp_path_factory):
    """Like `toy`, of sizes that the kernels take."""
    folder = tmp_path_factory.mktemp("wide")
    return folder, write_toy(folder, **WIDE)


@pytest.fixture
def rows():
    return some_rows()


def some_rows(count=6, seed=0, shortest=5, longest=40):
    """Rows of random tokens; in each the latter half is learnt."""
    numbers = np.random.default_rng(seed)
    made = []
    for length in numbers.integers(shortest, longest, count):
        tokens = numbers.integers(3, 260, length)
        made.append(Row.of(tokens[: length // 2].tolist(), tokens[length // 2 :].tolist()))
    return made


def rhymes(count=24):
    """Rows with something to learn: after a token t comes t + 1, again and again."""
    return [Row.of([t, t + 1, t], [t + 1, t, t + 1, 2]) for t in range(10, 10 + 2 * count, 2)]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
