"""A toy model in a folder, made on the spot, and the ways to run an engine in a test."""

import hashlib
import json

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from generation.engine.types import AdapterRef, Finished, GenerationRequest

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
)
CONFIG = {
    "vocab_size": 263,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "initializer_range": 0.2,
}


def write_toy_tokenizer(folder):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("i", "n"), ("Ġ", "the")]
    tokens = [*SPECIAL, *alphabet, *("".join(pair) for pair in merges)]
    tokenizer = Tokenizer(models.BPE({token: n for n, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "chat_template.jinja").write_text(TEMPLATE)


def write_toy(folder, family="Llama", **changes):
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**CONFIG | changes)
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder)
    write_toy_tokenizer(folder)
    return model


def ask(text="the cat", **changes):
    base = {"id": "r", "tenant": "t", "max_tokens": 12, "prompt": text}
    return GenerationRequest(**base | changes)


def run(engine, *requests):
    """All events until the engine is idle, request by request."""
    for request in requests:
        engine.submit(request)
    events = {request.id: [] for request in requests}
    while engine.busy:
        for event in engine.step():
            events[event.request_id].append(event)
    return events


def finish(engine, request) -> Finished:
    return run(engine, request)[request.id][-1]


def write_adapter(folder, model, **changes):
    """A random LoRA adapter in PEFT's format, and the toy model with it merged into its weights."""
    import copy

    import torch
    from safetensors.torch import save_file

    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "o_proj"]} | changes
    torch.manual_seed(settings.pop("seed", 0))
    rank = settings["r"]
    scale = settings["lora_alpha"] / (rank**0.5 if settings.get("use_rslora") else rank)
    adapted, tensors = copy.deepcopy(model), {}
    for name, module in adapted.named_modules():
        if name.rpartition(".")[2] in settings["target_modules"]:
            out, size = module.weight.shape
            a, b = torch.randn(rank, size) * 0.3, torch.randn(out, rank) * 0.3
            tensors[f"base_model.model.{name}.lora_A.weight"] = a
            tensors[f"base_model.model.{name}.lora_B.weight"] = b
            module.weight.data += scale * b @ a
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "bias": "none"} | settings
    (folder / "adapter_config.json").write_text(json.dumps(config))
    data = (folder / "adapter_model.safetensors").read_bytes()
    return AdapterRef(folder.name, str(folder), hashlib.sha256(data).hexdigest()), adapted
