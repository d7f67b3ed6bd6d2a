"""LoRA adapters in PEFT's format: read with suspicion, bound to the model, kept while in use."""

from __future__ import annotations

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from generation.engine.config import ModelConfig
from generation.engine.types import AdapterRef, EngineError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
MAX_RANK = 64
MAX_BYTES = 512 * 2**20
MODULES = {
    "q_proj": "self_attn",
    "k_proj": "self_attn",
    "v_proj": "self_attn",
    "o_proj": "self_attn",
    "gate_proj": "mlp",
    "up_proj": "mlp",
    "down_proj": "mlp",
}
# What would change the sum W x + s B A x into something else.
UNSUPPORTED = ("use_dora", "auto_map", "rank_pattern", "alpha_pattern", "layers_to_transform")

# (layer, module) -> A (rank, in) and B (out, rank), the adapter's scale already in B.
Pairs = dict[tuple[int, str], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """An adapter in memory. `sha256` is of the very bytes that `bound` was made from."""

    sha256: str
    bound: Any


class AdapterCache:
    """Adapters by hash, the least recently used thrown out; rows keep alive what they wear."""

    def __init__(self, load: Callable[[AdapterRef], Adapter], limit: int) -> None:
        self.load, self.limit = load, limit
        self.kept: OrderedDict[tuple[str, str], Future[Adapter]] = OrderedDict()
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="adapters")
        self.swaps = 0

    def request(self, ref: AdapterRef) -> Future[Adapter]:
        """Reading takes tens of milliseconds, so it happens beside the batch."""
        key = (ref.path, ref.sha256)
        found = self.kept.get(key)
        if found is None or (found.done() and found.exception() is not None):
            self.kept[key] = self.pool.submit(self.load, ref)
            self.swaps += 1
        self.kept.move_to_end(key)
        while len(self.kept) > self.limit:
            self.kept.popitem(last=False)
        return self.kept[key]

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


def invalid(reason: str) -> EngineError:
    return EngineError("adapter_invalid", f"The adapter cannot be used: {reason}.", reason=reason)


def read_adapter(ref: AdapterRef, config: ModelConfig, base_sha256: str) -> tuple[str, Pairs]:
    """The hash of the weights and the weights; EngineError unless all of it is as promised."""
    folder = Path(ref.path)
    try:
        settings = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if (folder / WEIGHTS).stat().st_size > MAX_BYTES:
            raise invalid("size")
        data = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise EngineError("adapter_not_available", "The adapter is not there.") from error
    except ValueError as error:
        raise invalid("config") from error
    found = hashlib.sha256(data).hexdigest()
    if found != ref.sha256:
        raise EngineError("adapter_invalid", "The adapter is not the one asked for.", reason="hash")
    scale = scale_of(settings)
    if settings.get("base_sha256", base_sha256) != base_sha256:
        raise EngineError("adapter_base_mismatch", "The adapter belongs to another base model.")
    return found, pairs_of(tensors_of(data), config, scale, settings["r"])


def scale_of(settings: dict[str, Any]) -> float:
    rank, alpha = settings.get("r"), settings.get("lora_alpha")
    if settings.get("peft_type") != "LORA" or any(settings.get(name) for name in UNSUPPORTED):
        raise invalid("config")
    if not isinstance(rank, int) or not 1 <= rank <= MAX_RANK:
        raise invalid("rank")
    if settings.get("bias", "none") != "none" or settings.get("modules_to_save"):
        raise invalid("config")
    if not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise invalid("config")
    return float(alpha) / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def tensors_of(data: bytes) -> dict[str, Tensor]:
    try:
        tensors = safetensors.torch.load(data)
    except (SafetensorError, KeyError, ValueError) as error:
        raise invalid("format") from error
    for tensor in tensors.values():
        if not tensor.is_floating_point():
            raise invalid("dtype")
        if not bool(tensor.isfinite().all()):
            raise invalid("not_finite")
    return tensors


def pairs_of(tensors: dict[str, Tensor], config: ModelConfig, scale: float, rank: int) -> Pairs:
    """Every tensor must belong to a known module and have its shape; none may be left over."""
    pairs: Pairs = {}
    sizes = module_sizes(config)
    for layer in range(config.layers):
        for module, part in MODULES.items():
            prefix = f"base_model.model.model.layers.{layer}.{part}.{module}"
            a = tensors.pop(f"{prefix}.lora_A.weight", None)
            b = tensors.pop(f"{prefix}.lora_B.weight", None)
            if a is None and b is None:
                continue
            size, out = sizes[module]
            if a is None or b is None or a.shape != (rank, size) or b.shape != (out, rank):
                raise invalid("shape")
            pairs[layer, module] = (a.float(), b.float() * scale)
    if tensors:
        raise invalid("unknown_tensor")
    if not pairs:
        raise invalid("empty")
    return pairs


def module_sizes(config: ModelConfig) -> dict[str, tuple[int, int]]:
    """(in, out) of each module."""
    hidden, inner = config.hidden_size, config.intermediate_size
    return {
        "q_proj": (hidden, config.query_size),
        "k_proj": (hidden, config.kv_size),
        "v_proj": (hidden, config.kv_size),
        "o_proj": (config.query_size, hidden),
        "gate_proj": (hidden, inner),
        "up_proj": (hidden, inner),
        "down_proj": (inner, hidden),
    }


def module_offsets(config: ModelConfig) -> dict[str, int]:
    """Where a module's outputs begin in the joined linear map that it is part of."""
    joined = {"k_proj": config.query_size, "v_proj": config.query_size + config.kv_size}
    return dict.fromkeys(MODULES, 0) | joined | {"up_proj": config.intermediate_size}


def cast(pairs: Pairs, dtype: torch.dtype) -> Pairs:
    return {key: (a.to(dtype), b.to(dtype)) for key, (a, b) in pairs.items()}
