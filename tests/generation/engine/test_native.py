"""Each small step of the C++ beside its plain twin in torch, then the whole decoder."""

import math

import pytest
import torch
from torch.nn import functional as F

from generation.engine.config import ModelConfig
from generation.engine.model import Batch, Llama, PromptChunk, load_weights, rotate
from generation.engine.native import build
from generation.engine.native import library as native
from generation.engine.native.sampler import NativeSampler
from generation.engine.packed import pack, supported
from generation.engine.quantized import QuantizedLlama
from generation.engine.sampling import PlainSampler
from generation.engine.types import EngineError, Sampling
from tests.generation.engine.toys import ask, finish, run, write_toy

SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


@pytest.fixture(scope="module", autouse=True)
def library():
    if native.library() is None:
        if build.compiler() is None:
            pytest.skip("There is no C++ compiler here.")
        build.build()
        native.library.cache_clear()
    return native.required()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    write_toy(folder, **SHAPE)
    return folder


def quantized_weight(weight, bits):
    """The plain twin of packing: the weights that the tiles stand for."""
    groups = weight.bfloat16().float().unflatten(1, (-1, native.GROUP))
    low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
    if bits == 8:
        scale = (torch.maximum(-low, high) / 127).half().float()
        low = -128 * scale
    else:
        scale, low = ((high - low) / 15).half().float(), low.half().float()
    inverse = torch.where(scale > 0, 1 / scale, 0)
    numbers = ((groups - low) * inverse).round().clamp(0, 2**bits - 1)
    return (numbers * scale + low).flatten(1)


def quantized_rows(x):
    """The plain twin of the activations' eight bits."""
    groups = x.unflatten(1, (-1, native.GROUP))
    top = groups.abs().amax(-1, keepdim=True)
    inverse = torch.where(top > 0, 127 / top, 0)
    return ((groups * inverse).round() * (top / 127)).flatten(1)


class Eighths:
    """Rows in eight bits as the C++ keeps them, in blocks of eight, and the memory it reads."""

    def __init__(self, library, x):
        rows, size = x.shape
        blocks, groups = -(-rows // 8), size // native.GROUP
        self.numbers = torch.zeros(blocks, groups, 8, 8, 4, dtype=torch.int8)
        self.scales, self.sums = torch.zeros(2, blocks, groups, 8)
        sides = (self.numbers, self.scales, self.sums)
        self.view = native.Quantized(*(side.data_ptr() for side in sides))
        library.quantize(x.data_ptr(), rows, size, self.view)


class Map:
    """A packed linear map, and the memory that it reads."""

    def __init__(self, weight, bits, bias=None):
        self.tiles, self.bias = native.pack(weight, bits), bias
        self.view = native.linear(self.tiles, weight.shape[1], bits, bias)


def multiply(library, packed, x):
    form = Eighths(library, x)
    y = torch.empty(len(x), packed.view.out)
    library.multiply(packed.view, form.view, len(x), y.data_ptr())
    return y


@pytest.mark.parametrize("rows", [1, 7, 8, 13])
def test_rows_in_eight_bits_equal_their_twin(library, rows):
    x = torch.randn(rows, 96)
    form = Eighths(library, x)
    numbers = form.numbers.permute(0, 3, 1, 2, 4).reshape(-1, 3, native.GROUP)[:rows].float()
    scales, sums = (side.transpose(1, 2).reshape(-1, 3)[:rows] for side in (form.scales, form.sums))
    torch.testing.assert_close((numbers * scales[..., None]).flatten(1), quantized_rows(x))
    torch.testing.assert_close(sums, numbers.sum(-1) * scales)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("rows", [1, 2, 3, 8, 13])
def test_a_linear_map_equals_its_twin(library, bits, rows):
    torch.manual_seed(rows)
    weight, x = torch.randn(48, 96), torch.randn(rows, 96)
    bias = torch.randn(48)
    y = multiply(library, Map(weight, bits, bias), x)
    expected = F.linear(quantized_rows(x), quantized_weight(weight, bits), bias)
    torch.testing.assert_close(y, expected, atol=2e-4, rtol=1e-4)


def test_outputs_beyond_the_last_tile_are_padded(library):
    weight, x = torch.randn(21, 32), torch.randn(2, 32)
    y = multiply(library, Map(weight, 4), x)
    expected = F.linear(quantized_rows(x), quantized_weight(weight, 4))
    torch.testing.assert_close(y[:, :21], expected, atol=1e-4, rtol=1e-4)
    assert y.shape == (2, 32)


def test_a_rows_result_does_not_depend_on_its_neighbours(library):
    weight, x = torch.randn(64, 128), torch.randn(13, 128)
    packed = Map(weight, 4)
    together = multiply(library, packed, x)
    for row in range(13):
        assert torch.equal(multiply(library, packed, x[row : row + 1])[0], together[row])


def half_tiles(weight, width):
    """The plain twin of an adapter's tiles."""
    rows, columns = weight.shape
    full = torch.zeros(native.padded(rows), width)
    full[:rows, :columns] = weight
    return full.view(-1, native.LANES, width).transpose(1, 2).flatten().half()


@pytest.mark.parametrize(("shape", "width"), [((16, 64), 64), ((3, 40), 40), ((48, 5), 16)])
def test_an_adapters_tiles_equal_their_twin(shape, width):
    weight = torch.randn(shape)
    tiles = torch.empty(native.padded(shape[0]) * width, dtype=torch.float16)
    native.half_tiles(weight, width, tiles.data_ptr())
    assert torch.equal(tiles, half_tiles(weight, width))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(math.nan, "not_finite"), (-math.inf, "not_finite"), (7e4, "too_large"), (-7e4, "too_large")],
)
def test_an_adapters_numbers_must_fit(bad, reason):
    weight, tiles = torch.randn(20, 24), torch.empty(32 * 24, dtype=torch.float16)
    weight[17, 5] = bad
    with pytest.raises(EngineError) as raised:
        native.half_tiles(weight, 24, tiles.data_ptr())
    assert raised.value.details == {"reason": reason}


