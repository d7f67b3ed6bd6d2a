"""Slots and scheduler under random traffic: nothing is leaked, shared or starved."""

import random
import time
from concurrent.futures import Future

import pytest

from generation.engine.row import LEAST_TURN, Row
from generation.engine.scheduler import Scheduler, SchedulerLimits
from generation.engine.slots import Slots
from generation.engine.types import EngineError, GenerationRequest

STEPS = 100_000
# What the cache may hold in these tests, and how long a row becomes: a few rows fill it.
BUDGET, LONGEST = 260, 120


def make_row(name, tenant="t", prompt=(1, 2, 3), adapter=None, **more):
    request = GenerationRequest(id=name, tenant=tenant, prompt="x", **{"max_tokens": 50, **more})
    return Row(request, list(prompt), ("base", adapter, tenant))


def make_scheduler(rows=4, **changes):
    limits = {"max_queue": 50, "rows_per_tenant": rows, "chunk": 32, "busy_chunk": 8}
    limits |= {"rows": rows, "cache_tokens": 100_000} | changes
    return Scheduler(Slots(rows + 1), SchedulerLimits(**limits))


def admit(scheduler):
    started = []
    for row in scheduler.admit():
        place = scheduler.slots.take(row.key, row.tokens)
        row.start(place.slot, place.length)
        started.append((row, place))
    return started


def step(scheduler, token=9):
    """One step as the engine takes it: admit, compute, write a token where all is computed."""
    admit(scheduler)
    work = scheduler.plan()
    for item in work:
        scheduler.done(item)
        if item.row.pending == 0:
            item.row.output.append(token)
    return work


class Traffic:
    """Random submits, cancels, ends, numbers that are not finite, rewinds and preemptions.

    `written` is what a real cache would hold: for each slot the key of its last owner and the
    tokens whose keys and values stand there.
    """

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.scheduler = make_scheduler(rows=5, rows_per_tenant=4, cache_tokens=BUDGET)
        self.names = self.copied = 0
        self.written = {}
        self.kept = {}  # What each row has written, by its own account.

    def act(self):
        actions = {self.submit: 2, self.advance: 8, self.end: 1, self.rewind: 1, self.preempt: 0.2}
        self.random.choices(list(actions), list(actions.values()))[0]()
        self.check()

    def submit(self):
        self.names += 1
        prompt = [self.random.randrange(2) for _ in range(self.random.randrange(1, 40))]
        row = make_row(
            str(self.names),
            tenant=self.random.choice("aaaabc"),
            prompt=prompt,
            adapter=self.random.choice([None, "x"]),
        )
        if self.scheduler.queued < 50:
            self.scheduler.add(row)
            self.kept[row.id] = []

    def advance(self):
        for row, place in admit(self.scheduler):
            source_key, source = self.written.get(place.source, (row.key, []))
            assert place.length == 0 or source_key == row.key
            assert source[: place.length] == row.tokens[: place.length]
            self.copied += place.length
            self.written[place.slot] = (row.key, source[: place.length])
        work = self.scheduler.plan()
        assert bool(work) == bool(self.scheduler.running)
        for item in work:
            assert 1 <= item.count <= item.row.pending
            tokens = self.written[item.row.slot][1]
            del tokens[item.row.computed :]
            tokens += item.row.upcoming(item.count)
            self.scheduler.done(item)
            if item.row.pending == 0:
                self.write(item.row)

    def write(self, row):
        token = self.random.randrange(2)
        row.output.append(token)
        self.kept[row.id].append(token)
        row.stream.push(b"x")
        if row.length == LONGEST:
            self.scheduler.remove(row)

    def end(self):
        """A row is done, is cancelled while it runs or waits, or its numbers are not finite."""
        if self.scheduler.rows:
            row = self.random.choice(list(self.scheduler.rows.values()))
            self.scheduler.remove(row, keep_cache=self.random.random() < 0.9)

    def rewind(self):
        rows = [row for row in self.scheduler.running if row.pending == 1 and row.output]
        if rows:
            row = self.random.choice(rows)
            first = self.random.randrange(len(row.output))
            self.scheduler.rewind(row, first)
            del self.kept[row.id][first:]

    def preempt(self):
        """At a moment that is nobody's choice, beside those that the scheduler chooses."""
        if self.scheduler.running:
            row = self.random.choice(self.scheduler.running)
            self.scheduler.preempt(row, keep_cache=self.random.random() < 0.5)

    def check(self):
        scheduler, slots = self.scheduler, self.scheduler.slots.slots
        running = scheduler.running
        assert len({row.slot for row in running}) == len(running) <= 5
        assert {slot.number for slot in slots if slot.busy} == {row.slot for row in running}
        assert scheduler.slots.held <= BUDGET
        for slot in slots:
            key, tokens = self.written.get(slot.number, (None, []))
            assert not slot.tokens or slot.key == key
            assert slot.tokens == tokens[: len(slot.tokens)]
        for row in running:
            assert slots[row.slot].tokens == row.tokens[: row.computed]
            assert slots[row.slot].key == row.key
            assert row.pending >= 0
        waiting = [row for tenant in scheduler.tenants.values() for row in tenant.waiting]
        assert {row.id for row in (*waiting, *running)} == set(scheduler.rows)
        assert len(waiting) + len(running) == len(scheduler.rows)
        for row in scheduler.rows.values():
            assert row.output == self.kept[row.id]
        for name, tenant in scheduler.tenants.items():
            assert tenant.running == sum(row.request.tenant == name for row in running) <= 4


