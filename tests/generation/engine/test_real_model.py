"""The packaged SmolLM2: the same tokens as transformers, and text that can be read."""

import json

import pytest
import torch

from generation.engine import load
from generation.engine.model import Batch, PromptChunk
from generation.engine.packed import supported
from generation.engine.precision import Base
from generation.engine.types import Grammar, Message, Sampling
from tests.generation.engine.reference import chat_ids
from tests.generation.engine.toys import ask, finish

PROMPTS = (
    "Write one sentence about coffee in Lisbon.",
    "List three fruits.\n\n1.",
    "Summarise: the shop opens at 8 and closes at 17. It sells bread, cakes and tea.",
)
TEXT = (
    "The bakery on the corner opens at six in the morning. Its bread is made by hand, with flour "
    "from a mill nearby, and by noon most of it is gone. On Saturdays people wait in a line that "
    "reaches the bus stop, and the baker's daughter brings them coffee while they talk."
)


@pytest.fixture(scope="module")
def engine(base_model):
    engine = load("local", model=base_model, threads=1, context=1024, precision="fp32")
    yield engine
    engine.close()


def chat(text, **changes):
    return ask("", messages=(Message("user", text),), **changes)


def test_greedy_tokens_equal_those_of_transformers(engine, base_model):
    from transformers import AutoTokenizer, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(base_model)
    model = LlamaForCausalLM.from_pretrained(base_model, dtype=torch.float32)
    for text in PROMPTS:
        ids = torch.tensor([chat_ids(tokenizer, [{"role": "user", "content": text}])])
        output = model.generate(ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :]
        expected = tokenizer.decode(output, skip_special_tokens=True)
        request = chat(text, id=text, max_tokens=24, sampling=Sampling(temperature=0))
        assert finish(engine, request).text == expected


def test_four_bits_read_a_text_almost_as_well(engine, base_model):
    if not supported(engine.config):
        pytest.skip("The library was not built here.")
    ids = engine.tokenizer.encode(TEXT)
    batch = Batch(ids, [PromptChunk(0, 0, len(ids))], list(range(len(ids) - 1)))
    small = Base(base_model, engine.config, "int4").load(1, 256)
    truth = torch.tensor(ids[1:])
    exact, rough = engine.model.forward(batch), small.forward(batch)
    losses = [float(torch.nn.functional.cross_entropy(each, truth)) for each in (exact, rough)]
    same = float((exact.argmax(-1) == rough.argmax(-1)).float().mean())
    assert losses[1] < losses[0] + 0.05
    assert same > 0.85


def test_a_schema_is_kept_with_a_real_vocabulary(engine):
    schema = {
        "type": "object",
        "properties": {"headline": {"type": "string", "minLength": 3, "maxLength": 30}},
        "required": ["headline"],
        "additionalProperties": False,
    }
    request = chat(
        "Write a headline for a bakery.",
        max_tokens=60,
        grammar=Grammar.json_schema(schema),
        sampling=Sampling(seed=1),
    )
    assert 3 <= len(json.loads(finish(engine, request).text)["headline"]) <= 30


def test_a_banned_word_is_written_around(engine):
    request = chat("Say the word coffee.", max_tokens=30, banned=("coffee",))
    assert "coffee" not in finish(engine, request).text.lower()


def test_a_long_ugly_prompt_is_counted_quickly(engine):
    assert engine.count_tokens("\u0301" * 100_000) == 200_000
