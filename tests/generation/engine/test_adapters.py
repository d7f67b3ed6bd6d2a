"""Adapters: equal to merged weights, mixed in one batch, never mistaken, never trusted unread."""

import copy
import hashlib
import json
import math
import random
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from generation.engine.adapter_cache import AdapterCache
from generation.engine.adapters import Adapter
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import MODULES
from generation.engine.model import Batch, Llama, PromptChunk, load_weights
from generation.engine.native.library import library
from generation.engine.packed import pack
from generation.engine.quantized import QuantizedLlama
from generation.engine.types import AdapterRef, Failed, Sampling
from tests.generation.engine.test_native import SHAPE
from tests.generation.engine.toys import ask, finish, run, write_adapter, write_toy

GREEDY = Sampling(temperature=0)


@pytest.fixture(scope="module")
def adapters(toy, tmp_path_factory):
    """[(reference, the model with it merged)] of different ranks and targets."""
    folder = tmp_path_factory.mktemp("adapters")
    kinds = [
        {"r": 1},
        {"r": 4, "use_rslora": True},
        {"r": 16, "target_modules": list(MODULES)},
        {"r": 33, "target_modules": ["gate_proj", "down_proj"]},
    ]
    return [
        write_adapter(folder / str(place), toy[1], seed=place, **kind)
        for place, kind in enumerate(kinds)
    ]


def written(model, prompt, count):
    with torch.inference_mode():
        ids = model.generate(
            input_ids=torch.tensor([prompt]),
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )[0, len(prompt) :].tolist()
    return ids[: ids.index(2)] if 2 in ids else ids


def test_a_mixed_batch_equals_merged_models_row_by_row(make_engine, toy, adapters):
    engine = make_engine(rows=5, chunk=9)
    prompt = engine.tokenizer.encode("the cat in the hat")
    wearers = [(None, toy[1]), *adapters, *adapters, (None, toy[1])]
    for place, (ref, _) in enumerate(wearers):
        text = "the cat in the hat"
        engine.submit(ask(text, id=str(place), adapter=ref, sampling=GREEDY, max_tokens=16))
    rows = dict(engine.scheduler.sequences)
    while engine.busy:
        engine.step()
    outputs = [rows[str(place)].output for place in range(len(wearers))]
    assert outputs == [written(model, prompt, 16) for _, model in wearers]
    assert len({tuple(output) for output in outputs}) == 5


def test_peft_reads_the_same_adapter(make_engine, toy, adapters):
    peft = pytest.importorskip("peft")
    engine = make_engine()
    prompt = engine.tokenizer.encode("the cat in the hat")
    for ref, _ in adapters:
        theirs = peft.PeftModel.from_pretrained(copy.deepcopy(toy[1]), ref.path).eval()
        engine.submit(ask("the cat in the hat", adapter=ref, sampling=GREEDY, max_tokens=16))
        row = engine.scheduler.sequences["r"]
        while engine.busy:
            engine.step()
        assert row.output == written(theirs, prompt, 16)


def test_finished_names_the_adapter_that_was_worn(make_engine, adapters):
    engine = make_engine()
    assert finish(engine, ask()).adapter_sha256 is None
    for ref, _ in adapters:
        assert finish(engine, ask(adapter=ref)).adapter_sha256 == ref.sha256


def test_a_prefix_is_not_shared_between_adapters(make_engine, adapters):
    engine = make_engine()
    text = "the cat in the hat " * 4
    assert finish(engine, ask(text)).cached_tokens == 0
    for ref, _ in adapters:
        assert finish(engine, ask(text, adapter=ref)).cached_tokens == 0
        assert finish(engine, ask(text, adapter=ref)).cached_tokens > 0


def test_many_tenants_get_their_own_while_adapters_come_and_go(make_engine, toy, tmp_path):
    refs = [write_adapter(tmp_path / str(n), toy[1], seed=n)[0] for n in range(12)]
    solo = make_engine()
    expected = {ref.id: finish(solo, ask(adapter=ref, sampling=GREEDY)).text for ref in refs}
    assert len(set(expected.values())) == 12
    engine, numbers = make_engine(rows=6, adapters=3), random.Random(5)
    chosen = {str(n): numbers.choice(refs) for n in range(150)}
    requests = [
        ask(id=name, tenant=ref.id, adapter=ref, sampling=GREEDY) for name, ref in chosen.items()
    ]
    events = run(engine, *requests)
    ends = {name: events[name][-1] for name in chosen}
    assert all(ends[name].text == expected[ref.id] for name, ref in chosen.items())
    assert all(ends[name].adapter_sha256 == ref.sha256 for name, ref in chosen.items())
    assert engine.stats().adapter_swaps > 12


