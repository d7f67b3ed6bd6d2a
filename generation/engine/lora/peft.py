"""LoRA adapters in PEFT's format, read with suspicion and without torch: settings and layout."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from generation.engine.lora.tensors import Entry, FormatError

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
MAX_RANK = 64
MAX_ALPHA = 1e6
MAX_BYTES = 512 * 2**20
MAX_CONFIG_BYTES = 64 * 2**10
MODULES = {
    "q_proj": "self_attn",
    "k_proj": "self_attn",
    "v_proj": "self_attn",
    "o_proj": "self_attn",
    "gate_proj": "mlp",
    "up_proj": "mlp",
    "down_proj": "mlp",
}
# What would change the sum W x + s B A x into something else, or W itself.
UNSUPPORTED = (
    *("use_dora", "rank_pattern", "alpha_pattern", "layer_replication", "modules_to_save"),
    *("trainable_token_indices", "target_parameters", "fan_in_fan_out", "lora_bias"),
    *("use_qalora", "use_bdlora", "arrow_config", "alora_invocation_tokens", "kasa_config"),
    "monteclora_config",
)
# Beginnings that leave the base as it is. Others (pissa, olora, corda, loftq, lora_ga ...) take
# something out of it, which PEFT alone knows how to take out again.
PLAIN_BEGINNINGS = (True, False, None, "gaussian", "eva", "orthogonal", "mica")
# Settings of methods to come are refused too, but for what only says how it was trained.
METHODS = re.compile(r"use_\w+|\w+_config")
HARMLESS = frozenset(
    ("use_rslora", "eva_config", "velora_config", "megatron_config", "runtime_config")
    + ("loftq_config", "corda_config", "lora_ga_config")  # nothing without their beginning
)
# Patterns of names, which may begin with a backslash; nothing is ever opened by them.
PATTERNS = ("target_modules", "exclude_modules", "layers_pattern")
UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
# An address, or a place outside of the folder: /x, ~/x, \\x, C:\x, ../x.
ELSEWHERE = re.compile(r"^\s*(?:[/~\\]|[A-Za-z]:[\\/])|://|(?:^|[\\/])\.\.(?:[\\/]|$)")
TENSOR = re.compile(r"base_model\.model\.model\.layers\.(\d{1,4})\.(\w+)\.(\w+)\.lora_[AB]\.weight")


class Shape(Protocol):
    """The sizes of a decoder that its adapters must fit."""

    @property
    def layers(self) -> int: ...
    @property
    def hidden_size(self) -> int: ...
    @property
    def intermediate_size(self) -> int: ...
    @property
    def query_size(self) -> int: ...
    @property
    def kv_size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Settings:
    """What an adapter_config.json says, as far as it matters. `base_*` are empty if not told."""

    rank: int
    alpha: float
    rank_stabilised: bool = False
    base_name: str = ""
    base_sha256: str = ""

    @property
    def scale(self) -> float:
        """The factor of B A x (LoRA, arXiv:2106.09685; rank-stabilised, arXiv:2312.03732)."""
        return self.alpha / (math.sqrt(self.rank) if self.rank_stabilised else self.rank)

    @classmethod
    def read(cls, data: bytes) -> Settings:
        """Raises FormatError for anything that is not a plain LoRA adapter of ours to use."""
        raw = parsed(data)
        refuse_dangers(raw)
        refuse_other_methods(raw)
        return cls(
            rank=rank_of(raw),
            alpha=alpha_of(raw),
            rank_stabilised=bool(raw.get("use_rslora")),
            base_name=str(raw.get("base_model_name_or_path") or "")[:200],
            base_sha256=str(raw.get("base_sha256") or ""),
        )

    def written(self) -> bytes:
        """A config that says this much and nothing else."""
        told = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": self.rank,
            "lora_alpha": self.alpha,
            "use_rslora": self.rank_stabilised,
            "bias": "none",
            "base_model_name_or_path": self.base_name,
            "base_sha256": self.base_sha256,
        }
        return json.dumps(told, indent=2, ensure_ascii=False).encode()


def refuse_dangers(raw: Mapping[str, Any]) -> None:
    """Raise for what could load code, lead elsewhere, or be kept nowhere."""
    if raw.get("auto_map"):
        raise FormatError("auto_map")
    for name, value in raw.items():
        found = [*texts(name), *texts(value)]
        if any(UNWRITABLE.search(text) for text in found):
            raise FormatError("text", UNWRITABLE.sub("?", name)[:60])
        if name not in PATTERNS and any(ELSEWHERE.search(text) for text in found):
            raise FormatError("location", name[:60])


def refuse_other_methods(raw: Mapping[str, Any]) -> None:
    """Raise for the first setting that makes it more, or less, than a plain LoRA adapter."""
    if raw.get("peft_type") != "LORA":
        raise FormatError("config", "peft_type", raw.get("peft_type"))
    begun = raw.get("init_lora_weights")
    if not any(begun is plain or begun == plain for plain in PLAIN_BEGINNINGS):
        raise FormatError("config", "init_lora_weights", begun)
    if raw.get("bias") not in (None, "none"):
        raise FormatError("config", "bias", raw["bias"])
    for name, value in raw.items():
        if value and (name in UNSUPPORTED or (METHODS.fullmatch(name) and name not in HARMLESS)):
            raise FormatError("config", name[:60], value)


def rank_of(raw: Mapping[str, Any]) -> int:
    rank = raw.get("r")
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= MAX_RANK:
        raise FormatError("rank", "r", rank)
    return rank


def alpha_of(raw: Mapping[str, Any]) -> float:
    alpha = raw.get("lora_alpha")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float):
        raise FormatError("config", "lora_alpha", alpha)
    if not 0 < abs(alpha) <= MAX_ALPHA:
        raise FormatError("config", "lora_alpha", alpha)
    return float(alpha)


def identity(weights_sha256: str, settings: Settings) -> str:
    """An adapter's own hash: the same numbers with another alpha say something else."""
    told = f"{weights_sha256} {settings.rank} {settings.alpha!r} {settings.rank_stabilised}"
    return hashlib.sha256(told.encode()).hexdigest()


