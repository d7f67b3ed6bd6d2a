"""Each kernel beside its plain twin, forward and backward; the fused loss beside whole logits."""

import pytest
import torch

from tests.training.lora.conftest import WIDE, some_rows
from training.lora import attention as attention_module
from training.lora import ops
from training.lora.attention import attention, attention_plain
from training.lora.native import library as native
from training.lora.packing import Packer

BF16 = {"rtol": 2e-2, "atol": 2e-2}


@pytest.fixture(autouse=True)
def compiled():
    if native.library() is None:
        pytest.skip("There is no compiler here.")


def random(*shape, seed=0, dtype=torch.bfloat16):
    chance = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=chance).to(dtype)


def outputs_and_gradients(step, *inputs):
    """What a step makes of its inputs, and the gradients of a fixed mix of all outputs."""
    leaves = [each.clone().requires_grad_() for each in inputs]
    made = step(*leaves)
    made = made if isinstance(made, tuple) else (made,)
    mixed = sum((each.float() * random(*each.shape, seed=9).float()).sum() for each in made)
    mixed.backward()
    return [*made, *(leaf.grad for leaf in leaves)]


def hold_together(fast, plain, *inputs, **tolerance):
    """Both in bf16 agree with each other as well as bf16 allows."""
    found = outputs_and_gradients(fast, *inputs)
    wanted = outputs_and_gradients(plain, *(each.float() for each in inputs))
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours.float(), theirs.float(), **BF16 | tolerance)


def test_add_norm_is_its_twin():
    weight = random(64, seed=3)
    hold_together(
        lambda x, more: ops.add_norm(x, more, weight, 1e-5),
        lambda x, more: ops.add_norm_plain(x, more, weight.float(), 1e-5),
        *(random(7, 64, seed=1), random(7, 64, seed=2)),
        rtol=4e-2,
        atol=4e-2,
    )


def test_add_norm_without_anything_to_add_is_its_twin():
    weight = random(64, seed=3)
    hold_together(
        lambda x: ops.add_norm(x, None, weight, 1e-5)[1],
        lambda x: ops.add_norm_plain(x, None, weight.float(), 1e-5)[1],
        random(7, 64, seed=1),
    )


def test_swiglu_is_its_twin():
    hold_together(ops.swiglu, ops.swiglu_plain, random(9, 128) * 4, rtol=3e-2, atol=3e-2)


@pytest.fixture
def layout():
    packer = Packer(Sizes(), 128, torch.device("cpu"))
    return packer.pack(some_rows(7, shortest=2, longest=70)).layout


class Sizes:
    """The part of a ModelConfig that a Packer reads."""

    heads, kv_heads = WIDE["num_attention_heads"], WIDE["num_key_value_heads"]
    head_dim = WIDE["head_dim"]

    def frequencies(self):
        return [10000.0 ** (-pair / self.head_dim) for pair in range(0, self.head_dim, 2)]


@pytest.mark.parametrize("kept", [0, 2**21])
def test_attention_is_its_twin(layout, kept, monkeypatch):
    monkeypatch.setattr(attention_module, "KEPT_SHARES", kept)
    qkv = random(len(layout.places), 8 * 32)
    hold_together(
        lambda x: attention(x, layout), lambda x: attention_plain(x, layout), qkv, atol=3e-2
    )


def test_rows_of_a_pack_do_not_see_one_another(layout):
    qkv = random(len(layout.places), 8 * 32)
    before = attention(qkv, layout)
    changed = qkv.clone()
    changed[0] = 5.0  # the first token of the longest row
    same = (attention(changed, layout) == before).all(dim=1)
    longest = (layout.places < layout.groups[0].length).sum()
    assert not same[:longest].any()
    assert same[longest:].all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_fused_loss_is_that_of_whole_logits(dtype, smoothing, monkeypatch):
    monkeypatch.setattr(ops, "LOGIT_ROWS", 4)
    head, targets = random(272, 64, seed=4, dtype=dtype) * 0.3, torch.arange(11) * 20
    exact = {"rtol": 1e-5, "atol": 1e-5} if dtype is torch.float32 else {}
    hold_together(
        lambda x: ops.token_losses(x, head, targets, smoothing),
        lambda x: ops.token_losses_plain(x, head.float(), targets, smoothing),
        random(11, 64, dtype=dtype),
        **exact,
    )


def test_the_fused_loss_never_holds_whole_logits(monkeypatch):
    monkeypatch.setattr(ops, "LOGIT_ROWS", 4)
    seen = []
    rows = ops.row_losses
    monkeypatch.setattr(ops, "row_losses", lambda *args: seen.append(len(args[0])) or rows(*args))
    x = random(11, 64).requires_grad_()
    ops.token_losses(x, random(272, 64), torch.arange(11)).sum().backward()
    assert seen == [4, 4, 3]


@pytest.mark.parametrize("dropped", [False, True])
def test_a_lora_map_is_its_twin(dropped):
    weight, up = random(48, 64, seed=1), random(48, 8, seed=2)
    inputs = [random(7, 64), random(8, 64, seed=3)]
    if dropped:
        inputs.append(random(7, 64, seed=5))

    def fast(x, down, other=None):
        return ops.lora_linear(x, other, weight, down, up)

    def plain(x, down, other=None):
        return ops.lora_linear_plain(x, other, weight.float(), down, up.float())

    hold_together(fast, plain, *inputs, rtol=5e-2, atol=1.0)


def test_a_lora_map_in_float32_is_its_twin_in_every_gradient():
    inputs = [random(7, 64), random(7, 64, seed=5), random(8, 64, seed=3), random(48, 8, seed=2)]
    weight = random(48, 64, seed=1).float()
    hold_together(
        lambda x, other, down, up: ops.lora_linear(x, other, weight, down, up),
        lambda x, other, down, up: ops.lora_linear_plain(x, other, weight, down, up),
        *(each.float() for each in inputs),
        rtol=1e-4,
        atol=1e-3,
    )
