"""Which sequences wait and which run, and fairness between tenants. Free of torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from generation.engine.sequence import LEAST_TURN, Sequence
from generation.engine.slots import Slots, common_prefix
from generation.engine.types import EngineError

# A wait for a neighbour's prompt pays off only when at least this much of it is shared.
WORTH_WAITING = 32


@dataclass(frozen=True, slots=True)
class Work:
    """The next `count` tokens of a sequence in this step."""

    seq: Sequence
    count: int


@dataclass(slots=True)
class Tenant:
    """What a tenant waits for and how much it was served, in tokens by weight."""

    waiting: deque[Sequence] = field(default_factory=deque)
    running: int = 0
    served: float = 0.0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class SchedulerLimits:
    """`rows` run at a time, and keep at most `cache_tokens` between them and the prefix cache.

    `chunk` and `busy_chunk` bound a step's prompt tokens without and with sequences that write.
    """

    rows: int
    max_queue: int
    rows_per_tenant: int
    chunk: int
    busy_chunk: int
    cache_tokens: int


class Scheduler:
    """Admits the least-served tenant's oldest sequence first and splits long prompts into chunks.

    When there is no room for a tenant of which nothing runs, the newest sequence of the tenant with
    the most by weight gives way: it goes to the front of its queue and is computed again later. A
    tenant only gives sequences away while it holds more than its share, by weight, and never its
    last one. A sequence gives way only after it has written LEAST_TURN tokens and 1/TURN_SHARE of
    its length since it got its slot. Computing is about TURN_SHARE times as quick as writing, so
    that at worst half of the work is lost to giving way.

    When the cache's budget would be passed, free slots' prefixes go first, the oldest before the
    others, then sequences give way whoever owns them. One only starts where LEAST_TURN more tokens
    fit for each that runs, so that this too happens at most once in so many steps.
    """

    def __init__(self, slots: Slots, limits: SchedulerLimits) -> None:
        self.slots, self.limits = slots, limits
        self.tenants: dict[str, Tenant] = {}
        self.running: list[Sequence] = []
        self.sequences: dict[str, Sequence] = {}
        self.preemptions = 0

    @property
    def queued(self) -> int:
        return len(self.sequences) - len(self.running)

    def add(self, seq: Sequence) -> None:
        if seq.id in self.sequences:
            raise EngineError("request_duplicate", "This request is already running.")
        limit = self.limits.max_queue
        if self.queued >= limit:
            raise EngineError("queue_full", "Too many requests are waiting.", limit=limit)
        self.sequences[seq.id] = seq
        tenant = self.tenant(seq)
        tenant.weight = seq.request.weight
        tenant.waiting.append(seq)

    def tenant(self, seq: Sequence) -> Tenant:
        """A tenant that comes (back) starts level with the least served, never with a credit."""
        name = seq.request.tenant
        if name not in self.tenants:
            floor = min((other.served for other in self.tenants.values()), default=0.0)
            self.tenants[name] = Tenant(served=floor)
        return self.tenants[name]

    def admit(self) -> Iterator[Sequence]:
        """The sequences that may start now, each counted as running once it was yielded."""
        while (seq := self.next_waiting()) is not None and self.make_room(seq):
            tenant = self.tenant(seq)
            tenant.waiting.remove(seq)
            tenant.running += 1
            self.running.append(seq)
            yield seq

    def next_waiting(self) -> Sequence | None:
        """What to start next; in a full batch only from tenants of which nothing runs."""
        full = len(self.running) >= self.limits.rows
        most = 1 if full else self.limits.rows_per_tenant
        waiting = (tenant for tenant in self.tenants.values() if tenant.waiting)
        for tenant in sorted(waiting, key=lambda tenant: tenant.served):
            if tenant.running >= most:
                continue
            for seq in tenant.waiting:
                if seq.ready and not self.neighbour_is_ahead(seq):
                    return seq
        return None

    def neighbour_is_ahead(self, seq: Sequence) -> bool:
        """Whether a running sequence is still computing a beginning that this one could copy."""
        fresh = [r for r in self.running if r.pending > 1 and r.key == seq.key]
        if not fresh:
            return False
        shared = max(common_prefix(r.prompt, seq.prompt) for r in fresh)
        return shared >= WORTH_WAITING + self.slots.match(seq.key, seq.prompt)[1]

    def make_room(self, seq: Sequence) -> bool:
        """Whether the sequence can start now, which may make others give way."""
        while not self.fits(seq):
            victims = [] if self.tenant(seq).running else self.over_their_share()
            if not victims:
                return False
            self.preempt(self.newest_of_most(victims), keep_cache=True)
        return True

    def fits(self, seq: Sequence) -> bool:
        """Whether there is a place, and room for each to write for a while beside this one."""
        lengths = [each.length + LEAST_TURN for each in (*self.running, seq)]
        if len(lengths) == 1:
            return True
        return len(lengths) <= self.limits.rows and sum(lengths) <= self.limits.cache_tokens

    def over_their_share(self) -> list[Sequence]:
        """The sequences that may have to give way to a tenant of which nothing runs."""
        share = self.limits.rows / sum(tenant.weight for tenant in self.tenants.values())

        def over(tenant: Tenant) -> bool:
            return tenant.running > max(1, share * tenant.weight)

        return [seq for seq in self.running if seq.had_its_turn and over(self.tenant(seq))]

    def newest_of_most(self, seqs: list[Sequence]) -> Sequence:
        """Of these sequences the newest of the tenant with the most running by weight."""

        def rank(seq: Sequence) -> tuple[float, float]:
            tenant = self.tenant(seq)
            return tenant.running / tenant.weight, tenant.served

        return max(reversed(seqs), key=rank)

    def preempt(self, seq: Sequence, *, keep_cache: bool) -> None:
        """Back to the front of its tenant's queue; what it has written stays with it."""
        tenant = self.tenant(seq)
        self.running.remove(seq)
        tenant.running -= 1
        tenant.waiting.appendleft(seq)
        self.slots.release(seq.slot, keep=keep_cache)
        seq.stop()
        self.preemptions += 1

    def plan(self) -> list[Work]:
        """The next step, within the cache's budget."""
        work = self.share_out()
        while self.slots.held + sum(item.count for item in work) > self.limits.cache_tokens:
            if not self.slots.forget():
                if len(self.running) == 1:
                    raise RuntimeError("One row alone does not fit into the cache.")
                self.preempt(self.newest_of_most(self.running), keep_cache=False)
                work = self.share_out()
        return work

    def share_out(self) -> list[Work]:
        """One token for each sequence that writes, the rest of the step for prompts in turn."""
        writing = [Work(seq, 1) for seq in self.running if seq.pending == 1]
        budget = self.limits.busy_chunk if writing else self.limits.chunk
        for seq in self.running:
            if seq.pending > 1 and budget > 0:
                writing.append(Work(seq, min(seq.pending, budget)))
                budget -= writing[-1].count
        return writing

    def done(self, work: Work) -> None:
        """Note the work as computed and, where it was not computed before, as served."""
        seq = work.seq
        self.slots.record(seq.slot, seq.upcoming(work.count))
        tenant = self.tenant(seq)
        tenant.served += seq.advance(work.count) / tenant.weight

    def rewind(self, seq: Sequence, outputs: int) -> None:
        seq.rewind(outputs)
        self.slots.truncate(seq.slot, seq.computed)

    def remove(self, seq: Sequence, *, keep_cache: bool = True) -> None:
        tenant = self.tenant(seq)
        del self.sequences[seq.id]
        if seq in self.running:
            self.running.remove(seq)
            tenant.running -= 1
            self.slots.release(seq.slot, keep=keep_cache)
        else:
            tenant.waiting.remove(seq)
        if not tenant.waiting and not tenant.running:
            del self.tenants[seq.request.tenant]

    def find(self, wanted: Callable[[Sequence], bool]) -> list[Sequence]:
        return [seq for seq in self.sequences.values() if wanted(seq)]
