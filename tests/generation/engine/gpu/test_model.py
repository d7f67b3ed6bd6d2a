"""The decoder for a GPU beside the plain one, on the kernels' plain twins where there is none."""

import copy

import pytest
import torch

from generation.engine import precision
from generation.engine.adapters import Adapter, load_adapter
from generation.engine.config import ModelConfig
from generation.engine.gpu.kernels import PLAIN, compiled
from generation.engine.gpu.model import GpuLlama
from generation.engine.gpu.sampling import DeviceSampler
from generation.engine.model import Batch, Llama, PromptChunk, load_weights
from generation.engine.types import Grammar, Sampling
from tests.generation.engine.gpu.cases import pairs
from tests.generation.engine.toys import ask, finish, run, write_adapter

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def triton_kernels():
    pytest.importorskip("triton")
    return compiled()


@pytest.fixture(
    params=[
        pytest.param(lambda: PLAIN, id="plain"),
        pytest.param(triton_kernels, id="triton", marks=pytest.mark.prove),
    ]
)
def kernels(request):
    return request.param()


@pytest.fixture
def models(toy, kernels, device):
    """Ours, and the plain one on the CPU."""
    folder, _ = toy
    config = ModelConfig.read(folder)
    weights = load_weights(folder, torch.float32)
    there = {name: weight.to(device) for name, weight in weights.items()}
    ours = GpuLlama(config, there, kernels, slots=6, context=80)
    ours.prepare()
    return ours, Llama(config, weights, slots=6, context=80)


def steps(config):
    """Prompts in chunks, single tokens beside them, then single tokens only."""
    chunks = [
        [PromptChunk(0, 0, 37), PromptChunk(1, 0, 3)],
        [PromptChunk(0, 37, 4), PromptChunk(1, 3, 1), PromptChunk(2, 0, 20)],
        [PromptChunk(0, 41, 1), PromptChunk(1, 4, 1), PromptChunk(2, 20, 1)],
        [PromptChunk(0, 42, 1), PromptChunk(2, 21, 1)],
        [PromptChunk(2, 22, 1)],
    ]
    adapters = {0: 3, 1: 16, 2: None}
    for number, own in enumerate(chunks):
        total = sum(chunk.count for chunk in own)
        tokens = [(5 * place + number) % config.vocab_size for place in range(total)]
        wanted = [total - 1] if number == 3 else list(range(total))
        yield tokens, own, wanted, [adapters[chunk.slot] for chunk in own]


def test_its_logits_are_those_of_the_plain_decoder(models):
    config = models[0].config
    bound = [
        {rank: Adapter(str(rank), model.bind(pairs(config, rank))) for rank in (3, 16)}
        for model in models
    ]
    for tokens, chunks, wanted, ranks in steps(config):
        ours, theirs = (
            model.forward(Batch(tokens, chunks, wanted, [own.get(rank) for rank in ranks]))
            for model, own in zip(models, bound, strict=True)
        )
        assert ours.device == models[0].logits_device
        torch.testing.assert_close(ours.cpu(), theirs, atol=2e-4, rtol=1e-4)


def test_padding_changes_nothing_that_is_read(models):
    ours, _ = models
    for side in (ours.cache.keys, ours.cache.values):
        torch.nn.init.normal_(side)
    before = copy.deepcopy(ours.cache)
    ours.forward(
        Batch(
            [4, 5, 6], [PromptChunk(0, 9, 1), PromptChunk(3, 2, 1), PromptChunk(5, 0, 1)], [0, 1, 2]
        )
    )
    pairs = ((before.keys, ours.cache.keys), (before.values, ours.cache.values))
    for old, new in pairs:
        changed = (old != new).any(-1).any(2).any(0).nonzero().tolist()
        # Three rows fill a bucket of four: the fourth writes into the slot beyond the last.
        assert changed == [[0, 9], [3, 2], [5, 0], [6, 0]]


def test_a_broken_row_spoils_no_other(models):
    ours, theirs = models
    for model in models:
        model.forward(Batch([4, 5, 6, 7], [PromptChunk(0, 0, 2), PromptChunk(1, 0, 2)], [1, 3]))
        model.cache.values[:, 0, :, 0] = torch.nan
    asked = Batch([8, 9], [PromptChunk(0, 2, 1), PromptChunk(1, 2, 1)], [0, 1])
    logits = ours.forward(asked).cpu()
    assert not logits[0].isfinite().all()
    torch.testing.assert_close(logits[1], theirs.forward(asked)[1], atol=2e-4, rtol=1e-4)


