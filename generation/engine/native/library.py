"""The compiled library as Python sees it: its structures, its functions, or None without it."""

from __future__ import annotations

import ctypes
import math
from ctypes import POINTER, Structure, c_double, c_float, c_int, c_int32, c_int64, c_void_p
from functools import cache

import torch
from torch import Tensor

from generation.engine.adapters import Pairs, invalid, module_offsets
from generation.engine.config import ModelConfig
from generation.engine.lora.peft import MAX_RANK, MODULES, module_sizes
from generation.engine.native.build import library_path

LANES = 16
GROUP = 32
PAIR = 32
LARGEST_HALF = 65504.0

# (layer, module, rank) of an adapter's pairs, in the order in which their numbers lie.
Places = list[tuple[int, str, int]]


class Linear(Structure):
    _fields_ = (
        ("out", c_int32),
        ("size", c_int32),
        ("bits", c_int32),
        ("data", c_void_p),
        ("bias", c_void_p),
    )


class Quantized(Structure):
    _fields_ = (("q", c_void_p), ("scales", c_void_p), ("sums", c_void_p))


class Layer(Structure):
    _fields_ = (
        ("qkv", Linear),
        ("out", Linear),
        ("gate_up", Linear),
        ("down", Linear),
        ("attention_norm", c_void_p),
        ("mlp_norm", c_void_p),
    )


class Model(Structure):
    _fields_ = (
        ("hidden", c_int32),
        ("inner", c_int32),
        ("layers", c_int32),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("head_size", c_int32),
        ("context", c_int32),
        ("slots", c_int32),
        ("eps", c_float),
        ("embedding", c_void_p),
        ("norm", c_void_p),
        ("cosines", c_void_p),
        ("sines", c_void_p),
        ("layer", POINTER(Layer)),
        ("head", Linear),
        ("keys", c_void_p),
        ("values", c_void_p),
    )


class Delta(Structure):
    _fields_ = (
        ("rank", c_int32),
        ("size", c_int32),
        ("out", c_int32),
        ("offset", c_int32),
        ("down", c_void_p),
        ("up", c_void_p),
    )


class Segment(Structure):
    _fields_ = (("begin", c_int32), ("end", c_int32), ("deltas", POINTER(Delta)))


class Batch(Structure):
    _fields_ = (
        ("rows", c_int32),
        ("wanted", c_int32),
        ("segments", c_int32),
        ("max_rank", c_int32),
        ("tokens", c_void_p),
        ("slots", c_void_p),
        ("positions", c_void_p),
        ("wanted_rows", c_void_p),
        ("segment", POINTER(Segment)),
        ("logits", c_void_p),
    )


class Rows(Structure):
    _fields_ = (("data", c_void_p), ("stride", c_int64), ("count", c_int32), ("size", c_int32))


class Rule(Structure):
    _fields_ = (
        ("temperature", c_float),
        ("top_p", c_float),
        ("min_p", c_float),
        ("top_k", c_int32),
        ("uniform", c_double),
    )


FUNCTIONS: dict[str, tuple[type | None, tuple[type, ...]]] = {
    "decoder_new": (c_void_p, (POINTER(Model), c_int)),
    "decoder_free": (None, (c_void_p,)),
    "decoder_forward": (None, (c_void_p, POINTER(Batch))),
    "packed_bytes": (c_int64, (c_int, c_int, c_int)),
    "pack": (None, (c_void_p, c_int, c_int, c_int, c_int, c_void_p)),
    "quantize": (None, (c_void_p, c_int, c_int, POINTER(Quantized))),
    "multiply": (None, (POINTER(Linear), POINTER(Quantized), c_int, c_void_p)),
    "tiles": (c_float, (c_void_p, c_int, c_int, c_int, c_void_p)),
    "norm": (None, (c_void_p, c_void_p, c_int, c_float, c_void_p)),
    "silu_gate": (None, (c_void_p, c_int, c_void_p)),
    "turn": (None, (c_void_p, c_void_p, c_void_p, c_int, c_void_p)),
    "put": (None, (c_void_p, c_void_p, c_int, c_int, c_void_p, c_void_p)),
    "attention": (
        None,
        (c_void_p, c_void_p, c_void_p, c_int, c_int, c_int, c_void_p, c_void_p),
    ),
    "all_finite": (None, (Rows, c_void_p)),
    "apply_mask": (None, (Rows, c_void_p, c_int)),
    "sample": (None, (Rows, POINTER(Rule), c_void_p, c_void_p)),
}


@cache
def library() -> ctypes.CDLL | None:
    """The library for this processor when the install built one; nothing is compiled here."""
    path = library_path()
    if not path.is_file():
        return None
    loaded = ctypes.CDLL(str(path))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


def required() -> ctypes.CDLL:
    loaded = library()
    if loaded is None:
        raise RuntimeError("The engine's library was not built on this machine.")
    return loaded


