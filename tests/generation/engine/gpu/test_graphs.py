"""Steps of single tokens: their buckets, their buffers, and the padding that nobody reads."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch

from generation.engine.gpu import graphs
from generation.engine.gpu.graphs import Graphs, Inputs, buckets
from generation.engine.gpu.step import chunk_tiles, cut, run_tiles, tokens_in_tile
from tests.generation.engine.gpu.cases import adapter, batch, shape

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (1, [1]),
        (2, [1, 2]),
        (10, [1, 2, 4, 8, 10]),
        (1024, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]),
        (1280, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]),
    ],
)
def test_buckets_double_up_to_the_most_rows(rows, found):
    assert buckets(rows) == found


def test_stretches_are_cut_into_tiles():
    assert cut(3, 3, 4) == []
    assert cut(3, 12, 4) == [(3, 4), (7, 4), (11, 1)]
    assert chunk_tiles(batch((0, 0, 5, None), (1, 9, 1, None)), 4) == [(0, 4), (4, 1), (5, 1)]


@pytest.mark.parametrize(
    ("groups", "tokens"), [(1, 64), (2, 32), (3, 16), (4, 16), (7, 8), (8, 8), (64, 1), (71, 1)]
)
def test_a_tile_has_as_many_tokens_as_its_heads_leave_room_for(groups, tokens):
    assert tokens_in_tile(groups) == tokens


def test_neighbours_with_one_adapter_share_tiles():
    config, like = shape(), torch.empty(0)
    one, other = adapter(config, 3, like), adapter(config, 16, like)
    asked = batch((0, 0, 9, one), (1, 4, 9, one), (2, 0, 2, None), (3, 5, 1, other))
    at, then = one.layout.address, other.layout.address
    assert run_tiles(asked.runs(), 16) == [(0, 16, at), (16, 2, at), (20, 1, then)]


def test_a_table_says_where_each_part_of_an_adapter_lies():
    config, like = shape(), torch.empty(0, dtype=torch.bfloat16)
    deltas = adapter(config, 3, like, without=("k_proj",)).layout
    assert deltas.table[1].tolist() == [0] * 5  # layer 0, k_proj
    for place, pair in deltas.pairs.items():
        down, up, rank, out, offset = deltas.table[place].tolist()
        assert (down, up) == (pair.down.data_ptr(), pair.up.data_ptr())
        assert down % 16 == up % 16 == rank % 16 == 0
        assert (len(pair.down), len(pair.up), pair.offset) == (rank, out, offset)
        assert not pair.down[3:].any()
        assert not pair.up[:, 3:].any()


def test_buffers_hold_the_step_and_its_padding():
    config, like = shape(), torch.empty(0)
    own = adapter(config, 3, like)
    inputs = Inputs(8, scratch=5, device=CPU)
    asked = batch((2, 7, 1, None), (0, 3, 1, own), (1, 0, 1, own))
    assert inputs.fill(asked, 4)
    step = inputs.step(4, adapted=True)
    assert step.slots.tolist() == [2, 0, 1, 5]
    assert step.positions.tolist() == [7, 3, 0, 0]
    assert step.chunks.tolist() == [[0, 1, 2, 3], [1, 1, 1, 1]]
    assert step.adapter_tiles.T.tolist() == [[1, 2, own.layout.address], *[[0, 0, 0]] * 3]
    assert list(inputs.adapters.values()) == [own.layout]
    assert not inputs.fill(batch((2, 8, 1, None)), 1)
    assert inputs.step(1, adapted=False).adapter_tiles is None
    assert inputs.adapters == {}


def test_a_captured_steps_buffers_never_move():
    inputs = Inputs(8, scratch=5, device=CPU)
    step = inputs.step(2, adapted=False)
    inputs.fill(batch((3, 9, 1, None), (4, 1, 1, None)), 2)
    assert step.slots.tolist() == [3, 4]


def test_only_single_tokens_that_fit_are_taken(monkeypatch):
    monkeypatch.setattr(graphs, "MOST_ROWS", 4)
    taking = Graphs(print, 9, scratch=9, logits=torch.empty(4, 3))
    one = (0, 0, 1, None)
    assert taking.takes(batch(one))
    assert taking.takes(batch(*[one] * 4))
    assert not taking.takes(batch(*[one] * 5))
    assert not taking.takes(batch((0, 0, 2, None)))
    assert not taking.takes(batch())


def test_what_was_captured_is_replayed():
    seen = []

    def decode(step, logits):
        logits[:] = step.tokens[:, None].float()

    class Recorded:
        def replay(self):
            seen.append("replayed")

    taking = Graphs(decode, 4, scratch=4, logits=torch.zeros(4, 2))
    asked = batch(*[(n, n, 1, None) for n in range(3)])
    assert taking.run(asked).tolist() == [[0, 0], [7, 7], [14, 14]]
    taking.captured[4, False] = Recorded()
    taking.run(asked)
    assert seen == ["replayed"]


def test_every_bucket_is_captured_without_touching_a_slot(monkeypatch):
    """All but the capturing itself, for which there is a stand-in."""
    seen = []

    def decode(step, logits):
        assert set(step.slots.tolist()) == {3}
        seen.append((len(logits), step.adapter_tiles is not None))

    stream = SimpleNamespace(wait_stream=lambda other: None)
    cuda = SimpleNamespace(
        graph_pool_handle=lambda: "pool",
        CUDAGraph=object,
        graph=lambda graph, pool, capture_error_mode: nullcontext(),
        current_stream=lambda: stream,
        Stream=lambda: stream,
        stream=nullcontext,
    )
    monkeypatch.setattr(torch, "cuda", cuda)
    taking = Graphs(decode, 3, scratch=3, logits=torch.empty(3, 2))
    taking.capture()
    order = [(rows, adapted) for rows in (3, 2, 1) for adapted in (False, True)]
    assert list(taking.captured) == order
    assert seen == [each for each in order for _ in range(graphs.WARM_UPS + 1)]
