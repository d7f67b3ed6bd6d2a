"""LoRA adapters in PEFT's format: read with suspicion and laid out for the model."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.engine.config import ModelConfig
from generation.engine.lora.peft import (
    CONFIG,
    MAX_BYTES,
    MODULES,
    WEIGHTS,
    Settings,
    is_that,
    placed,
    tensor_name,
)
from generation.engine.lora.tensors import MAX_HEADER_BYTES, FormatError, read_header
from generation.engine.types import AdapterRef, EngineError

DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}

# (layer, module) -> A (rank, in) and B (out, rank), the adapter's scale already in B.
Pairs = dict[tuple[int, str], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """An adapter in memory. `sha256` is of the very files that `layout` was made from."""

    sha256: str
    layout: Any


def invalid(reason: str) -> EngineError:
    return EngineError("adapter_invalid", f"The adapter cannot be used: {reason}.", reason=reason)


def load_adapter(
    ref: AdapterRef, config: ModelConfig, base_sha256: str, bind: Callable[[Pairs], Any]
) -> Adapter:
    """The adapter, laid out for the model; EngineError unless all of it is as promised.

    The bytes are hashed by a thread of their own, and nothing made of them leaves before they are
    known to be the right ones.
    """
    told, data = read_files(Path(ref.path))
    with ThreadPoolExecutor(1, "hash") as beside:
        hashing = beside.submit(lambda: hashlib.sha256(data).hexdigest())
        try:
            settings = settings_of(told, base_sha256)
        except FormatError as error:
            raise invalid(str(error)) from error
        try:
            layout = bind(pairs_of(data, config, settings))
        except FormatError as error:
            check_hash(hashing.result(), settings, ref)
            raise invalid(error.reason) from error
        check_hash(hashing.result(), settings, ref)
        return Adapter(ref.sha256, layout)


def check_hash(weights_sha256: str, settings: Settings, ref: AdapterRef) -> None:
    if not is_that(ref.sha256, weights_sha256, settings):
        raise EngineError("adapter_invalid", "The adapter is not the one asked for.", reason="hash")


def read_files(folder: Path) -> tuple[bytes, bytearray]:
    """The settings and the weights; EngineError where they are not there."""
    try:
        told = (folder / CONFIG).read_bytes()
        size = (folder / WEIGHTS).stat().st_size
        if size > MAX_BYTES:
            raise invalid("size")
        data = bytearray(size)
        with (folder / WEIGHTS).open("rb") as file:
            del data[file.readinto(data) :]
    except OSError as error:
        raise EngineError("adapter_not_available", "The adapter is not there.") from error
    return told, data


def settings_of(told: bytes, base_sha256: str) -> Settings:
    settings = Settings.read(told)
    if settings.base_sha256 not in ("", base_sha256):
        message = "The adapter belongs to another base model."
        raise EngineError("adapter_base_mismatch", message)
    return settings


def pairs_of(data: bytearray, config: ModelConfig, settings: Settings) -> Pairs:
    """The weights by their places; FormatError unless each has its place and its shape.

    They lie in `data` and keep it.
    """
    header = 8 + min(int.from_bytes(data[:8], "little"), MAX_HEADER_BYTES)
    entries = read_header(io.BytesIO(data[:header]), len(data))
    places = placed(entries, settings.rank, config)

    def tensor(layer: int, module: str, side: str) -> Tensor:
        entry = entries[tensor_name(layer, module, side)]
        dtype = DTYPES[entry.dtype]
        if entry.start % dtype.itemsize:
            raise FormatError("offsets")
        count = math.prod(entry.shape)
        flat = torch.frombuffer(data, dtype=dtype, count=count, offset=entry.start)
        return flat.view(entry.shape).float()

    return {
        (layer, module): (
            tensor(layer, module, "A"),
            scaled(tensor(layer, module, "B"), settings.scale),
        )
        for layer, module in places
    }


def scaled(weight: Tensor, scale: float) -> Tensor:
    return weight if scale == 1 else weight * scale


def module_offsets(config: ModelConfig) -> dict[str, int]:
    """Where a module's outputs begin in the joined linear map that it is part of."""
    joined = {"k_proj": config.query_size, "v_proj": config.query_size + config.kv_size}
    return dict.fromkeys(MODULES, 0) | joined | {"up_proj": config.intermediate_size}


def cast(pairs: Pairs, dtype: torch.dtype, device: torch.device) -> Pairs:
    """The pairs in another precision and place; EngineError unless all numbers are finite."""
    if not all(bool(side.isfinite().all()) for pair in pairs.values() for side in pair):
        raise invalid("not_finite")
    return {key: (a.to(device, dtype), b.to(device, dtype)) for key, (a, b) in pairs.items()}