def test_zeros_stay_zeros(library):
    packed = Map(torch.zeros(16, 32), 4)
    assert not multiply(library, packed, torch.zeros(1, 32)).any()


def test_the_norm_equals_its_twin(library):
    x, weight, y = torch.randn(64), torch.randn(64), torch.empty(64)
    library.norm(x.data_ptr(), weight.data_ptr(), 64, 1e-5, y.data_ptr())
    torch.testing.assert_close(y, F.rms_norm(x, (64,), weight, 1e-5))


def test_the_gate_equals_its_twin(library):
    x, y = torch.randn(192) * 20, torch.empty(96)
    library.silu_gate(x.data_ptr(), 96, y.data_ptr())
    torch.testing.assert_close(y, F.silu(x[:96]) * x[96:], atol=1e-5, rtol=1e-5)


def test_the_rotation_equals_its_twin(library):
    x, angles, y = torch.randn(16), torch.randn(8), torch.empty(16)
    cosines, sines = angles.cos(), angles.sin()
    library.turn(x.data_ptr(), cosines.data_ptr(), sines.data_ptr(), 16, y.data_ptr())
    both = torch.cat([cosines, cosines]), torch.cat([sines, sines])
    torch.testing.assert_close(y, rotate(x, *both))


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("size", "length"), [(16, 1), (64, 31), (80, 33), (128, 100)])
def test_attention_equals_its_twin(library, heads, size, length):
    torch.manual_seed(length)
    room = -(-length // 32) * 32
    key, value, q = torch.randn(length, size), torch.randn(length, size), torch.randn(heads, size)
    keys, values = torch.full((2, room * size), math.nan, dtype=torch.float16)
    for place in range(length):
        rows = key[place].contiguous(), value[place].contiguous()
        library.put(
            keys.data_ptr(), values.data_ptr(), place, size, *(row.data_ptr() for row in rows)
        )
    scores, out = torch.empty(heads * (length + 32)), torch.empty(heads, size)
    library.attention(
        *(each.data_ptr() for each in (q, keys, values)),
        *(size, length, heads, scores.data_ptr(), out.data_ptr()),
    )
    shares = (q @ key.half().float().T).softmax(-1)
    torch.testing.assert_close(out, shares @ value.half().float(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 17, 36])
def test_every_number_that_is_not_finite_is_seen(bad, place):
    logits = torch.randn(3, 40)[:, :37]
    broken = logits.clone()
    broken[1, place] = bad
    for sampler in (NativeSampler(), PlainSampler()):
        assert sampler.finite(logits) == [True, True, True]
        assert sampler.finite(broken) == [True, False, True]


def test_the_mask_equals_its_twin():
    bits = torch.randint(-(2**31), 2**31, (2, 3), dtype=torch.int32)
    logits = torch.randn(2, 70)
    masked = logits.clone(), logits.clone()
    NativeSampler().mask(masked[0], bits)
    PlainSampler().mask(masked[1], bits)
    assert torch.equal(*masked)


RULES = [
    {"temperature": 0},
    {"temperature": 1.3},
    {"top_k": 1},
    {"top_k": 40},
    {"top_p": 0.9},
    {"top_p": 0.001},
    {"min_p": 0.05},
    {"top_k": 50, "top_p": 0.8, "min_p": 0.02, "temperature": 0.7},
    {"top_p": 0.9999, "temperature": 2.0},
]


@pytest.mark.parametrize("rule", RULES)
def test_the_sampler_picks_what_its_twin_picks(rule):
    torch.manual_seed(0)
    native_sampler, plain = NativeSampler(), PlainSampler()
    logits = (torch.randn(400, 712) * 3)[:, :700]
    logits[:, ::5] = -math.inf
    asked = logits, [Sampling(**rule)] * 400, torch.rand(400).tolist()
    pairs = zip(native_sampler.choose(*asked), plain.choose(*asked), strict=True)
    # The two sum in different orders, so a number that falls on an edge may go either way.
    assert sum(one == other for one, other in pairs) >= 398


def test_rows_of_one_batch_follow_each_its_own_rule():
    torch.manual_seed(0)
    logits, uniforms = torch.randn(len(RULES), 90) * 3, torch.rand(len(RULES)).tolist()
    rules = [Sampling(**rule) for rule in RULES]
    together = NativeSampler().choose(logits, rules, uniforms)
    alone = [
        NativeSampler().choose(own[None], [rule], [uniform])[0]
        for own, rule, uniform in zip(logits, rules, uniforms, strict=True)
    ]
    assert together == alone == PlainSampler().choose(logits, rules, uniforms)


def test_the_decoder_equals_its_twin_within_its_eight_bits(folder):
    config = ModelConfig.read(folder)
    weights = load_weights(folder, torch.float32)
    ours = QuantizedLlama(config, pack(weights, config), slots=3, context=100)
    for name in [name for name in weights if name.endswith("_proj.weight")]:
        weights[name] = quantized_weight(weights[name], 4)
    plain = Llama(config, weights, slots=3, context=100)
    tokens = list(range(3, 60))
    whole = Batch(tokens, [PromptChunk(1, 0, 57)], list(range(57)))
    ours_out, plain_out = ours.forward(whole), plain.forward(whole)
    spread = plain_out.std()
    assert (ours_out - plain_out).abs().mean() < 0.05 * spread
    assert (ours_out.argmax(-1) == plain_out.argmax(-1)).float().mean() > 0.8


def test_chunks_and_neighbours_change_no_bit(folder):
    config = ModelConfig.read(folder)
    parts = pack(load_weights(folder, torch.float32), config)
    model = QuantizedLlama(config, parts, slots=3, context=100)
    tokens = list(range(3, 60))
    whole = model.forward(Batch(tokens, [PromptChunk(1, 0, 57)], [20, 56]))
    model.forward(Batch(tokens[:21], [PromptChunk(0, 0, 21)], []))
    mixed = Batch(
        [9, *tokens[21:], 8, 7],
        [PromptChunk(2, 0, 1), PromptChunk(0, 21, 36), PromptChunk(2, 1, 2)],
        [36],
    )
    assert torch.equal(model.forward(mixed)[0], whole[1])


@pytest.mark.parametrize("threads", [1, 3])
def test_the_engine_writes_the_same_whatever_runs_beside(make_engine, folder, threads):
    request = ask(sampling=Sampling(temperature=1.0, seed=3), max_tokens=40)
    options = {"model": folder, "precision": "int4", "threads": threads}
    alone = finish(make_engine(**options), request).text
    others = [ask("in the " * n, id=f"o{n}", tenant=f"t{n}", max_tokens=30) for n in range(1, 6)]
    crowded = run(make_engine(**options, rows=4, chunk=9), *others, request)
    assert crowded["r"][-1].text == alone


def test_shapes_that_do_not_fit_the_tiles_are_left_to_torch(toy):
    assert not supported(ModelConfig.read(toy[0]))