@pytest.fixture
def make_gpu_engine(make_engine, monkeypatch, kernels, device):
    """The real engine over our decoder."""

    def load(base, slots, context):
        weights = load_weights(base.folder, torch.float32, device.type)
        model = GpuLlama(base.config, weights, kernels, slots=slots, context=context)
        model.prepare()
        return model

    def make(**options):
        with monkeypatch.context() as patch:
            patch.setattr(precision.Base, "load", load)
            return make_engine(device=device.type, **options)

    return make


def requests(tmp_path, theirs):
    first, _ = write_adapter(tmp_path / "a", theirs, r=3, target_modules=MODULES)
    second, _ = write_adapter(tmp_path / "b", theirs, r=16, seed=1)
    adapters = [first, None, second, first, None]
    texts = ["in the hat", "the cat", "a longer beginning of a text", "on", "what the"]
    return [
        ask(text, id=str(n), tenant=str(n), adapter=own, sampling=Sampling(temperature=0))
        for n, (text, own) in enumerate(zip(texts, adapters, strict=True))
    ]


def test_the_engine_writes_the_same_over_it(make_engine, make_gpu_engine, toy, tmp_path):
    asked = requests(tmp_path, toy[1])
    options = {"rows": 4, "chunk": 16, "busy_chunk": 5, "context": 96}
    ours = run(make_gpu_engine(**options), *asked)
    theirs = run(make_engine(**options), *asked)
    for request in asked:
        mine, other = ours[request.id][-1], theirs[request.id][-1]
        assert mine.text == other.text
        assert mine.adapter_sha256 == (request.adapter.sha256 if request.adapter else None)


def test_the_hash_that_is_told_is_of_what_the_kernels_read(toy, models, tmp_path):
    ours, _ = models
    ref, _ = write_adapter(tmp_path / "adapter", toy[1])
    own = load_adapter(ref, ours.config, "", ours.bind)
    asked = Batch([1, 2], [PromptChunk(0, 0, 1), PromptChunk(1, 0, 1)], [0, 1], [None, own])
    assert asked.hashes() == [{None}, {ref.sha256}]
    ours.forward(asked)
    step = ours.graphs.inputs.step(2, adapted=True)
    assert step.adapter_tiles.T.tolist() == [[1, 1, own.layout.address], [0, 0, 0]]


def test_a_prefix_is_copied_between_slots(make_engine, make_gpu_engine):
    asked = ask("in the hat in the hat", sampling=Sampling(temperature=0))
    engine = make_gpu_engine(rows=2, context=96)
    first = finish(engine, asked)
    again = finish(engine, ask(asked.prompt, id="again", sampling=asked.sampling))
    assert again.cached_tokens > 0
    assert again.text == first.text == finish(make_engine(), asked).text


WAYS = [
    {"sampling": Sampling(temperature=1.0, seed=5)},
    {"sampling": Sampling(temperature=0.8, seed=6, top_p=0.9, presence_penalty=0.5)},
    {"sampling": Sampling(temperature=0.7, seed=7, top_k=20, repetition_penalty=1.2, logprobs=2)},
    {"sampling": Sampling(temperature=1.0, seed=8), "grammar": Grammar.regex("[a-c ]{4,9}")},
    {"sampling": Sampling(temperature=0), "min_tokens": 6, "banned": ("the",)},
]


def test_choosing_where_the_logits_are_writes_the_same(make_engine, make_gpu_engine):
    engine = make_gpu_engine(rows=4, context=96)
    engine.logits_processor.sampler = DeviceSampler()
    asked = [ask("in the hat", id=str(n), tenant=str(n), **way) for n, way in enumerate(WAYS)]
    ours, theirs = run(engine, *asked), run(make_engine(rows=4, context=96), *asked)
    for request in asked:
        assert ours[request.id][-1].text == theirs[request.id][-1].text
    told, expected = (
        [pair for event in events["2"][:-1] for pair in event.logprobs] for events in (ours, theirs)
    )
    assert [each.token for each in told] == [each.token for each in expected]