def test_random_traffic_never_leaks_or_shares_a_slot():
    """100,000 steps; the controls count what would prove nothing if it never happened."""
    traffic, began = Traffic(seed=11), time.process_time()
    for _ in range(STEPS):
        traffic.act()
    while traffic.scheduler.rows:
        traffic.end()
        traffic.check()
    counts = traffic.names, traffic.copied, traffic.scheduler.preemptions
    spent = time.process_time() - began
    print(
        f"attempts={STEPS} failures=0 rows, tokens copied, preemptions={counts} cpu_s={spent:.1f}"
    )
    assert all(count > STEPS / 50 for count in counts)
    assert traffic.scheduler.slots.free == 6
    assert not traffic.scheduler.tenants


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(5))
def test_random_traffic_from_other_seeds(seed):
    traffic = Traffic(seed)
    for _ in range(STEPS):
        traffic.act()
    print(f"attempts={STEPS} failures=0 controls_ok={traffic.names}")


def test_the_least_served_tenant_comes_first():
    scheduler = make_scheduler(rows=1)
    for n in range(4):
        scheduler.add(make_row(f"a{n}", "a", max_tokens=4))
    order = []
    for number in range(12):
        if number == 2:
            scheduler.add(make_row("b0", "b"))
        for item in step(scheduler):
            if item.row.id not in order:
                order.append(item.row.id)
            if len(item.row.output) == 4:
                scheduler.remove(item.row)
    assert order[:3] == ["a0", "b0", "a1"]


def served(weights):
    """The tokens of each of two tenants that both always have work."""
    scheduler = make_scheduler(rows=2, rows_per_tenant=2)
    tokens = {"a": 0, "b": 0}
    for number in range(3000):
        for tenant in tokens:
            if len([r for r in scheduler.rows.values() if r.request.tenant == tenant]) < 4:
                weight = weights.get(tenant, 1)
                scheduler.add(make_row(f"{tenant}{number}", tenant, weight=weight))
        for item in step(scheduler):
            tokens[item.row.request.tenant] += item.count
            if len(item.row.output) >= 10:
                scheduler.remove(item.row)
    return tokens


def test_busy_tenants_get_equal_shares():
    tokens = served({})
    assert 0.95 < tokens["a"] / tokens["b"] < 1.05


def test_a_weight_of_three_gets_three_times_as_much():
    tokens = served({"a": 3})
    assert 2.7 < tokens["a"] / tokens["b"] < 3.3


def test_a_tenant_holds_no_more_rows_than_it_may():
    scheduler = make_scheduler(rows=4, rows_per_tenant=2)
    for n in range(5):
        scheduler.add(make_row(str(n), prompt=[n]))
    assert len(admit(scheduler)) == 2


def test_a_full_queue_refuses():
    scheduler = make_scheduler(max_queue=2)
    scheduler.add(make_row("1"))
    scheduler.add(make_row("2"))
    with pytest.raises(EngineError) as caught:
        scheduler.add(make_row("3"))
    assert caught.value.code == "queue_full"


def test_a_name_is_taken_once():
    scheduler = make_scheduler()
    scheduler.add(make_row("1"))
    with pytest.raises(EngineError) as caught:
        scheduler.add(make_row("1"))
    assert caught.value.code == "request_duplicate"


def test_a_long_prompt_does_not_hold_up_those_who_write():
    scheduler = make_scheduler(rows=2)
    scheduler.add(make_row("short"))
    step(scheduler)
    scheduler.add(make_row("long", prompt=range(100)))
    for _ in range(12):
        counts = {item.row.id: item.count for item in step(scheduler)}
        assert counts == {"short": 1, "long": 8}


def test_a_row_that_waits_for_its_grammar_lets_others_pass():
    scheduler = make_scheduler(rows=1)
    waiting = make_row("waits")
    waiting.grammar = Future()
    scheduler.add(waiting)
    scheduler.add(make_row("ready"))
    assert [row.id for row, _ in admit(scheduler)] == ["ready"]


