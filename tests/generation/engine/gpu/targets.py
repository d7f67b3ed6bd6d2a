"""Compiles every kernel for GPUs that need not be there; prints each one's shared memory."""

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from generation.engine.gpu import attention, lora
from generation.engine.gpu.step import FEW, MANY, tokens_in_tile

INTS = ["tiles", "rows", "size", "width", "place", "parts", "splits", "context"]
LONGS = ["adapter_tiles", "chunks", "slots", "positions"]
FLOATS = ["room", "part", "cosines", "sines"]
ALIGNED = {"x", "y", "q", "keys", "values", "out", "room", "size", "width", "context"}
ALIGNED |= {"adapter_tiles"}


def types():
    found = dict.fromkeys(INTS, "i32") | dict.fromkeys(LONGS, "*i64")
    return found | dict.fromkeys(FLOATS, "*fp32") | {"scale": "fp32"}


def build(kernel, capability, constants, **options):
    """Arguments of no other type are of the model's own, bfloat16."""
    names = kernel.arg_names
    signature = {name: types().get(name, "*bf16") for name in names}
    signature |= dict.fromkeys(constants, "constexpr")
    hints = {(names.index(name),): [["tt.divisibility", 16]] for name in ALIGNED & set(names)}
    values = {(names.index(name),): value for name, value in constants.items()}
    source = ASTSource(kernel, signature, constexprs=values, attrs=hints)
    target = GPUTarget("cuda", capability, 32)
    return triton.compile(source, target=target, options=options).metadata.shared


def kernels(groups=3, size=64):
    for rows in (FEW, MANY):
        tile = {"ROWS": rows, "RANK": 64}
        yield lora.shrink, tile | {"DEEP": lora.DEEP}, {}
        yield lora.expand, tile | {"WIDE": lora.WIDE, "SPLITS": 2}, {}
    heads = {"HEADS": 3 * groups, "SIZE": size}
    place = heads | {"KV_HEADS": 3, "HALF": size // 2}
    yield attention.place_kernel, place, {"num_warps": 1}
    group = {"KV_HEADS": 3, "GROUPS": groups, "SIZE": size, "WIDTH": size, "POSITIONS": 64}
    for tokens, shares in ((1, 16), (1, 1), (tokens_in_tile(groups), 1)):
        own = max(16 // tokens, triton.next_power_of_2(groups))
        tile = {"OWN": own, "TOKENS": tokens, "SHARES": shares}
        yield attention.attend_kernel, group | tile, {"num_stages": 2}
    yield attention.merge_kernel, heads | {"WIDTH": size, "SHARES": 16}, {"num_warps": 1}


def main():
    for capability in map(int, sys.argv[1:]):
        for kernel, constants, options in kernels():
            print(kernel.__name__, capability, build(kernel, capability, constants, **options))


if __name__ == "__main__":
    main()
