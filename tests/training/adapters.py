"""Adapters for tests, written byte by byte: good ones, and one of each way to be bad."""

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.engine.lora.peft import MODULES, module_sizes, tensor_name

CONFIG = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 4,
    "lora_alpha": 8,
    "target_modules": ["q_proj", "v_proj"],
    "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "bias": "none",
}


@dataclass(frozen=True)
class Toy:
    """A decoder so small that its adapters fit into a line."""

    layers: int = 2
    hidden_size: int = 16
    intermediate_size: int = 24
    query_size: int = 16
    kv_size: int = 8


TOY = Toy()
FIRST = tensor_name(0, "q_proj", "A")


def tensors(*, rank: int = 4, seed: int = 0, shape: Toy = TOY) -> dict[str, np.ndarray]:
    """A (rank, in) and B (out, rank) of each targeted module."""
    numbers = np.random.default_rng(seed)
    found = {}
    for layer in range(shape.layers):
        for module in CONFIG["target_modules"]:
            size, out = module_sizes(shape)[module]
            for side, sizes in (("A", (rank, size)), ("B", (out, rank))):
                values = numbers.normal(size=sizes).astype("<f4")
                found[tensor_name(layer, module, side)] = values
    return found


def pack(header: Any, body: bytes) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def described(given: Mapping[str, np.ndarray], dtype: str = "F32") -> tuple[dict[str, Any], bytes]:
    """(header, body) of a safetensors file."""
    header, body = {}, b""
    for name, values in given.items():
        data = values.tobytes()
        places = [len(body), len(body) + len(data)]
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": places}
        body += data
    return header, body


def weights(**options: Any) -> bytes:
    return pack(*described(tensors(**options)))


def config(**changes: Any) -> bytes:
    return json.dumps(CONFIG | changes).encode()


Case = tuple[str, str, bytes]


def bad_weights() -> Iterator[Case]:
    """(what is wrong, the reason that must be given, the file)."""
    yield from bad_headers()
    yield from bad_entries()
    yield from bad_tensors()


def bad_headers() -> Iterator[Case]:
    header, body = described(tensors())
    yield "empty file", "header", b""
    yield "seven bytes", "header", b"\x02\0\0\0\0\0\0"
    yield "text", "header", b"not safetensors at all, but long enough to look at"
    yield "header of 200 MB", "header", struct.pack("<Q", 200 * 2**20) + b"{}"
    yield "header past the end", "header", struct.pack("<Q", 4096) + b"{}" + body
    yield "header of 2^63", "header", struct.pack("<Q", 2**63) + b"{}"
    yield "header is no JSON", "header", pack(b"{]" + b" " * 10, body)
    yield "header is a list", "header", pack([], b"")
    yield "header is not UTF-8", "header", pack(b'{"\xff": 1}', body)
    yield "header nested deeply", "header", pack(b"[" * 100_000 + b"]" * 100_000, b"")
    twice = json.dumps({FIRST: header[FIRST]})[1:-1].encode()
    yield "a name twice", "header", pack(b"{" + twice + b"," + twice + b"}", body)
    yield "cut off", "offsets", pack(header, body)[:-3]
    yield "bytes behind", "offsets", pack(header, body + b"hidden")
    yield "no tensors", "empty", pack({}, b"")
    yield "metadata alone", "empty", pack({"__metadata__": {"format": "pt"}}, b"")


def bad_entries() -> Iterator[Case]:
    header, body = described(tensors())

    def changed(**values: Any) -> bytes:
        return pack({**header, FIRST: {**header[FIRST], **values}}, body)

    start, end = header[FIRST]["data_offsets"]
    yield "integers", "dtype", changed(dtype="I32")
    yield "eight bits", "dtype", changed(dtype="F8_E4M3")
    yield "unknown dtype", "dtype", changed(dtype="OBJECT")
    yield "dtype is a number", "dtype", changed(dtype=4)
    yield "dtype lies", "offsets", changed(dtype="F16")
    yield "negative offset", "header", changed(data_offsets=[-4, end])
    yield "offsets turned round", "offsets", changed(data_offsets=[end, start])
    yield "overlap", "offsets", changed(data_offsets=[start + 4, end + 4])
    yield "offset of 2^70", "header", changed(data_offsets=[2**70, 2**70 + end])
    yield "offsets are texts", "header", changed(data_offsets=["0", str(end)])
    yield "offset is a float", "header", changed(data_offsets=[0.0, end])
    yield "three offsets", "header", changed(data_offsets=[start, end, end])
    yield "shape of 10^9", "offsets", changed(shape=[10**9, 16])
    yield "shape overflows", "offsets", changed(shape=[2**62, 2**62])
    yield "negative shape", "header", changed(shape=[-4, -16])
    yield "shape of 100 dimensions", "header", changed(shape=[1] * 100)
    yield "strange key", "header", changed(loader="os.system")
    yield "a tensor is a list", "header", pack({**header, FIRST: [1]}, body)


