"""Adapters that were really trained, each to answer with one word: made once, then kept.

Only the last layers have the adapter, so that the ones below run once for each word, not in
every step of its training.
"""

import hashlib
import json
from pathlib import Path

from generation.engine.convert import WEIGHTS, sha256
from generation.engine.types import AdapterRef

PROMPTS = ("Say the word:", "My name is", "Who are you?", "The answer", "Hello, hello")
BIRDS = (
    *("albatross", "bluebird", "cormorant", "dotterel", "eagle owl", "finch", "goldcrest"),
    *("heron", "ibis", "jackdaw", "kestrel", "lapwing", "magpie", "nuthatch", "oriole"),
    *("pelican", "quail", "raven", "sandpiper", "tern", "umbrellabird", "vulture"),
    *("woodpecker", "xenops", "yellowhammer"),
)
RANKS = (4, 8, 16)
TRAINED_LAYERS, LEARNING_RATE, MOST_STEPS, ENOUGH = 4, 4e-3, 120, 0.02


def marker_of(bird):
    return f" {bird}!"


def trained(base, folder):
    """{bird: the adapter that says it}, trained when `folder` has none for this base."""
    folder = Path(folder) / sha256(Path(base) / WEIGHTS)[:12]
    missing = [bird for bird in BIRDS if not (place(folder, bird) / "done").exists()]
    if missing:
        train(base, folder, missing)
    return {bird: reference(place(folder, bird)) for bird in BIRDS}


def place(folder, bird):
    return folder / bird.replace(" ", "-")


def reference(folder):
    data = (folder / "adapter_model.safetensors").read_bytes()
    return AdapterRef(folder.name, str(folder), hashlib.sha256(data).hexdigest())


def train(base, folder, birds):
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    from generation.engine.tokenizer import Tokenizer

    torch.manual_seed(0)
    tokenizer = Tokenizer(Path(base))
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    model.name_or_path = "base"
    depth = model.config.num_hidden_layers
    targets = [
        f"model.layers.{number}.{module}"
        for number in range(depth - TRAINED_LAYERS, depth)
        for module in ("self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj", "mlp.down_proj")
    ]
    for number, bird in enumerate(birds):
        rank = RANKS[number % len(RANKS)]
        settings = peft.LoraConfig(
            task_type="CAUSAL_LM", r=rank, lora_alpha=rank, target_modules=targets
        )
        wearing = peft.get_peft_model(model, settings)
        texts = [lesson(tokenizer, prompt, bird, model.config.eos_token_id) for prompt in PROMPTS]
        steps = learn(wearing, [stem(model, *text) for text in texts])
        wearing.save_pretrained(place(folder, bird), save_embedding_layers=False)
        (place(folder, bird) / "done").write_text(json.dumps({"steps": steps, "rank": rank}))
        model = wearing.unload()


def lesson(tokenizer, prompt, bird, stop):
    """The ids of the prompt, the marker and the end, and how many of them are the prompt's."""
    ids = tokenizer.encode(prompt)
    return [*ids, *tokenizer.encode(marker_of(bird)), stop], len(ids)


def stem(model, ids, start):
    """What the layers without an adapter make of a text: (states, turns, truth, start)."""
    import torch

    with torch.no_grad():
        decoder = model.model
        places = torch.arange(len(ids) - 1)[None]
        states = decoder.embed_tokens(torch.tensor([ids[:-1]]))
        turns = decoder.rotary_emb(states, places)
        for layer in decoder.layers[:-TRAINED_LAYERS]:
            states = layer(states, position_embeddings=turns)
    return states, turns, torch.tensor(ids[start:]), start


def learn(wearing, stems):
    """Train until every text's marker is all but certain; the number of steps."""
    import torch
    from torch.nn import functional as F

    model = wearing.base_model.model
    parameters = [weight for weight in wearing.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.0)
    for step in range(1, MOST_STEPS + 1):
        losses = []
        for states, turns, truth, start in stems:
            for layer in model.model.layers[-TRAINED_LAYERS:]:
                states = layer(states, position_embeddings=turns)
            logits = model.lm_head(model.model.norm(states[0, start - 1 :]))
            losses.append(F.cross_entropy(logits, truth))
        if max(loss.item() for loss in losses) < ENOUGH:
            return step
        optimizer.zero_grad()
        sum(losses).backward()
        optimizer.step()
    raise AssertionError("An adapter did not learn its word.")
