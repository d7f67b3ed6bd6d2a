"""Each kernel beside its plain twin, in Triton's interpreter where there is no GPU."""

import pytest
import torch

from generation.engine.gpu import plain
from generation.engine.gpu.deltas import Joined
from generation.engine.gpu.graphs import Inputs
from generation.engine.gpu.step import step_of
from generation.engine.model import rotations
from tests.generation.engine.gpu.cases import adapter, batch, shape

pytestmark = pytest.mark.prove
pytest.importorskip("triton")

from generation.engine.gpu import attention, lora  # noqa: E402

CLOSE = {torch.float32: {"atol": 2e-5, "rtol": 1e-4}, torch.float16: {"atol": 2e-2, "rtol": 1e-2}}
JOINED = {
    "qkv": ("q_proj", "k_proj", "v_proj"),
    "out": ("o_proj",),
    "gate_up": ("gate_proj", "up_proj"),
    "down": ("down_proj",),
}
SLOTS = 5


@pytest.fixture(params=[torch.float32, torch.float16], ids=str)
def like(request, device):
    """The interpreter multiplies no bfloat16, so the narrow type here is float16."""
    return torch.empty(0, dtype=request.param, device=device)


def random(*size, like):
    return torch.randn(size).to(like)


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, **CLOSE[ours.dtype])


def ragged(config, like, ranks, without=()):
    adapters = [None if rank is None else adapter(config, rank, like, without) for rank in ranks]
    counts = [1, 40, 1, 3, 17, 1]
    parts = [(n % SLOTS, 5 * n, counts[n % 6], adapters[n % len(adapters)]) for n in range(6)]
    return batch(*parts)


def singles(config, like, ranks):
    adapters = [None if rank is None else adapter(config, rank, like) for rank in ranks]
    return batch(*((n, 19 * n, 1, adapters[n % len(adapters)]) for n in range(4)))


def single_step(asked, like, *, rows=8):
    inputs = Inputs(rows, SLOTS - 1, like.device)
    adapted = inputs.fill(asked, rows)
    return inputs.step(rows, adapted=adapted)


def added(config, joined, step, like):
    """What kernel and twin make of the same rows."""
    sizes = config.hidden_size, config.query_size + 2 * config.kv_size
    ins = {"out": config.query_size, "down": config.intermediate_size}
    outs = {"qkv": sizes[1], "gate_up": 2 * config.intermediate_size}
    modules = Joined.of(1, JOINED[joined], config)
    x = random(len(step.tokens), ins.get(joined, config.hidden_size), like=like)
    y = random(len(step.tokens), outs.get(joined, config.hidden_size), like=like)
    kernel, twin = lora.add(y.clone(), x, modules, step), plain.add(y.clone(), x, modules, step)
    assert not torch.equal(twin, y) or step.adapter_tiles is None
    return kernel, twin, y


@pytest.mark.parametrize("joined", JOINED)
@pytest.mark.parametrize("ranks", [[1, 64], [3, None, 16], [8, 33]], ids=str)
def test_additions_in_prompts_equal_their_twin(like, joined, ranks):
    config = shape()
    step = step_of(ragged(config, like, ranks), config.groups, like.device)
    kernel, twin, _ = added(config, joined, step, like)
    close(kernel, twin)


@pytest.mark.parametrize("joined", JOINED)
@pytest.mark.parametrize("ranks", [[1], [64, None, 3], [16, 16, 33]], ids=str)
def test_additions_to_single_tokens_equal_their_twin(like, joined, ranks):
    config = shape(hidden_size=80, intermediate_size=560)
    kernel, twin, before = added(
        config, joined, single_step(singles(config, like, ranks), like), like
    )
    close(kernel, twin)
    assert torch.equal(kernel[4:], before[4:])  # padding rows


def test_modules_that_are_not_adapted_stay_as_they_are(like):
    config = shape()
    asked = ragged(config, like, [8], without=("k_proj", "o_proj"))
    step = step_of(asked, config.groups, like.device)
    kernel, _, before = added(config, "qkv", step, like)
    keys = slice(config.query_size, config.query_size + config.kv_size)
    assert torch.equal(kernel[:, keys], before[:, keys])
    assert not torch.equal(kernel, before)
    x, y = random(63, config.query_size, like=like), random(63, 48, like=like)
    assert torch.equal(lora.add(y.clone(), x, Joined.of(0, ("o_proj",), config), step), y)


