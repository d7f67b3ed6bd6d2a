"""Slots and scheduler under random traffic: nothing is leaked, shared or starved."""

import random
from concurrent.futures import Future

import pytest

from generation.engine.scheduler import Row, Scheduler, SchedulerLimits
from generation.engine.slots import Slots
from generation.engine.types import EngineError, GenerationRequest

STEPS = 20_000


def make_row(name, tenant="t", prompt=(1, 2, 3), adapter=None, max_tokens=50):
    request = GenerationRequest(id=name, tenant=tenant, max_tokens=max_tokens, prompt="x")
    return Row(request, list(prompt), ("base", adapter, tenant))


def make_scheduler(rows=4, **changes):
    limits = {"max_queue": 50, "rows_per_tenant": rows, "chunk": 32, "busy_chunk": 8} | changes
    return Scheduler(Slots(rows), SchedulerLimits(**limits))


def admit(scheduler):
    started = []
    for row in scheduler.admit():
        place = scheduler.slots.take(row.key, row.prompt)
        row.slot, row.computed = place.slot, place.length
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
    """Random submits, cancels, ends and rewinds, with what must hold after each of them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.scheduler = make_scheduler(rows=5, rows_per_tenant=3)
        self.names = 0
        self.written = {}  # slot -> the tokens whose keys a real cache would hold, with their key

    def act(self):
        actions = [self.submit, self.advance, self.advance, self.advance, self.end, self.rewind]
        self.random.choice(actions)()
        self.check()

    def submit(self):
        self.names += 1
        prompt = [self.random.randrange(2) for _ in range(self.random.randrange(1, 40))]
        row = make_row(
            str(self.names),
            tenant=self.random.choice("abc"),
            prompt=prompt,
            adapter=self.random.choice([None, "x"]),
        )
        if self.scheduler.queued < 50:
            self.scheduler.add(row)

    def advance(self):
        for row, place in admit(self.scheduler):
            source_key, source = self.written.get(place.source, (row.key, []))
            assert place.length == 0 or source_key == row.key
            assert source[: place.length] == row.prompt[: place.length]
            self.written[place.slot] = (row.key, source[: place.length])
        for item in self.scheduler.plan():
            assert 1 <= item.count <= item.row.pending
            tokens = self.written[item.row.slot][1]
            del tokens[item.row.computed :]
            tokens += item.row.upcoming(item.count)
            self.scheduler.done(item)
            if item.row.pending == 0:
                item.row.output.append(self.random.randrange(2))
                item.row.stream.push(b"x")

    def end(self):
        if self.scheduler.rows:
            row = self.random.choice(list(self.scheduler.rows.values()))
            self.scheduler.remove(row, keep_cache=self.random.random() < 0.9)

    def rewind(self):
        rows = [row for row in self.scheduler.running if row.output]
        if rows:
            row = self.random.choice(rows)
            self.scheduler.rewind(row, self.random.randrange(len(row.output)))

    def check(self):
        scheduler, slots = self.scheduler, self.scheduler.slots.slots
        running = scheduler.running
        assert len({row.slot for row in running}) == len(running)
        assert {slot.number for slot in slots if slot.busy} == {row.slot for row in running}
        for slot in slots:
            key, tokens = self.written.get(slot.number, (None, []))
            assert not slot.tokens or slot.key == key
            assert slot.tokens == tokens[: len(slot.tokens)]
        for row in running:
            everything = row.prompt + row.output
            assert slots[row.slot].tokens == everything[: row.computed]
            assert row.pending >= 0
        waiting = [row for tenant in scheduler.tenants.values() for row in tenant.waiting]
        assert {row.id for row in (*waiting, *running)} == set(scheduler.rows)
        for name, tenant in scheduler.tenants.items():
            assert tenant.running == sum(row.request.tenant == name for row in running) <= 3


def test_random_traffic_never_leaks_or_shares_a_slot():
    traffic = Traffic(seed=11)
    for _ in range(STEPS):
        traffic.act()
    assert traffic.names > STEPS / 10
    while traffic.scheduler.rows:
        traffic.end()
        traffic.check()
    assert traffic.scheduler.slots.free == 5
    assert not traffic.scheduler.tenants


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(5))
def test_random_traffic_for_a_hundred_thousand_steps(seed):
    traffic = Traffic(seed)
    for _ in range(100_000):
        traffic.act()
    print(f"attempts=100000 failures=0 controls_ok={traffic.names}")


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
    scheduler = make_scheduler(rows=2, rows_per_tenant=2, weights=weights)
    tokens = {"a": 0, "b": 0}
    for number in range(3000):
        for tenant in tokens:
            if len([r for r in scheduler.rows.values() if r.request.tenant == tenant]) < 4:
                scheduler.add(make_row(f"{tenant}{number}", tenant))
        for item in step(scheduler):
            tokens[item.row.request.tenant] += item.count
            if len(item.row.output) >= 10:
                scheduler.remove(item.row)
    return tokens


def test_busy_tenants_get_equal_shares():
    tokens = served({})
    assert 0.95 < tokens["a"] / tokens["b"] < 1.05


def test_a_weight_of_three_gets_three_times_as_much():
    tokens = served({"a": 3.0})
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
