"""The process that callers' grammars are compiled in, run with `python -m` by its sandbox.

Some patterns keep the compiler busy for minutes, and this interpreter's lock with it. So a template
process takes in the vocabulary once and forks for each grammar: a fork has so many seconds of a
core and so much memory, gives way to everything else, and takes nobody with it when it dies.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from generation.engine.grammar import WARM_UP, Vocabulary
from generation.engine.types import Grammar

CPU_S = 5
MOST_BYTES = 2**30
NICENESS = 10
# How an answer begins: with a compiled grammar, or with what is wrong with it.
COMPILED, REFUSED = b"+", b"-"


def main() -> None:
    """Fork for each pair of descriptors that comes: the order to read, the answer to write."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks leave no zombies
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = socket.socket(fileno=int(sys.argv[1]))
    vocabulary: Vocabulary | None = None
    while True:
        _, descriptors, _, _ = socket.recv_fds(channel, 1, 2)
        if not descriptors:
            return  # the engine is gone
        order, *answer = descriptors
        if vocabulary is None:
            vocabulary = Vocabulary(**json.loads(read(order)))
            vocabulary.compiled(WARM_UP)
        elif os.fork() == 0:
            channel.close()
            work(vocabulary, order, answer[0])
        for descriptor in descriptors:
            os.close(descriptor)


def read(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def work(vocabulary: Vocabulary, order: int, answer: int) -> NoReturn:
    """Compile one grammar and end, whatever happens."""
    try:
        confine()
        with open(answer, "wb") as file:
            file.write(answer_to(vocabulary, Grammar(**json.loads(read(order)))))
    finally:
        os._exit(0)


def confine() -> None:
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answer_to(vocabulary: Vocabulary, grammar: Grammar) -> bytes:
    try:
        return COMPILED + vocabulary.compiled(grammar).serialize_json().encode()
    except (RuntimeError, ValueError) as error:
        return REFUSED + str(error).encode()


if __name__ == "__main__":
    main()
