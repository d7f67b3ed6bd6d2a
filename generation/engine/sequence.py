"""The record of one request on its way through the engine. Free of torch."""

from __future__ import annotations

import random
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from generation.engine.slots import CacheKey
from generation.engine.text import BannedChecker, StopChecker, TextStream, fold
from generation.engine.types import GenerationRequest, TokenLogprob

# A sequence writes so many tokens, and this share of its length, before it may be preempted.
LEAST_TURN = 32
TURN_SHARE = 8


@dataclass(slots=True, eq=False)
class Sequence:
    """One request; `computed` counts the tokens whose keys are in the cache.

    `paid` is the most that `computed` ever was, `begun_at` the tokens written when it last got its
    slot, `adapter_sha256` the hash of the adapter in the steps that ran.
    """

    request: GenerationRequest
    prompt: list[int]
    key: CacheKey
    grammar: Future[Any] | None = None
    adapter: Future[Any] | None = None
    matcher: Any = None
    matched: int = 0  # tokens that the grammar took, one that ends the text among them
    output: list[int] = field(default_factory=list)
    slot: int = -1
    computed: int = 0
    paid: int = 0
    begun_at: int = 0
    starts: int = 0
    cached: int = 0
    adapter_sha256: str | None = None
    cancelled: bool = False
    rewinds: int = 0
    forbidden: dict[int, set[int]] = field(default_factory=dict)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    shown_logprobs: int = 0
    began: float = field(default_factory=monotonic)
    stream: TextStream = field(init=False)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        banned = tuple(fold(phrase) for phrase in self.request.banned)
        self.stream = TextStream(StopChecker(self.request.sampling.stop), BannedChecker(banned))
        self.rng = random.Random(self.request.sampling.seed)

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def tokens(self) -> list[int]:
        return self.prompt + self.output

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.output)

    @property
    def pending(self) -> int:
        return self.length - self.computed

    @property
    def ready(self) -> bool:
        return all(future is None or future.done() for future in (self.grammar, self.adapter))

    @property
    def had_its_turn(self) -> bool:
        """Whether the sequence may be preempted now, by the rule that the scheduler states."""
        turn = max(LEAST_TURN, self.length // TURN_SHARE)
        return len(self.output) - self.begun_at >= turn

    def upcoming(self, count: int) -> list[int]:
        """The next `count` tokens to compute."""
        if self.computed >= len(self.prompt):
            start = self.computed - len(self.prompt)
            return self.output[start : start + count]
        tokens = self.prompt[self.computed : self.computed + count]
        return tokens + self.output[: count - len(tokens)]

    def start(self, slot: int, computed: int) -> None:
        """Take the slot, whose first `computed` tokens are those of this sequence."""
        self.slot, self.computed, self.begun_at = slot, computed, len(self.output)
        self.paid = max(self.paid, computed)
        self.cached = self.cached if self.starts else computed
        self.starts += 1

    def advance(self, count: int) -> int:
        """Note `count` more tokens as computed; how many of them never were before."""
        self.computed += count
        fresh = max(0, self.computed - self.paid)
        self.paid += fresh
        return fresh

    def stop(self) -> None:
        """Give the slot up; all that was written stays."""
        self.slot, self.computed = -1, 0

    def rewind(self, outputs: int) -> None:
        """Go back to the first `outputs` tokens, whose last one is computed again."""
        if self.matcher is not None:
            self.matcher.rollback(self.matched - outputs)
            self.matched = outputs
        del self.output[outputs:]
        del self.logprobs[outputs:]
        self.computed = self.paid = min(self.computed, self.length - 1)
        self.stream.rewind(outputs)
        self.rewinds += 1
