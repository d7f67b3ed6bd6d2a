"""Architectures that are not ours run through transformers, with everything else as ever."""

import json

import pytest

from generation.engine.types import AdapterRef, EngineError, Failed, Grammar, Sampling
from tests.generation.engine.test_local import GREEDY, reference
from tests.generation.engine.toys import ask, finish, run, write_toy

FAMILIES = {
    "GPT2": {},
    "GPTNeoX": {},
    "Phi": {},
    # A window shorter than the prompts, in every second layer.
    "Gemma2": {"sliding_window": 16, "query_pre_attn_scalar": 8},
}


@pytest.fixture(scope="module", params=FAMILIES)
def other(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    return folder, write_toy(folder, request.param, **FAMILIES[request.param])


def test_ragged_batches_equal_transformers(make_engine, other):
    folder, model = other
    engine = make_engine(model=folder, rows=3, chunk=16, busy_chunk=5)
    texts = [f"{'the cat ' * n}{n}" for n in range(1, 7)]
    for text in texts:
        engine.submit(ask(text, id=text, tenant=text, max_tokens=16, sampling=GREEDY))
    rows = dict(engine.scheduler.sequences)
    while engine.busy:
        engine.step()
    assert [rows[text].output for text in texts] == [
        reference(model, engine.tokenizer.encode(text), 16) for text in texts
    ]


def test_prefixes_seeds_and_grammars_work(make_engine, other):
    engine = make_engine(model=other[0])
    request = ask("the hat " * 9, sampling=Sampling(seed=3), max_tokens=20)
    first, again = finish(engine, request), finish(engine, request)
    assert (first.text, first.cached_tokens) == (again.text, 0)
    assert again.cached_tokens > 30
    grammar = Grammar.choice(["yes", "no"])
    assert finish(engine, ask(grammar=grammar)).text in ("yes", "no")


def test_an_adapter_is_refused_with_a_clear_code(make_engine, other):
    ref = AdapterRef("a", "/nowhere", "0" * 64)
    event = run(make_engine(model=other[0]), ask(adapter=ref))["r"][-1]
    assert isinstance(event, Failed)
    assert event.code == "adapter_not_available"


def test_four_bits_are_refused(make_engine, other):
    with pytest.raises(EngineError) as caught:
        make_engine(model=other[0], precision="int4")
    assert caught.value.code == "model_unsupported"


@pytest.mark.parametrize("changes", [{"model_type": "no_such_thing"}, {"model_type": "mamba"}])
def test_what_transformers_cannot_run_so_is_refused(make_engine, tmp_path, changes):
    write_toy(tmp_path, "GPT2")
    config = json.loads((tmp_path / "config.json").read_text())
    architectures = {"architectures": ["MambaForCausalLM"], "hidden_size": 32}
    (tmp_path / "config.json").write_text(json.dumps(config | architectures | changes))
    with pytest.raises(EngineError) as caught:
        make_engine(model=tmp_path)
    assert caught.value.code == "model_unsupported"
