"""The packaged model beside transformers and PEFT: the same tokens, and how near the numbers are.

In float32 every greedy token is the same, with and without adapters, alone or in a mixed batch.
In bfloat16 both round at every step: the log-probability of a written token then differs from
that of transformers in bfloat16 by less than MEAN_GAP on average and WORST_GAP at most, and the
engine is as far from the float32 truth as transformers in bfloat16 is, give or take a fourth.
"""

import hashlib
import time
from pathlib import Path

import pytest
import torch

from generation.engine import load
from generation.engine.lora.peft import MODULES
from generation.engine.types import AdapterRef, Sampling
from tests.generation.engine.conversations import conversations
from tests.generation.engine.reference import chat_ids
from tests.generation.engine.toys import ask

GREEDY = Sampling(temperature=0, logprobs=0)
MEAN_GAP, WORST_GAP = 0.05, 0.5
LORA = {
    "one": {"r": 1, "lora_alpha": 2, "target_modules": ["q_proj", "v_proj"]},
    "eight": {"r": 8, "lora_alpha": 12, "target_modules": list(MODULES)},
    "rs": {"r": 33, "lora_alpha": 4, "target_modules": ["o_proj", "down_proj"], "use_rslora": True},
}
# How many conversations, and how many tokens of each.
LARGE = pytest.param((60, 24), marks=pytest.mark.prove)
SIZES = [(7, 6), LARGE]
# Processors without instructions for bfloat16 take long over it.
BF16_SIZES = [(4, 6), LARGE]


@pytest.fixture(scope="module")
def peft_model(base_model):
    """The base in transformers, in float32, with three random adapters of PEFT's own making."""
    import peft
    from transformers import AutoModelForCausalLM

    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.float32)
    model.name_or_path = "base"  # Not a path, which our reader would refuse.
    first, *others = [
        (name, peft.LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings))
        for name, settings in LORA.items()
    ]
    model = peft.get_peft_model(model, first[1], adapter_name=first[0])
    for name, settings in others:
        model.add_adapter(name, settings)
    return model.eval()


@pytest.fixture(scope="module")
def saved(peft_model, tmp_path_factory):
    """{name: the adapter as PEFT saved it}, and the bare base under ''."""
    folder = tmp_path_factory.mktemp("peft")
    peft_model.save_pretrained(folder, save_embedding_layers=False)
    return {"": None} | {name: reference(folder / name) for name in LORA}


def reference(folder: Path) -> AdapterRef:
    data = (folder / "adapter_model.safetensors").read_bytes()
    return AdapterRef(folder.name, str(folder), hashlib.sha256(data).hexdigest())


def sample(count):
    """Conversations from all over the list, each with the adapter that answers it."""
    every = conversations()
    chosen = every[:: len(every) // count][:count]
    return list(enumerate(chosen))


class Theirs:
    """transformers and PEFT, one request at a time."""

    def __init__(self, model, folder):
        from transformers import AutoTokenizer

        self.model, self.tokenizer = model, AutoTokenizer.from_pretrained(folder)

    def encode(self, conversation):
        messages = [{"role": turn.role, "content": turn.content} for turn in conversation]
        return chat_ids(self.tokenizer, messages)

    @torch.inference_mode()
    def write(self, ids, adapter, count):
        """The tokens up to the end token."""
        options = {"max_new_tokens": count, "do_sample": False, "pad_token_id": 0}
        output = self.wearing(adapter, lambda model: model.generate(torch.tensor([ids]), **options))
        output = output[0, len(ids) :].tolist()
        stop = self.model.config.eos_token_id
        return output[: output.index(stop)] if stop in output else output

    def wearing(self, adapter, act):
        if not adapter:
            with self.model.disable_adapter():
                return act(self.model.base_model.model)
        self.model.set_adapter(adapter)
        return act(self.model)


def ours(engine, cases, saved, count):
    """{case: (prompt, tokens, log-probabilities)}, all of them in one ragged batch."""
    for place, turns, name in cases:
        key = f"{place}:{name}"
        options = {"adapter": saved[name], "max_tokens": count, "sampling": GREEDY}
        engine.submit(ask("", id=key, tenant=key, messages=turns, **options))
    rows = dict(engine.scheduler.sequences)
    while engine.busy:
        engine.step()
    return {
        key: (row.prompt, row.output, [each.logprob for each in row.logprobs[: len(row.output)]])
        for key, row in rows.items()
    }


@pytest.mark.parametrize("size", SIZES)
def test_every_token_is_that_of_transformers_and_peft(base_model, peft_model, saved, size):
    count, tokens = size
    began = time.process_time()
    cases = [
        (place, turns, name)
        for place, turns in sample(count)
        for name in ("", list(LORA)[place % len(LORA)])
    ]
    engine = load("local", model=base_model, threads=1, rows=12, context=2048, precision="fp32")
    written = ours(engine, cases, saved, tokens)
    engine.close()
    theirs = Theirs(peft_model, base_model)
    wrong, longest, voices = [], 0, set()
    for place, turns, name in cases:
        prompt, output, _ = written[f"{place}:{name}"]
        longest = max(longest, len(prompt))
        voices.add((place, tuple(output)))
        if (theirs.encode(turns), theirs.write(prompt, name, tokens)) != (prompt, output):
            wrong.append((place, name))
    spent = time.process_time() - began
    print(f"attempts={len(cases)} failures={len(wrong)} longest={longest} cpu_s={spent:.0f}")
    assert wrong == []
    assert longest > 512
    # The control: the adapters do change what is written.
    assert len(voices) > 1.5 * count


@pytest.mark.parametrize("size", BF16_SIZES)
def test_bfloat16_stays_as_near_as_transformers_does(base_model, size):
    from transformers import AutoModelForCausalLM

    count, tokens = size
    began = time.process_time()
    cases = [(place, turns, "") for place, turns in sample(count)]
    engine = load("local", model=base_model, threads=1, rows=12, context=2048, precision="bf16")
    written = ours(engine, cases, {"": None}, tokens)
    engine.close()
    model = AutoModelForCausalLM.from_pretrained(base_model, dtype=torch.bfloat16)
    rounded = {key: scores(model, *found[:2]) for key, found in written.items()}
    exact = {key: scores(model.float(), *found[:2]) for key, found in written.items()}
    own = {key: found[2] for key, found in written.items()}
    between, ours_off, theirs_off = gaps(own, rounded), gaps(own, exact), gaps(rounded, exact)
    spent = time.process_time() - began
    print(
        f"tokens={len(between)} mean={between.mean():.4f} worst={between.max():.4f} to_fp32: "
        f"ours={ours_off.mean():.4f} theirs={theirs_off.mean():.4f} cpu_s={spent:.0f}"
    )
    assert between.mean() < MEAN_GAP
    assert between.max() < WORST_GAP
    assert ours_off.mean() < 1.25 * theirs_off.mean() + 0.005


@torch.inference_mode()
def scores(model, prompt, output):
    """The log-probability that the model gives to each written token."""
    logits = model(torch.tensor([prompt + output])).logits[0, len(prompt) - 1 : -1].float()
    picked = torch.tensor(output)[:, None]
    return logits.log_softmax(-1).gather(1, picked)[:, 0].tolist()


def gaps(left, right):
    pairs = [zip(left[key], right[key], strict=True) for key in left]
    return torch.tensor([abs(one - other) for pair in pairs for one, other in pair])