def is_that(sha256: str, weights_sha256: str, settings: Settings) -> bool:
    """Whether an adapter of these numbers and settings is the one of that hash.

    Those that were brought first are known by the hash of their numbers alone.
    """
    return sha256 in (identity(weights_sha256, settings), weights_sha256)


def parsed(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_CONFIG_BYTES:
        raise FormatError("config")
    try:
        raw = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError("config") from error
    if not isinstance(raw, dict):
        raise FormatError("config")
    return raw


def texts(value: Any) -> Iterator[str]:
    """Every text within a JSON value, also the names."""
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item


def tensor_name(layer: int, module: str, side: str) -> str:
    """PEFT's name of A (rank, in) or B (out, rank)."""
    return f"base_model.model.model.layers.{layer}.{MODULES[module]}.{module}.lora_{side}.weight"


def placed(
    entries: Mapping[str, Entry], rank: int, shape: Shape | None = None
) -> list[tuple[int, str]]:
    """(layer, module) of each pair; FormatError unless each tensor is half of one that fits.

    Without a `shape` only the ranks are held against one another.
    """
    places = {place_of(name) for name in entries}
    if not places:
        raise FormatError("empty")
    sizes = module_sizes(shape) if shape else {}
    for layer, module in places:
        if shape and layer >= shape.layers:
            raise FormatError("unknown_tensor")
        a = entries.get(tensor_name(layer, module, "A"))
        b = entries.get(tensor_name(layer, module, "B"))
        if a is None or b is None or len(a.shape) != 2 or len(b.shape) != 2:
            raise FormatError("shape")
        size, out = sizes.get(module, (a.shape[1], b.shape[0]))
        if a.shape != (rank, size) or b.shape != (out, rank):
            raise FormatError("shape")
    return sorted(places)


def place_of(name: str) -> tuple[int, str]:
    found = TENSOR.fullmatch(name)
    if found is None or MODULES.get(found[3]) != found[2]:
        raise FormatError("unknown_tensor")
    return int(found[1]), found[3]


def module_sizes(shape: Shape) -> dict[str, tuple[int, int]]:
    """(in, out) of each module."""
    hidden, inner = shape.hidden_size, shape.intermediate_size
    return {
        "q_proj": (hidden, shape.query_size),
        "k_proj": (hidden, shape.kv_size),
        "v_proj": (hidden, shape.kv_size),
        "o_proj": (shape.query_size, hidden),
        "gate_proj": (hidden, inner),
        "up_proj": (hidden, inner),
        "down_proj": (inner, hidden),
    }
