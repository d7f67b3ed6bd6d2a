"""A row that had to give way writes on as if nothing had been: same text, each piece once."""

import time

import pytest

from generation.engine.native.library import library
from generation.engine.types import Failed, Grammar, Sampling
from tests.generation.engine.test_local import SCHEMA
from tests.generation.engine.test_native import SHAPE
from tests.generation.engine.toys import ask, finish, run, write_adapter, write_toy

WARM = {"temperature": 1.0, "logprobs": 2}
LONG = {"max_tokens": 150, "min_tokens": 150}


def requests(adapter):
    """One of each kind of request that carries something from token to token."""
    names = ("seed", "stop", "grammar", "banned", "penalty", "adapter")
    samplings = [Sampling(**WARM, seed=number) for number in range(6)]
    samplings[1] = Sampling(**WARM, seed=1, stop=("zq", "the the the"))
    samplings[4] = Sampling(**WARM, seed=4, repetition_penalty=1.1, frequency_penalty=0.2)
    extras = [{}, {}, {"grammar": Grammar.json_schema(SCHEMA)}, {"banned": ("in", "e")}, {}]
    extras.append({"adapter": adapter})
    return [
        ask(f"{'the ' * number}cat", id=name, sampling=sampling, **LONG | extra)
        for number, (name, sampling, extra) in enumerate(
            zip(names, samplings, extras, strict=True), start=3
        )
    ]


def disturb(engine, wanted):
    """Run the requests while neighbours of which nothing runs come again and again."""
    events = {request.id: [] for request in wanted}
    for request in wanted:
        engine.submit(request)
    number = 0
    while any(request.id in engine.scheduler.sequences for request in wanted):
        if "neighbour" not in engine.scheduler.tenants:
            number += 1
            engine.submit(ask(f"{number} hats", id=f"n{number}", tenant="neighbour", max_tokens=3))
        for event in engine.step():
            events.setdefault(event.request_id, []).append(event)
    return events


@pytest.mark.parametrize("precision", ["fp32", "int4"])
def test_what_a_preempted_row_writes_is_the_same(make_engine, tmp_path, precision):
    if precision == "int4" and library() is None:
        pytest.skip("The library was not built here.")
    model = write_toy(tmp_path / "toy", **SHAPE | {"max_position_embeddings": 512})
    adapter, _ = write_adapter(tmp_path / "adapter", model)
    options = {"model": tmp_path / "toy", "precision": precision}
    began = time.process_time()
    calm = run(make_engine(**options, rows=6), *requests(adapter))
    engine = make_engine(**options, rows=3, busy_chunk=16)
    disturbed = disturb(engine, requests(adapter))
    assert engine.stats().preemptions > 6
    for name, expected in calm.items():
        got = disturbed[name]
        assert not isinstance(expected[-1], Failed)
        assert got[-1].text == expected[-1].text
        assert (got[-1].reason, got[-1].completion_tokens) == (
            expected[-1].reason,
            expected[-1].completion_tokens,
        )
        assert got[-1].adapter_sha256 == expected[-1].adapter_sha256
        assert pieces(got) == pieces(expected)
    spent, pauses = time.process_time() - began, engine.stats().preemptions
    print(f"attempts={len(calm)} failures=0 preemptions={pauses} cpu_s={spent:.1f}")


def pieces(events):
    """The streamed text, and its tokens with the likeliest ones beside them."""
    text = "".join(event.text for event in events[:-1])
    words = [
        (each.token, [word for word, _ in each.top]) for e in events[:-1] for each in e.logprobs
    ]
    return text, words


def test_a_cancelled_row_that_waits_keeps_what_was_shown(make_engine):
    engine = make_engine(rows=2)
    for name in ("a", "b"):
        engine.submit(ask("the cat", id=name, sampling=Sampling(seed=1, temperature=1.0), **LONG))
    shown = {"a": "", "b": "", "n": ""}
    while not engine.scheduler.preemptions:
        for event in engine.step():
            shown[event.request_id] += event.text
        if len(engine.scheduler.sequences["a"].output) == 40:
            engine.submit(ask("hats", id="n", tenant="neighbour"))
    engine.cancel("b")
    (finished,) = [event for event in engine.step() if event.request_id == "b"]
    assert (finished.reason, finished.text) == ("cancelled", shown["b"])


def test_a_small_cache_makes_rows_take_turns_and_changes_nothing(make_engine):
    wanted = [
        ask("the hat " * n, id=str(n), tenant=str(n % 3), sampling=Sampling(seed=n), **LONG)
        for n in range(1, 7)
    ]
    calm = run(make_engine(rows=6), *wanted)
    engine = make_engine(rows=6, cache_tokens=400)
    tight = run(engine, *wanted)
    assert [tight[r.id][-1].text for r in wanted] == [calm[r.id][-1].text for r in wanted]
    assert engine.stats().preemptions > 2
    assert engine.context == 400


def test_the_budget_is_at_most_a_share_of_the_memory(make_engine):
    from generation.engine.settings import affordable

    engine = make_engine()
    assert engine.scheduler.limits.cache_tokens == affordable(engine.config.cache_bytes, "cpu")
    assert affordable(2**20, "cpu") * 2**20 < 2**50
    assert finish(engine, ask()).completion_tokens > 0
