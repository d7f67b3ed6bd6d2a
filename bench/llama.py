"""llama.cpp as a rival: greedy, all texts in one batch, through llama-cpp-python's C interface.

It is no dependency of the project; the benchmark uses it where it can be imported. "Best
quantisation" is the fastest of the file that the model's package ships (Q4_1) and of what
llama.cpp's own quantiser makes of it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

MISSING = "not installed: pip install llama-cpp-python"
# llama.h's numbers of the file types.
QUANTISATIONS = {"Q4_0": 2, "Q8_0": 7, "Q4_K_M": 15}
CONTEXT = 256  # positions of one text
LONGEST = 64  # tokens of a prompt


def installed() -> bool:
    return find_spec("llama_cpp") is not None


def library() -> Any:
    import llama_cpp

    llama_cpp.llama_backend_init()
    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    return llama_cpp


def make_quiet() -> Any:
    kind = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
    return kind(lambda level, text, data: None)


quiet = make_quiet()


def quantised(source: Path, folder: Path) -> dict[str, Path]:
    """The shipped file and the others, those made that llama.cpp can make of it."""
    llama = library()
    found = {"Q4_1 as shipped": source}
    for name, kind in QUANTISATIONS.items():
        target = folder / f"{name}.gguf"
        settings = llama.llama_model_quantize_default_params()
        settings.ftype, settings.allow_requantize, settings.nthread = kind, True, 2
        names = str(source).encode(), str(target).encode()
        if llama.llama_model_quantize(*names, ctypes.byref(settings)) == 0:
            found[name] = target
    return found


class Llama:
    """One model file for batches of `rows` texts."""

    def __init__(self, path: Path, rows: int, threads: int) -> None:
        self.api = api = library()
        self.rows = rows
        self.model = api.llama_model_load_from_file(
            str(path).encode(), api.llama_model_default_params()
        )
        settings = api.llama_context_default_params()
        settings.n_ctx, settings.n_seq_max = CONTEXT * rows, rows
        settings.n_batch = LONGEST * rows
        settings.n_threads = settings.n_threads_batch = threads
        settings.kv_unified = False  # a cache of its own for each text, the faster way
        self.context = api.llama_init_from_model(self.model, settings)
        self.batch = api.llama_batch_init(LONGEST * rows, 0, 1)
        self.vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))

    def write(self, prompts: Sequence[Sequence[int]], tokens: int) -> int:
        """How many tokens were written after prompts of these ids."""
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)
        last = self.decode(prompts, [0] * len(prompts))
        for step in range(tokens - 1):
            places = [len(prompt) + step for prompt in prompts]
            last = self.decode([[token] for token in last], places)
        return len(prompts) * tokens

    def decode(self, parts: Sequence[Sequence[int]], starts: Sequence[int]) -> list[int]:
        """The likeliest token after each part, which continues its text from `starts` on."""
        batch, ends, place = self.batch, [], 0
        for row, (part, start) in enumerate(zip(parts, starts, strict=True)):
            for offset, token in enumerate(part):
                batch.token[place], batch.pos[place] = token, start + offset
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, row
                batch.logits[place] = offset == len(part) - 1
                place += 1
            ends.append(place - 1)
        batch.n_tokens = place
        if code := self.api.llama_decode(self.context, batch):
            raise RuntimeError(f"llama_decode answered {code}.")
        return [self.likeliest(end) for end in ends]

    def likeliest(self, place: int) -> int:
        logits = self.api.llama_get_logits_ith(self.context, place)
        return int(np.ctypeslib.as_array(logits, shape=(self.vocabulary,)).argmax())

    def close(self) -> None:
        self.api.llama_batch_free(self.batch)
        self.api.llama_free(self.context)
        self.api.llama_model_free(self.model)


@contextmanager
def llama(path: Path, rows: int, threads: int) -> Iterator[Llama]:
    made = Llama(path, rows, threads)
    try:
        yield made
    finally:
        made.close()