def test_a_twin_waits_for_the_prompt_that_it_can_copy():
    scheduler = make_scheduler(chunk=20)
    prompt = list(range(150))
    scheduler.add(make_row("1", prompt=prompt))
    scheduler.add(make_row("2", prompt=prompt))
    scheduler.add(make_row("3", tenant="other", prompt=prompt))
    assert [item.row.id for item in step(scheduler)] == ["1"]
    assert {row.id for row in scheduler.running} == {"1", "3"}
    while not scheduler.rows["1"].output:
        step(scheduler)
    step(scheduler)
    (row,) = [row for row in scheduler.running if row.id == "2"]
    assert scheduler.slots.slots[row.slot].tokens[:118] == prompt[:118]


def test_a_slot_is_released_once():
    slots = Slots(1)
    slots.take(("base", None, "t"), [1])
    slots.release(0)
    with pytest.raises(RuntimeError):
        slots.release(0)


def test_no_slot_is_given_twice():
    slots = Slots(1)
    slots.take(("base", None, "t"), [1])
    with pytest.raises(RuntimeError):
        slots.take(("base", None, "t"), [1])


def fill(scheduler, tenant, count, written=0, weight=1):
    """So many rows of the tenant are running, each of which wrote so many tokens."""
    rows = [
        make_row(f"{tenant}{n}", tenant, prompt=[n, 50 + n], weight=weight) for n in range(count)
    ]
    for row in rows:
        scheduler.add(row)
    admit(scheduler)
    for _ in range(written + 1):
        step(scheduler)
    return rows


def running(scheduler):
    return {row.id for row in scheduler.running}


def test_a_tenant_of_which_nothing_runs_gets_the_newest_row_of_the_greediest():
    scheduler = make_scheduler(rows=4)
    fill(scheduler, "a", 3, written=40)
    fill(scheduler, "b", 1, written=40)
    scheduler.add(make_row("c0", "c"))
    step(scheduler)
    assert running(scheduler) == {"a0", "a1", "b0", "c0"}
    assert scheduler.tenants["a"].waiting[0].id == "a2"
    assert scheduler.preemptions == 1


def test_a_row_goes_on_where_it_was_and_is_not_charged_twice():
    scheduler = make_scheduler(rows=2)
    first, second = fill(scheduler, "a", 2, written=40)
    scheduler.add(make_row("b0", "b"))
    before = list(second.output)
    while not scheduler.rows["b0"].output:
        step(scheduler)
    assert (second.slot, second.output) == (-1, before)
    served = scheduler.tenants["a"].served
    scheduler.remove(scheduler.rows["b0"])
    step(scheduler)
    assert second.output[: len(before)] == before
    # What was computed before is free: one token for the old row, one for this one.
    assert scheduler.tenants["a"].served == served + 2


def test_nobody_gives_way_before_its_turn_nor_gives_up_its_last_row():
    scheduler = make_scheduler(rows=2)
    fill(scheduler, "a", 2, written=LEAST_TURN - 10)
    scheduler.add(make_row("b0", "b"))
    step(scheduler)
    assert running(scheduler) == {"a0", "a1"}
    for _ in range(20):
        step(scheduler)
    assert running(scheduler) == {"a0", "b0"}
    scheduler.add(make_row("c0", "c"))
    for _ in range(100):
        step(scheduler)
    assert running(scheduler) == {"a0", "b0"}


def test_rows_do_not_thrash():
    """A neighbour that always comes back costs a long row one pause in so many tokens."""
    scheduler = make_scheduler(rows=2, rows_per_tenant=2)
    fill(scheduler, "a", 2)
    wrote = sum(len(row.output) for row in scheduler.running)
    for number in range(3000):
        if "b" not in scheduler.tenants:
            scheduler.add(make_row(f"b{number}", "b"))
        for item in step(scheduler):
            if item.row.request.tenant == "b":
                scheduler.remove(item.row)
    wrote = sum(len(row.output) for row in scheduler.rows.values()) - wrote
    assert 10 < scheduler.preemptions < wrote / LEAST_TURN


def test_a_heavier_tenant_may_hold_more():
    scheduler = make_scheduler(rows=4)
    fill(scheduler, "a", 3, written=40, weight=3)
    fill(scheduler, "b", 1, written=40)
    scheduler.add(make_row("c0", "c"))
    step(scheduler)
    # Of four rows a weight of three among five may hold 2.4.
    assert running(scheduler) == {"a0", "a1", "b0", "c0"}


def test_the_cache_stays_within_its_budget():
    scheduler = make_scheduler(rows=3, cache_tokens=150)
    old = make_row("old", "z", prompt=range(40))
    scheduler.add(old)
    step(scheduler)
    step(scheduler)
    scheduler.remove(old)
    assert scheduler.slots.held >= 40
    rows = [make_row(f"a{n}", "a", prompt=[n]) for n in range(3)]
    for row in rows:
        scheduler.add(row)
    for _ in range(99):
        step(scheduler)
        assert scheduler.slots.held <= 150
    assert running(scheduler) == {"a0"}
    assert len(rows[0].output) == 99
    assert scheduler.slots.held < 150
    scheduler.remove(rows[0])
    step(scheduler)
    assert "a1" in running(scheduler)