def address(tensor: Tensor, dtype: torch.dtype) -> int:
    """Where the numbers of a contiguous tensor of this very type begin."""
    if tensor.dtype != dtype or not tensor.is_contiguous():
        raise ValueError(f"Expected contiguous {dtype}, got {tensor.dtype}.")
    return tensor.data_ptr()


def rows(numbers: Tensor) -> Rows:
    """A matrix of floats whose rows are contiguous, though not one with the next."""
    count, size = numbers.shape
    if numbers.dtype != torch.float32 or numbers.stride(1) != 1:
        raise ValueError(f"Expected rows of float32, got {numbers.dtype}, {numbers.stride()}.")
    return Rows(numbers.data_ptr(), numbers.stride(0), count, size)


def padded(size: int) -> int:
    return -(-size // LANES) * LANES


def pack(weight: Tensor, bits: int) -> Tensor:
    """weight (rows, in) as tiles of 4- or 8-bit numbers, flat, at the start of a cache line."""
    rows, size = weight.shape
    out = padded(rows)
    count = required().packed_bytes(out, size, bits)
    room = torch.empty(count + 64, dtype=torch.uint8)
    begin = -room.data_ptr() % 64
    tiles = room[begin : begin + count]
    source = weight.to(torch.bfloat16).contiguous()
    at = address(source, torch.bfloat16)
    required().pack(at, rows, out, size, bits, address(tiles, torch.uint8))
    return tiles


def linear(tiles: Tensor, size: int, bits: int, bias: Tensor | None = None) -> Linear:
    """The linear map of packed tiles; both tensors must live as long as it is used."""
    out = LANES * len(tiles) // required().packed_bytes(LANES, size, bits)
    at = None if bias is None else address(bias, torch.float32)
    return Linear(out, size, bits, address(tiles, torch.uint8), at)


class Deltas:
    """An adapter for the C++ side: a table (layers, modules) over one block of half floats.

    A (rank, in) lies there as (rank / 16, in, 16), B (out, rank) as (out / 16, rank, 16), the
    ranks padded by zeros; `places` has the (layer, module, rank) of each pair, one after another.
    """

    def __init__(self, numbers: Tensor, places: Places, config: ModelConfig) -> None:
        self.numbers, self.places = numbers, places
        self.rank = max(padded(rank) for _, _, rank in places)
        self.table = (Delta * (config.layers * len(MODULES)))()
        offsets, modules = module_offsets(config), list(MODULES)
        at = address(numbers, torch.float16)
        for (layer, module, own), (size, out) in zip(places, sizes(places, config), strict=True):
            rank = padded(own)
            up = at + 2 * rank * size
            place = layer * len(MODULES) + modules.index(module)
            self.table[place] = Delta(rank, size, out, offsets[module], at, up)
            at = up + 2 * rank * out

    @classmethod
    def pack(cls, pairs: Pairs, config: ModelConfig) -> Deltas:
        places = [(layer, module, len(a)) for (layer, module), (a, _) in pairs.items()]
        numbers = torch.empty(count(places, config), dtype=torch.float16)
        at = address(numbers, torch.float16)
        for (a, b), (_, _, own) in zip(pairs.values(), places, strict=True):
            rank, size, out = padded(own), a.shape[1], b.shape[0]
            half_tiles(a, size, at)
            half_tiles(b, rank, at + 2 * rank * size)
            at += 2 * rank * (size + out)
        return cls(numbers, places, config)

    @classmethod
    def restore(cls, numbers: Tensor, places: Places, config: ModelConfig) -> Deltas:
        """From numbers that were packed once; ValueError where they do not fit this model."""
        for layer, module, rank in places:
            if not (0 <= layer < config.layers and module in MODULES and 0 < rank <= MAX_RANK):
                raise ValueError(f"Nothing of rank {rank} belongs at {module} of layer {layer}.")
        if not places or len(numbers) != count(places, config):
            raise ValueError(f"{len(numbers)} numbers are not those of {len(places)} pairs.")
        return cls(numbers, places, config)


def sizes(places: Places, config: ModelConfig) -> list[tuple[int, int]]:
    """(in, out) at each place."""
    found = module_sizes(config)
    return [found[module] for _, module, _ in places]


def count(places: Places, config: ModelConfig) -> int:
    """How many half floats the pairs there take."""
    pairs = zip(places, sizes(places, config), strict=True)
    return sum(padded(rank) * (size + out) for (_, _, rank), (size, out) in pairs)


def half_tiles(weight: Tensor, width: int, target: int) -> None:
    """weight (rows, columns) in float32 to tiles (rows / 16, width, 16) of half floats there."""
    rows, columns = weight.shape
    at = address(weight, torch.float32)
    largest = required().tiles(at, rows, columns, width, target)
    if largest == math.inf:
        raise invalid("not_finite")
    if largest > LARGEST_HALF:
        raise invalid("too_large")


def segments(runs: list[tuple[int, int, Deltas]]) -> ctypes.Array[Segment]:
    made = (Segment * max(1, len(runs)))()
    for place, (begin, end, deltas) in enumerate(runs):
        made[place] = Segment(begin, end, deltas.table)
    return made
