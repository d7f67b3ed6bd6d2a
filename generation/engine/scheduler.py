"""Who runs next: rows waiting, rows running, and fairness between tenants. Free of torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from generation.engine.row import LEAST_TURN, Row
from generation.engine.slots import Slots, common_prefix
from generation.engine.types import EngineError

# A wait for a neighbour's prompt pays off only when at least this much of it is shared.
WORTH_WAITING = 32


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
    weight: int = 1


@dataclass(frozen=True, slots=True)
class SchedulerLimits:
    """`rows` run at a time, and keep at most `cache_tokens` between them and the prefix cache.

    `chunk` and `busy_chunk` bound a step's prompt tokens without and with rows that write.
    """

    rows: int
    max_queue: int
    rows_per_tenant: int
    chunk: int
    busy_chunk: int
    cache_tokens: int


class Scheduler:
    """Admits the least-served tenant's oldest row first and splits long prompts into chunks.

    When there is no room for a tenant of which nothing runs, the newest row of the tenant with
    the most rows by weight gives way: it goes to the front of its queue and is computed again
    later. A tenant only gives rows away while it holds more than its share, by weight, of the
    rows, and never its last one. A row gives way only after it has written LEAST_TURN tokens and
    1/TURN_SHARE of its length since it got its slot. Computing is about TURN_SHARE times as quick
    as writing, so that at worst half of the work is lost to giving way.

    When the cache's budget would be passed, free slots' prefixes go first, the oldest before the
    others, then rows give way whoever owns them. A row only starts where LEAST_TURN more tokens
    fit for each that runs, so that this too happens at most once in so many steps.
    """

    def __init__(self, slots: Slots, limits: SchedulerLimits) -> None:
        self.slots, self.limits = slots, limits
        self.tenants: dict[str, Tenant] = {}
        self.running: list[Row] = []
        self.rows: dict[str, Row] = {}
        self.preemptions = 0

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
        tenant = self.tenant(row)
        tenant.weight = row.request.weight
        tenant.waiting.append(row)

    def tenant(self, row: Row) -> Tenant:
        """A tenant that comes (back) starts level with the least served, never with a credit."""
        name = row.request.tenant
        if name not in self.tenants:
            floor = min((other.served for other in self.tenants.values()), default=0.0)
            self.tenants[name] = Tenant(served=floor)
        return self.tenants[name]

    def admit(self) -> Iterator[Row]:
        """The rows that may start now, each counted as running once it was yielded."""
        while (row := self.next_waiting()) is not None and self.make_room(row):
            tenant = self.tenant(row)
            tenant.waiting.remove(row)
            tenant.running += 1
            self.running.append(row)
            yield row

    def next_waiting(self) -> Row | None:
        """The row to start next; in a full batch only tenants of which nothing runs have one."""
        full = len(self.running) >= self.limits.rows
        most = 1 if full else self.limits.rows_per_tenant
        waiting = (tenant for tenant in self.tenants.values() if tenant.waiting)
        for tenant in sorted(waiting, key=lambda tenant: tenant.served):
            if tenant.running >= most:
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

    def make_room(self, row: Row) -> bool:
        """Whether the row can start now, which may make others give way."""
        while not self.fits(row):
            victims = [] if self.tenant(row).running else self.over_their_share()
            if not victims:
                return False
            self.preempt(self.newest_of_most(victims), keep_cache=True)
        return True

    def fits(self, row: Row) -> bool:
        """Whether there is a place, and room for each row to write for a while beside this one."""
        lengths = [each.length + LEAST_TURN for each in (*self.running, row)]
        if len(lengths) == 1:
            return True
        return len(lengths) <= self.limits.rows and sum(lengths) <= self.limits.cache_tokens

    def over_their_share(self) -> list[Row]:
        """The rows that may have to give way to a tenant of which nothing runs."""
        share = self.limits.rows / sum(tenant.weight for tenant in self.tenants.values())

        def over(tenant: Tenant) -> bool:
            return tenant.running > max(1, share * tenant.weight)

        return [row for row in self.running if row.had_its_turn and over(self.tenant(row))]

    def newest_of_most(self, rows: list[Row]) -> Row:
        """Of these rows the newest of the tenant with the most running by weight."""

        def rank(row: Row) -> tuple[float, float]:
            tenant = self.tenant(row)
            return tenant.running / tenant.weight, tenant.served

        return max(reversed(rows), key=rank)

    def preempt(self, row: Row, *, keep_cache: bool) -> None:
        """Back to the front of its tenant's queue; what it has written stays with it."""
        tenant = self.tenant(row)
        self.running.remove(row)
        tenant.running -= 1
        tenant.waiting.appendleft(row)
        self.slots.release(row.slot, keep=keep_cache)
        row.stop()
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
        """One token for each row that writes, the rest of the step for prompts in turn."""
        writing = [Work(row, 1) for row in self.running if row.pending == 1]
        budget = self.limits.busy_chunk if writing else self.limits.chunk
        for row in self.running:
            if row.pending > 1 and budget > 0:
                writing.append(Work(row, min(row.pending, budget)))
                budget -= writing[-1].count
        return writing

    def done(self, work: Work) -> None:
        """Note the work as computed and, where it was not computed before, as served."""
        row = work.row
        self.slots.record(row.slot, row.upcoming(work.count))
        tenant = self.tenant(row)
        tenant.served += row.advance(work.count) / tenant.weight

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