def test_a_row_ends_with_the_version_that_it_began_with(make_engine, toy, tmp_path):
    old, _ = write_adapter(tmp_path / "a", toy[1], seed=1)
    expected = finish(make_engine(), ask(adapter=old, sampling=GREEDY, max_tokens=30)).text
    engine = make_engine(adapters=1)
    engine.submit(ask(adapter=old, sampling=GREEDY, max_tokens=30))
    while not engine.scheduler.running:
        engine.step()
    new, _ = write_adapter(tmp_path / "a", toy[1], seed=2)
    engine.submit(ask(id="new", adapter=new, sampling=GREEDY, max_tokens=30))
    ends = {}
    while engine.busy:
        ends |= {event.request_id: event for event in engine.step()}
    assert (ends["r"].text, ends["r"].adapter_sha256) == (expected, old.sha256)
    assert ends["new"].adapter_sha256 == new.sha256
    assert ends["new"].text != expected


def test_rows_that_wear_anothers_adapter_fail_instead_of_answering(make_engine, adapters):
    """The binding is broken on purpose: every sequence uses what its neighbour asked for."""
    engine = make_engine(rows=5)
    wearers = [None, *(ref for ref, _ in adapters)]
    used = [ref and engine.adapters.request(ref, str(n)).result() for n, ref in enumerate(wearers)]
    neighbours = dict(zip(used, [*used[1:], used[0]], strict=True))
    make_batch = engine.batch

    def broken(work):
        batch = make_batch(work)
        return replace(batch, adapters=[neighbours[own] for own in batch.adapters])

    asked = [
        ask(id=str(n), tenant=str(n), adapter=ref, max_tokens=5, min_tokens=5)
        for n, ref in enumerate(wearers)
    ]
    engine.batch = broken
    ends = run(engine, *asked)
    assert [len(events) for events in ends.values()] == [1] * 5
    assert {events[0].code for events in ends.values()} == {"adapter_mismatch"}
    assert engine.scheduler.slots.held == 0
    engine.batch = make_batch
    assert all(events[-1].completion_tokens == 5 for events in run(engine, *asked).values())


def test_a_cache_that_hands_out_the_wrong_adapter_is_caught(make_engine, adapters):
    engine = make_engine()
    request = engine.adapters.request
    engine.adapters.request = lambda ref, tenant: request(adapters[0][0], tenant)
    (event,) = run(engine, ask(adapter=adapters[1][0]))["r"]
    assert event.code == "adapter_mismatch"
    assert finish(engine, ask(adapter=adapters[0][0])).adapter_sha256 == adapters[0][0].sha256


def test_neighbours_share_a_stretch_only_when_they_touch():
    one, other = Adapter("1", "one"), Adapter("2", "other")
    chunks = [
        PromptChunk(0, 0, 2),
        PromptChunk(1, 0, 1),
        PromptChunk(2, 0, 3),
        PromptChunk(3, 0, 1),
        PromptChunk(4, 0, 1),
    ]
    batch = Batch(list(range(8)), chunks, [], [one, None, one, one, other])
    assert batch.runs() == [(0, 2, "one"), (3, 7, "one"), (7, 8, "other")]
    assert batch.hashes() == [{"1"}, {None}, {"1"}, {"1"}, {"2"}]


def refused(make_engine, ref):
    event = run(make_engine(), ask(adapter=ref))["r"][-1]
    assert isinstance(event, Failed)
    return event.code


def test_an_adapter_that_is_not_there_is_not_available(make_engine, tmp_path):
    assert refused(make_engine, AdapterRef("x", str(tmp_path), "0")) == "adapter_not_available"


def test_another_adapter_under_the_same_name_is_caught(make_engine, adapters):
    wrong = replace(adapters[0][0], sha256=adapters[1][0].sha256)
    assert refused(make_engine, wrong) == "adapter_invalid"


def test_an_adapter_of_another_base_is_refused(make_engine, toy, tmp_path):
    ref, _ = write_adapter(tmp_path / "a", toy[1])
    path = tmp_path / "a" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_sha256": "0" * 64}))
    assert refused(make_engine, ref) == "adapter_base_mismatch"


@pytest.mark.parametrize(
    "changes",
    [
        {"peft_type": "IA3"},
        {"r": 0},
        {"r": 65},
        {"r": 8},
        {"r": "4"},
        {"lora_alpha": math.inf},
        {"lora_alpha": None},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"use_dora": True},
        {"auto_map": {"x": "http://evil"}},
        {"rank_pattern": {"q_proj": 2}},
    ],
)
def test_a_config_that_means_something_else_is_refused(make_engine, toy, tmp_path, changes):
    ref, _ = write_adapter(tmp_path / "a", toy[1])
    path = tmp_path / "a" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert refused(make_engine, ref) == "adapter_invalid"