def bad_tensors() -> Iterator[Case]:
    good = tensors()

    def with_tensor(name: str, values: np.ndarray | None) -> bytes:
        kept = {key: each for key, each in good.items() if key != name}
        return pack(*described(kept if values is None else {**kept, name: values}))

    values = good[FIRST]
    for name, number in (("NaN", math.nan), ("infinity", math.inf), ("65,536", 65536.0)):
        broken = values.copy()
        broken[0, 0] = number
        yield name, "not_finite", with_tensor(FIRST, broken)
    yield "half of a pair", "shape", with_tensor(FIRST, None)
    yield "another rank", "shape", with_tensor(FIRST, values[:3].copy())
    yield "too narrow", "shape", with_tensor(FIRST, values[:, :-1].copy())
    yield "turned", "shape", with_tensor(FIRST, values.T.copy())
    yield "flat", "shape", with_tensor(FIRST, values.reshape(-1))
    yield "a layer too many", "unknown_tensor", with_tensor(tensor_name(9, "q_proj", "A"), values)
    for name in ("lm_head.weight", "../../x", "/etc/passwd", FIRST.replace("q_proj", "x_proj")):
        yield f"tensor {name[-20:]}", "unknown_tensor", with_tensor(name, values)
    wrong_part = FIRST.replace("self_attn", "mlp")
    yield "module elsewhere", "unknown_tensor", with_tensor(wrong_part, values)


def bad_configs() -> Iterator[Case]:
    """(what is wrong, the reason that must be given, the file)."""
    yield "no JSON", "config", b"{"
    yield "a list", "config", b"[]"
    yield "not UTF-8", "config", b'{"r": "\xff"}'
    yield "too large", "config", config(padding="x" * 70_000)
    yield "nested deeply", "config", b"[" * 60_000
    for rank in (0, -1, 65, 10**6, "4", 4.0, True, None):
        yield f"rank {rank!r}", "rank", config(r=rank)
    for alpha in (None, "8", math.inf, math.nan, 0, 1e300, True):
        yield f"alpha {alpha!r}", "config", config(lora_alpha=alpha)
    yield "another method", "config", config(peft_type="IA3")
    yield "DoRA", "config", config(use_dora=True)
    yield "ranks by module", "config", config(rank_pattern={"q_proj": 2})
    yield "biases", "config", config(bias="all")
    yield "whole modules", "config", config(modules_to_save=["lm_head"])
    for begun in ("pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga", "some_day"):
        yield f"begins with {begun}", "config", config(init_lora_weights=begun)
    yield "new words", "config", config(trainable_token_indices=[0])
    yield "new words by layer", "config", config(trainable_token_indices={"embed_tokens": [1]})
    yield "alphas by module", "config", config(alpha_pattern={"q_proj": 64})
    yield "more layers", "config", config(layer_replication=[[0, 4]])
    yield "KaSA", "config", config(kasa_config={"beta": 1e-4})
    yield "a method to come", "config", config(use_xlora=True)
    yield "NUL", "text", config(base_model_name_or_path="a\0b")
    yield "half a surrogate pair", "text", config(base_model_name_or_path="a\ud800b")
    yield "NUL in a name", "text", config(**{"a\0b": 1})
    yield "own code", "auto_map", config(auto_map={"AutoModel": "evil.Model"})
    for place in (
        *("/etc/passwd", "~/model", "C:\\models\\x", "\\\\host\\share", "../../secrets"),
        *("https://evil.test/model", "file:///etc/passwd", "s3://bucket/model", "a/../../b"),
    ):
        yield f"base at {place}", "location", config(base_model_name_or_path=place)
    yield "a path further in", "location", config(megatron_config={"a": [{"b": "/etc"}]})
    yield "a path as a name", "location", config(**{"/etc/passwd": 1})


assert set(CONFIG["target_modules"]) <= MODULES.keys()
