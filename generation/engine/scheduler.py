"""Who runs next: rows waiting, rows running, and fairness between tenants. Free of torch."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from generation.engine.slots import CacheKey, Slots, common_prefix
from generation.engine.text import Phrases, TextStream, fold
from generation.engine.types import EngineError, GenerationRequest, TokenLogprob

# A wait for a neighbour's prompt pays off only when at least this much of it is shared.
WORTH_WAITING = 32


@dataclass(slots=True, eq=False)
class Row:
    """One request on its way; `computed` counts the tokens whose keys are in the cache."""

    request: GenerationRequest
    prompt: list[int]
    key: CacheKey
    grammar: Future[Any] | None = None
    adapter: Future[Any] | None = None
    matcher: Any = None
    output: list[int] = field(default_factory=list)
    slot: int = -1
    computed: int = 0
    cached: int = 0
    cancelled: bool = False
    rewinds: int = 0
    forbidden: dict[int, set[int]] = field(default_factory=dict)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    shown_logprobs: int = 0
    began: float = field(default_factory=monotonic)
    stream: TextStream = field(init=False)
    noise: random.Random = field(init=False)

    def __post_init__(self) -> None:
        banned = tuple(fold(phrase) for phrase in self.request.banned)
        self.stream = TextStream(Phrases(self.request.sampling.stop), Phrases(banned))
        self.noise = random.Random(self.request.sampling.seed)

    @property
    def id(self) -> str:
        return self.request.id

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.output)

    @property
    def pending(self) -> int:
        return self.length - self.computed

    @property
    def ready(self) -> bool:
        return all(future is None or future.done() for future in (self.grammar, self.adapter))

    def upcoming(self, count: int) -> list[int]:
        """The next `count` tokens to compute."""
        if self.computed >= len(self.prompt):
            start = self.computed - len(self.prompt)
            return self.output[start : start + count]
        tokens = self.prompt[self.computed : self.computed + count]
        return tokens + self.output[: count - len(tokens)]

    def rewind(self, outputs: int) -> None:
        """Go back to the first `outputs` tokens, whose last one is computed again."""
        if self.matcher is not None:
            self.matcher.rollback(len(self.output) - outputs)
        del self.output[outputs:]
        del self.logprobs[outputs:]
        self.computed = min(self.computed, self.length - 1)
        self.stream.rewind(outputs)
        self.rewinds += 1


@dataclass(frozen=True, slots=True)
class Work:
    """The next `count` tokens of a row in this step."""

    row: Row
    count: int


@dataclass(slots=True)
class Tenant:
    """What a tenant waits for and how much it was served, in tokens by weight."""

    waiting: deque[Row] = field(default_factory=deque)
    running: int = 0
    served: float = 0.0
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class SchedulerLimits:
    """`chunk` and `busy_chunk` bound a step's prompt tokens without and with rows that write."""

    max_queue: int
    rows_per_tenant: int
    chunk: int
    busy_chunk: int
    weights: dict[str, float] = field(default_factory=dict)


class Scheduler:
    """Admits the least-served tenant's oldest row first and splits long prompts into chunks."""

    def __init__(self, slots: Slots, limits: SchedulerLimits) -> None:
        self.slots, self.limits = slots, limits
        self.tenants: dict[str, Tenant] = {}
        self.running: list[Row] = []
        self.rows: dict[str, Row] = {}

    @property
    def queued(self) -> int:
        return len(self.rows) - len(self.running)

    def add(self, row: Row) -> None:
        if row.id in self.rows:
            raise EngineError("request_duplicate", "This request is already running.")
        limit = self.limits.max_queue
        if self.queued >= limit:
            raise EngineError("queue_full", "Too many requests are waiting.", limit=limit)
        self.rows[row.id] = row
        self.tenant(row).waiting.append(row)

    def tenant(self, row: Row) -> Tenant:
        """A tenant that comes (back) starts level with the least served, never with a credit."""
        name = row.request.tenant
        if name not in self.tenants:
            floor = min((other.served for other in self.tenants.values()), default=0.0)
            self.tenants[name] = Tenant(served=floor, weight=self.limits.weights.get(name, 1.0))
        return self.tenants[name]

    def admit(self) -> Iterator[Row]:
        """The rows that may start now, each counted as running once it was yielded."""
        while self.slots.free and (row := self.next_waiting()) is not None:
            tenant = self.tenant(row)
            tenant.waiting.remove(row)
            tenant.running += 1
            self.running.append(row)
            yield row

    def next_waiting(self) -> Row | None:
        for tenant in sorted(self.tenants.values(), key=lambda tenant: tenant.served):
            if tenant.running >= self.limits.rows_per_tenant:
                continue
            for row in tenant.waiting:
                if row.ready and not self.neighbour_is_ahead(row):
                    return row
        return None

    def neighbour_is_ahead(self, row: Row) -> bool:
        """Whether a running row is still computing a beginning that this one could copy."""
        fresh = [r for r in self.running if r.pending > 1 and r.key == row.key]
        if not fresh:
            return False
        shared = max(common_prefix(r.prompt, row.prompt) for r in fresh)
        return shared >= WORTH_WAITING + self.slots.match(row.key, row.prompt)[1]

    def plan(self) -> list[Work]:
        """One token for each row that writes, the rest of the step for prompts in turn."""
        writing = [Work(row, 1) for row in self.running if row.pending == 1]
        budget = self.limits.busy_chunk if writing else self.limits.chunk
        for row in self.running:
            if row.pending > 1 and budget > 0:
                writing.append(Work(row, min(row.pending, budget)))
                budget -= writing[-1].count
        return writing

    def done(self, work: Work) -> None:
        """Note the work as computed and as served to its tenant."""
        row = work.row
        self.slots.record(row.slot, row.upcoming(work.count))
        row.computed += work.count
        tenant = self.tenant(row)
        tenant.served += work.count / tenant.weight

    def rewind(self, row: Row, outputs: int) -> None:
        row.rewind(outputs)
        self.slots.truncate(row.slot, row.computed)

    def remove(self, row: Row, *, keep_cache: bool = True) -> None:
        tenant = self.tenant(row)
        del self.rows[row.id]
        if row in self.running:
            self.running.remove(row)
            tenant.running -= 1
            self.slots.release(row.slot, keep=keep_cache)
        else:
            tenant.waiting.remove(row)
        if not tenant.waiting and not tenant.running:
            del self.tenants[row.request.tenant]

    def find(self, wanted: Callable[[Row], bool]) -> list[Row]:
        return [row for row in self.rows.values() if wanted(row)]