def test_a_long_segment_takes_large_tiles(like):
    config = shape()
    own = adapter(config, 16, like)
    step = step_of(batch((0, 0, 70, own), (1, 3, 2, own)), config.groups, like.device)
    assert step.adapter_block == 64
    assert step.adapter_tiles[:2].tolist() == [[0, 64], [64, 8]]
    kernel, twin, _ = added(config, "qkv", step, like)
    close(kernel, twin)


def caches(config, like):
    size = (SLOTS, config.kv_heads, config.context, config.head_dim)
    return random(*size, like=like), random(*size, like=like)


@pytest.mark.parametrize("groups", [1, 3, 4])
@pytest.mark.parametrize("head_dim", [8, 16, 64])
@pytest.mark.parametrize("kind", ["prompts", "single tokens"])
def test_attention_equals_its_twin(like, groups, head_dim, kind):
    config = shape(heads=2 * groups, head_dim=head_dim)
    prompts = step_of(ragged(config, like, [None]), config.groups, like.device)
    step = prompts if kind == "prompts" else single_step(singles(config, like, [None]), like)
    keys, values = caches(config, like)
    q = random(len(step.tokens), config.heads, head_dim, like=like)
    close(attention.attend(q, keys, values, step), plain.attend(q, keys, values, step))


@pytest.mark.parametrize(("rows", "shares"), [(1, 16), (8, 8), (64, 1)])
def test_few_rows_share_out_their_positions(device, monkeypatch, rows, shares):
    config, like = shape(context=200), torch.empty(0, device=device)
    assert attention.shares_of(rows * config.kv_heads) == shares
    monkeypatch.setattr(attention, "MOST_SHARES", shares)
    lengths = (199, 0, 31, 32, 64)
    asked = batch(*((n, length, 1, None) for n, length in enumerate(lengths)))
    step = single_step(asked, like)
    keys, values = caches(config, like)
    q = random(8, config.heads, config.head_dim, like=like)
    close(attention.attend(q, keys, values, step), plain.attend(q, keys, values, step))


@pytest.mark.parametrize("head_dim", [8, 16, 64])
def test_placing_equals_its_twin_and_touches_nothing_else(like, head_dim):
    config = shape(head_dim=head_dim)
    step = step_of(ragged(config, like, [None]), config.groups, like.device)
    qkv = random(len(step.tokens), config.query_size + 2 * config.kv_size, like=like)
    turn = tuple(side.to(like.device) for side in rotations(config, config.context))
    ours = caches(config, like)
    theirs = tuple(side.clone() for side in ours)
    before = ours[0].clone()
    q = attention.place(qkv, *ours, turn, step)
    close(q, plain.place(qkv, *theirs, turn, step))
    for one, other in zip(ours, theirs, strict=True):
        close(one, other)
    changed = (ours[0] != before).flatten(2).any(-1).nonzero().tolist()
    assert {slot for slot, _ in changed} == set(step.slots.tolist())


def test_launchers_refuse_what_kernels_cannot_read(device):
    config, like = shape(), torch.empty(0, device=device)
    step = step_of(batch((0, 0, 4, adapter(config, 3, like))), config.groups, device)
    x, y = torch.randn(4, 48, device=device), torch.randn(4, 160, device=device)
    joined = Joined.of(0, JOINED["qkv"], config)
    with pytest.raises(ValueError, match="contiguous"):
        lora.add(y, x.T.contiguous().T, joined, step)
    with pytest.raises(ValueError, match="one kind"):
        lora.add(y, x.half(), joined, step)
    q, keys = torch.randn(4, 6, 16, device=device), torch.randn(1, 2, 8, 16, device=device)
    with pytest.raises(ValueError, match="one kind"):
        attention.attend(q, keys.half(), keys.half(), step)
    with pytest.raises(ValueError, match="one kind"):
        attention.place(q.flatten(1), keys, keys.half(), (keys, keys), step)
