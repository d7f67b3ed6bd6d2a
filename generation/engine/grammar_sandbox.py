"""Callers' grammars, compiled in a process of their own: a hostile one costs its sender alone."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import OrderedDict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xgrammar

from generation.engine.types import EngineError, Grammar

if TYPE_CHECKING:
    from generation.engine.grammar import Vocabulary

ROOT = Path(__file__).resolve().parents[2]
# Of one tenant: what is kept, and what may wait. Of all: how many tenants, and forks at once.
KEPT, WAITING = 32, 32
TENANTS, AT_ONCE = 64, 3
# A fork that gives way on a busy machine needs longer than its seconds of a core.
WALL_S = 60.0
MOST_BYTES = 96 * 2**20
CODE = "grammar_invalid"
Compiled = Future[xgrammar.CompiledGrammar]


def too_much() -> EngineError:
    message = "This form takes too long to prepare. Make its pattern or schema simpler."
    return EngineError(CODE, message)


class Sandbox:
    """The template process, started when the first grammar comes."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None

    def compile(self, grammar: Grammar) -> xgrammar.CompiledGrammar:
        """Raises EngineError where it is no grammar, or takes too much."""
        reading, writing = os.pipe()
        try:
            self._send({"kind": grammar.kind, "source": grammar.source}, writing)
        finally:
            os.close(writing)
        try:
            answer = read_all(reading, time.monotonic() + WALL_S)
        finally:
            os.close(reading)
        if answer[:1] == b"-":
            raise EngineError(CODE, answer[1:].decode(errors="replace"))
        if answer[:1] != b"+":
            raise too_much()  # it was ended in the middle
        return xgrammar.CompiledGrammar.deserialize_json(answer[1:].decode(), self.vocabulary.info)

    def _send(self, order: dict[str, str], writing: int) -> None:
        with self.lock:
            channel = self._opened()
            try:
                post(channel, order, writing)
            except OSError:  # somebody ended it: another one is made
                self.close()
                post(self._opened(), order, writing)

    def _opened(self) -> socket.socket:
        if self.channel is None:
            self.channel, theirs = socket.socketpair()
            argv = [sys.executable, "-m", "generation.engine.grammar_process", str(theirs.fileno())]
            self.process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], cwd=ROOT)
            theirs.close()
            post(self.channel, asdict(self.vocabulary))
        return self.channel

    def close(self) -> None:
        """The template ends when its channel does."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def post(channel: socket.socket, order: object, *answers: int) -> None:
    """Hand over a file with the order, and where to write the answer."""
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(order).encode())
        file.flush()
        socket.send_fds(channel, [b"."], [file.fileno(), *answers])


def read_all(reading: int, until: float) -> bytes:
    """All that comes before the other side closes; raises where that is too much or too late."""
    pieces: list[bytes] = []
    size = 0
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, until - time.monotonic()))
        if not ready or size > MOST_BYTES:
            raise too_much()
        piece = os.read(reading, 2**20)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)


class CallersGrammars:
    """Each tenant's own cache, and one compilation of each at a time, turn by turn."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.sandbox = Sandbox(vocabulary)
        self.pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="callers-grammar")
        self.kept: OrderedDict[str, OrderedDict[Grammar, Compiled]] = OrderedDict()
        self.waiting: OrderedDict[str, deque[tuple[Grammar, Compiled]]] = OrderedDict()
        self.running: set[str] = set()
        self.lock = threading.Lock()
        self.closed = False

    def request(self, tenant: str, grammar: Grammar) -> Compiled:
        kept = self.kept.setdefault(tenant, OrderedDict())
        self.kept.move_to_end(tenant)
        if grammar not in kept:
            kept[grammar] = self._wait(tenant, grammar)
        kept.move_to_end(grammar)
        future = kept[grammar]
        trim(kept, KEPT)
        trim(self.kept, TENANTS)
        return future

    def _wait(self, tenant: str, grammar: Grammar) -> Compiled:
        future: Compiled = Future()
        with self.lock:
            line = self.waiting.setdefault(tenant, deque())
            if len(line) >= WAITING:
                future.set_exception(too_much())
                return future
            line.append((grammar, future))
            self._go_on()
        return future

    def _go_on(self) -> None:
        """Give the free places to tenants that have none, whoever waits longest first."""
        for tenant in [each for each in self.waiting if each not in self.running]:
            if self.closed or len(self.running) >= AT_ONCE:
                return
            line = self.waiting[tenant]
            self.running.add(tenant)
            self.pool.submit(self._work, tenant, *line.popleft())
            self.waiting.move_to_end(tenant)
            if not line:
                del self.waiting[tenant]

    def _work(self, tenant: str, grammar: Grammar, future: Compiled) -> None:
        try:
            future.set_result(self.sandbox.compile(grammar))
        except (EngineError, OSError, RuntimeError) as error:
            future.set_exception(error)
        finally:
            with self.lock:
                self.running.discard(tenant)
                self._go_on()

    def close(self) -> None:
        self.closed = True
        self.sandbox.close()
        self.pool.shutdown(wait=False, cancel_futures=True)


def trim(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
