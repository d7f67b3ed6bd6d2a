"""The compiled kernels as Python sees them, or None where there is no compiler."""

from __future__ import annotations

import ctypes
import logging
import subprocess
from ctypes import POINTER, Structure, c_float, c_int, c_int32, c_int64, c_void_p
from functools import cache

import torch
from torch import Tensor

from generation.engine.native.build import build
from training.lora.native.build import KERNELS

log = logging.getLogger(__name__)

LANES = 16


class Layout(Structure):
    """Where each token's heads lie in the padded groups; kernels.cpp has the same fields."""

    _fields_ = (
        ("tokens", c_int64),
        ("heads", c_int32),
        ("kv_heads", c_int32),
        ("size", c_int32),
        ("places", c_void_p),
        ("strides", c_void_p),
        ("cosines", c_void_p),
        ("sines", c_void_p),
    )


ADDRESS, COUNT, INT, FLOAT = c_void_p, c_int64, c_int, c_float
LAYOUT = POINTER(Layout)
FUNCTIONS: dict[str, tuple[type, ...]] = {
    "set_threads": (INT,),
    "add_norm": (ADDRESS, ADDRESS, ADDRESS, COUNT, INT, FLOAT, ADDRESS, ADDRESS),
    "add_norm_backward": (ADDRESS, ADDRESS, ADDRESS, ADDRESS, COUNT, INT, FLOAT, ADDRESS),
    "swiglu": (ADDRESS, COUNT, INT, ADDRESS),
    "swiglu_backward": (ADDRESS, ADDRESS, COUNT, INT, ADDRESS),
    "split_heads": (LAYOUT, ADDRESS, ADDRESS, ADDRESS, ADDRESS),
    "split_heads_backward": (LAYOUT, ADDRESS, ADDRESS, ADDRESS, ADDRESS),
    "join_heads": (LAYOUT, ADDRESS, ADDRESS),
    "join_heads_backward": (LAYOUT, ADDRESS, ADDRESS),
    "causal_softmax": (ADDRESS, COUNT, INT, INT, FLOAT),
    "causal_softmax_backward": (ADDRESS, ADDRESS, COUNT, INT, INT, FLOAT),
    "cross_entropy": (ADDRESS, ADDRESS, COUNT, INT, FLOAT, ADDRESS),
}


@cache
def library() -> ctypes.CDLL | None:
    """Compiled at first use: seconds, once for each processor."""
    try:
        path = build(KERNELS)
    except (OSError, subprocess.CalledProcessError):
        log.warning("training_kernels_not_compiled")
        return None
    if path is None:
        return None
    loaded = ctypes.CDLL(str(path))
    for name, types in FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = None, types
    return loaded


def takes(*tensors: Tensor) -> bool:
    """Whether the kernels can work on these: bf16 in this machine's memory, whole lanes a row."""
    return library() is not None and all(
        tensor.dtype is torch.bfloat16
        and tensor.device.type == "cpu"
        and tensor.shape[-1] % LANES == 0
        for tensor in tensors
    )


def set_threads(count: int) -> None:
    """How many threads share out the rows; 1 unless it is called."""
    if loaded := library():
        loaded.set_threads(count)


def required() -> ctypes.CDLL:
    loaded = library()
    if loaded is None:
        raise RuntimeError("The training kernels were not compiled.")
    return loaded


def address(tensor: Tensor | None) -> int | None:
    """Where a tensor's numbers lie, for a kernel; None stays a null pointer."""
    if tensor is None:
        return None
    if not tensor.is_contiguous():
        raise ValueError("A kernel reads contiguous numbers only.")
    return tensor.data_ptr()
