"""The shape of a decoder, read from the config.json in its folder."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.engine.types import EngineError

FAMILIES = ("LlamaForCausalLM", "Qwen2ForCausalLM", "MistralForCausalLM")


@dataclass(frozen=True, slots=True)
class OtherConfig:
    """What the engine must know of a decoder that it leaves to transformers."""

    vocab_size: int
    context: int
    stop_ids: tuple[int, ...]
    cache_bytes: int


@dataclass(frozen=True, slots=True)
class ModelConfig:
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    context: int
    rms_eps: float
    rope_theta: float
    rope_scaling: dict[str, Any] | None
    tied: bool
    stop_ids: tuple[int, ...]

    @property
    def groups(self) -> int:
        """How many query heads share one key head."""
        return self.heads // self.kv_heads

    @property
    def query_size(self) -> int:
        return self.heads * self.head_dim

    @property
    def kv_size(self) -> int:
        return self.kv_heads * self.head_dim

    @property
    def cache_bytes(self) -> int:
        """What one token's keys and values take in float32; other forms take half of it."""
        return 2 * 4 * self.layers * self.kv_size

    @classmethod
    def read(cls, folder: Path) -> ModelConfig:
        path = folder / "config.json"
        if not path.is_file():
            raise EngineError("model_missing", f"There is no model in {folder.name}.")
        return cls.parse(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> ModelConfig:
        family = (raw.get("architectures") or ["none"])[0]
        if family not in FAMILIES or raw.get("hidden_act", "silu") != "silu":
            raise EngineError("model_unsupported", f"The architecture {family} is not supported.")
        heads = raw["num_attention_heads"]
        theta, scaling = rope_settings(raw)
        return cls(
            vocab_size=raw["vocab_size"],
            hidden_size=raw["hidden_size"],
            intermediate_size=raw["intermediate_size"],
            layers=raw["num_hidden_layers"],
            heads=heads,
            kv_heads=raw.get("num_key_value_heads") or heads,
            head_dim=raw.get("head_dim") or raw["hidden_size"] // heads,
            context=context_of(raw),
            rms_eps=raw.get("rms_norm_eps", 1e-6),
            rope_theta=theta,
            rope_scaling=scaling,
            tied=raw.get("tie_word_embeddings", False),
            stop_ids=as_ids(raw.get("eos_token_id")),
        )

    def frequencies(self) -> list[float]:
        """The angle by which each pair of a head turns from one position to the next."""
        pairs = range(0, self.head_dim, 2)
        plain = [self.rope_theta ** (-pair / self.head_dim) for pair in pairs]
        scaling = self.rope_scaling
        if scaling is None:
            return plain
        if scaling["rope_type"] == "linear":
            return [angle / scaling["factor"] for angle in plain]
        return [llama3_frequency(angle, scaling) for angle in plain]


def read_config(folder: Path) -> ModelConfig | OtherConfig:
    """Of our own families, or of any that transformers has; EngineError for all others."""
    try:
        return ModelConfig.read(folder)
    except EngineError as error:
        if error.code != "model_unsupported":
            raise
    # Importing transformers takes seconds.
    from generation.engine.automodel import read_other

    return read_other(folder)


def rope_settings(raw: dict[str, Any]) -> tuple[float, dict[str, Any] | None]:
    """Both spellings: `rope_theta` beside `rope_scaling`, or all within `rope_parameters`."""
    scaling = dict(raw.get("rope_parameters") or raw.get("rope_scaling") or {})
    theta = scaling.pop("rope_theta", None) or raw.get("rope_theta", 10000.0)
    kind = scaling.setdefault("rope_type", scaling.pop("type", "default"))
    if kind == "default":
        return theta, None
    if kind not in ("linear", "llama3"):
        raise EngineError("model_unsupported", f"Rotary scaling {kind!r} is not supported.")
    return theta, scaling


def context_of(raw: dict[str, Any]) -> int:
    """Within its window a sliding-window model attends like any other, so that is its length."""
    longest: int = raw.get("max_position_embeddings", 2048)
    window = raw.get("sliding_window") if raw.get("use_sliding_window", True) else None
    return min(longest, window) if window else longest


def as_ids(value: int | list[int] | None) -> tuple[int, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, int) else tuple(value)


def llama3_frequency(angle: float, scaling: dict[str, Any]) -> float:
    """Llama 3.1: slow waves are stretched, fast ones kept, those between mixed smoothly."""
    wave = 2 * math.pi / angle
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    ratio = scaling["original_max_position_embeddings"] / wave
    share: float = min(1.0, max(0.0, (ratio - low) / (high - low)))
    stretched: float = angle / scaling["factor"]
    return (1 - share) * stretched + share * angle