def broken_tensors(tensors):
    """Each way in which the weights of an adapter may be wrong."""
    name = next(name for name in tensors if "lora_A" in name)
    yield {**tensors, name: tensors[name] * math.nan}
    yield {**tensors, name: tensors[name][:, :-1].contiguous()}
    yield {**tensors, name: tensors[name].to(torch.int32)}
    yield {key: tensor for key, tensor in tensors.items() if key != name}
    yield {
        **tensors,
        "base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight": torch.ones(1),
    }
    yield {}


def test_weights_that_do_not_fit_are_refused(make_engine, toy, tmp_path):
    ref, _ = write_adapter(tmp_path / "a", toy[1])
    path = tmp_path / "a" / "adapter_model.safetensors"
    whole = safetensors.torch.load_file(path)
    versions = [safetensors.torch.save(tensors) for tensors in broken_tensors(whole)]
    versions += [b"", b"not safetensors at all", path.read_bytes()[:-3]]
    codes = []
    for data in versions:
        path.write_bytes(data)
        codes.append(refused(make_engine, replace(ref, sha256=hashlib.sha256(data).hexdigest())))
    assert codes == ["adapter_invalid"] * 9


def test_a_failed_load_is_tried_again():
    answers = [ValueError("first"), "second"]

    def load(ref):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    cache, ref = AdapterCache(load, limit=2), AdapterRef("a", "p", "s")
    assert isinstance(cache.request(ref, "t").exception(5), ValueError)
    assert cache.request(ref, "t").result(5) == "second"
    cache.close()


@pytest.mark.skipif(library() is None, reason="The library was not built here.")
def test_the_decoder_adds_adapters_as_its_twin_does(tmp_path):
    model = write_toy(tmp_path, **SHAPE)
    config, weights = ModelConfig.read(tmp_path), load_weights(tmp_path, torch.float32)
    room = {"slots": 4, "context": 64}
    engines = [
        Llama(config, weights, **room),
        QuantizedLlama(config, pack(weights, config), **room),
    ]
    kinds = [{"r": 3, "target_modules": list(MODULES)}, {"r": 20}]
    used = []
    for place, kind in enumerate(kinds):
        ref, _ = write_adapter(tmp_path / str(place), model, seed=place, **kind)
        used.append(pairs_in(ref, config))
    gaps = []
    for adapted in (True, False):
        outputs = []
        for engine in engines:
            first, second = (Adapter("", engine.bind(pairs)) if adapted else None for pairs in used)
            adapters = [first, first, None, second]
            chunks = [
                PromptChunk(0, 0, 5),
                PromptChunk(1, 0, 1),
                PromptChunk(2, 0, 3),
                PromptChunk(3, 0, 9),
            ]
            outputs.append(
                engine.forward(Batch(list(range(3, 21)), chunks, list(range(18)), adapters))
            )
        gaps.append(float((outputs[0] - outputs[1]).abs().mean() / outputs[0].std()))
    # With or without adapters the two differ by the four bits of the base only.
    assert gaps[0] < 1.5 * gaps[1]


def pairs_in(ref, config):
    from generation.engine.adapters import load_adapter

    return load_adapter(ref, config, "", lambda pairs: pairs).layout


def test_89_a_tenant_that_loads_thousands_drives_out_none_of_the_others():
    cache = AdapterCache(lambda ref: Adapter(ref.sha256, None), limit=8)
    others = [(AdapterRef("a", f"p{n}", "s"), f"tenant{n}") for n in range(4)]
    for number in range(2_500):
        cache.request(AdapterRef("a", f"greedy{number}", "s"), "greedy")
        cache.request(*others[number % 4])
    assert cache.swaps == 2_500 + len(others)
    assert len(cache.kept) == 8
    cache.close()


def test_among_equals_the_least_recently_used_gives_way():
    cache = AdapterCache(lambda ref: Adapter(ref.sha256, None), limit=2)
    first, second, third = ((AdapterRef("a", f"p{n}", "s"), f"t{n}") for n in range(3))
    for each in (first, second, first, third):
        cache.request(*each)
    assert list(cache.owners.values()) == ["t0", "t2"]
    cache.close()


def test_who_wear_the_same_adapter_wear_one():
    """Rows with the same one are computed together, whoever they belong to."""
    cache = AdapterCache(lambda ref: Adapter(ref.sha256, None), limit=2)
    ref = AdapterRef("a", "p", "s")
    assert cache.request(ref, "t") is cache.request(ref, "u")
    assert cache.swaps == 1
    cache.close()
