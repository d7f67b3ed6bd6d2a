"""Safetensors files, held against their own format before anything is made of their bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

MAX_HEADER_BYTES = 4 * 2**20
CHUNK_BYTES = 4 * 2**20
# How files begin that are unpacked by running what they say: pickles, and archives of them.
UNSAFE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY")
UNSAFE_ENDINGS = (
    *(".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".zip"),
    *(".tar", ".gz", ".msgpack", ".h5", ".dill"),
)


@dataclass(frozen=True, slots=True)
class Number:
    """A floating-point type: integers of its size, its exponent's bits, and those of 65,536."""

    bits: np.dtype[Any]
    exponent: int
    limit: int


# What half precision cannot hold no engine can use: infinities, NaN, and anything from 65,536 on.
DTYPES = {
    "F32": Number(np.dtype("<u4"), exponent=0x7F800000, limit=0x47800000),
    "F16": Number(np.dtype("<u2"), exponent=0x7C00, limit=0x7C00),
    "BF16": Number(np.dtype("<u2"), exponent=0x7F80, limit=0x4780),
}


class FormatError(ValueError):
    """A file is not what it must be; `reason` is a stable word for how.

    Where a setting is at fault, it is named, with the value that it had.
    """

    def __init__(self, reason: str, setting: str = "", value: object = None) -> None:
        super().__init__(f"{reason}: {setting}" if setting else reason)
        self.reason = reason
        self.setting = setting
        self.value = value


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor: where its bytes lie in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def unsafe(name: str, head: bytes) -> bool:
    """Whether a file is of a kind that can run code when it is loaded."""
    return name.lower().endswith(UNSAFE_ENDINGS) or head.startswith(UNSAFE_STARTS)


def read_header(file: BinaryIO, size: int) -> dict[str, Entry]:
    """The tensors of a file of `size` bytes; FormatError unless they fill it without a gap.

    The format: https://huggingface.co/docs/safetensors/index#format
    """
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
        raise FormatError("header")
    try:
        raw = json.loads(file.read(length).decode("utf-8"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise FormatError("header") from error
    if not isinstance(raw, dict):
        raise FormatError("header")
    raw.pop("__metadata__", None)
    entries = {name: entry_of(value, 8 + length) for name, value in raw.items()}
    end = 8 + length
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.end)):
        if entry.start != end:
            raise FormatError("offsets")
        end = entry.end
    if end != size:
        raise FormatError("offsets")
    return entries


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("A name stands twice.")
    return found


def entry_of(value: Any, base: int) -> Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise FormatError("header")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise FormatError("dtype")
    if not counts(shape) or not counts(offsets) or len(offsets) != 2:
        raise FormatError("header")
    start, end = offsets
    if end - start != math.prod(shape) * DTYPES[dtype].bits.itemsize:
        raise FormatError("offsets")
    return Entry(dtype, tuple(shape), base + start, base + end)


def counts(value: Any) -> bool:
    """Whether it is a short list of whole numbers, none below zero."""
    return (
        isinstance(value, list)
        and len(value) <= 8
        and all(type(item) is int and 0 <= item < 2**63 for item in value)
    )


def finite(file: BinaryIO, entries: dict[str, Entry]) -> bool:
    """Whether every number of the file is one, and below 65,536."""
    for entry in entries.values():
        number = DTYPES[entry.dtype]
        for values in pieces(file, entry, number.bits):
            if bool(((values & number.exponent) >= number.limit).any()):
                return False
    return True


def pieces(file: BinaryIO, entry: Entry, kind: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """A tensor's numbers as unsigned integers, a few megabytes at a time."""
    file.seek(entry.start)
    left = entry.end - entry.start
    while left:
        data = file.read(min(left, CHUNK_BYTES))
        if not data:
            raise FormatError("offsets")
        left -= len(data)
        yield np.frombuffer(data, dtype=kind)
