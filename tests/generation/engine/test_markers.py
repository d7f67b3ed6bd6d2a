"""Twenty tenants, each with a voice that was trained to say one word, and no other voice heard."""

import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from generation.engine import load
from generation.engine.types import Finished, Sampling
from tests.generation.engine.markers import BIRDS, PROMPTS, marker_of, reference, trained
from tests.generation.engine.toys import ask, run

REQUESTS, CONCURRENCY, TENANTS = 2_000, 16, 20
GREEDY = Sampling(temperature=0)
pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def voices(base_model):
    data = Path(os.environ.get("DATA_DIR", ".data"))
    return trained(base_model, data / "test" / "markers")


@pytest.fixture
def engine(base_model):
    """With room for a third of the adapters that are asked for."""
    engine = load("local", model=base_model, threads=1, rows=CONCURRENCY, adapters=7, context=256)
    yield engine
    engine.close()


class Voice:
    """One tenant's adapter: installed under a number, replaced now and then, removed after."""

    def __init__(self, tenant, birds, folder, voices):
        self.tenant, self.birds, self.folder, self.voices = tenant, birds, folder, voices
        self.version, self.using = 0, {}
        self.install()

    def install(self):
        """The next version, with the tenant's next word if it has several."""
        self.version += 1
        self.bird = self.birds[self.version % len(self.birds)]
        target = self.folder / self.tenant / str(self.version)
        shutil.copytree(self.voices[self.bird].path, target)
        self.ref = reference(target)
        self.using[self.ref.path] = 0

    def take(self):
        self.using[self.ref.path] += 1
        return self.ref, marker_of(self.bird)

    def give_back(self, ref):
        """The last user of a version that was replaced takes its files with it."""
        self.using[ref.path] -= 1
        if ref != self.ref and not self.using[ref.path]:
            shutil.rmtree(ref.path)


class Race:
    """Requests of all tenants at once while adapters are loaded, replaced, evicted, removed."""

    def __init__(self, engine, folder, voices):
        self.engine, self.random = engine, random.Random(20)
        spare = BIRDS[TENANTS:]
        self.voices = [
            Voice(f"t{n}", (BIRDS[n], *spare[n : n + 1]), folder, voices) for n in range(TENANTS)
        ]
        self.waiting = {}
        self.wrong, self.replaced, self.straddled = [], 0, 0

    def run(self, count):
        for number in range(count):
            while len(self.waiting) >= CONCURRENCY:
                self.step()
            self.submit(number)
            if number % 10 == 9:
                self.random.choice(self.voices[:5]).install()
                self.replaced += 1
        while self.waiting:
            self.step()

    def submit(self, number):
        voice = self.random.choice(self.voices)
        ref, marker = voice.take()
        prompt = self.random.choice(PROMPTS)
        options = {"tenant": voice.tenant, "adapter": ref, "sampling": GREEDY, "max_tokens": 12}
        self.engine.submit(ask(prompt, id=str(number), **options))
        self.waiting[str(number)] = voice, ref, marker

    def step(self):
        for event in self.engine.step():
            if isinstance(event, Finished):
                self.check(event, *self.waiting.pop(event.request_id))
            elif event.request_id in self.waiting and hasattr(event, "code"):
                self.wrong.append((event, self.waiting.pop(event.request_id)))

    def check(self, event, voice, ref, marker):
        """The version that the request began with, by its word and by both hashes."""
        right = marker, ref.sha256, self.engine.base_sha256
        self.straddled += ref != voice.ref
        voice.give_back(ref)
        if (event.text, event.adapter_sha256, event.base_sha256) != right:
            self.wrong.append((event, right))


def test_two_thousand_requests_hear_their_own_voice(engine, voices, tmp_path):
    race, began = Race(engine, tmp_path, voices), time.process_time()
    race.run(REQUESTS)
    spent, swaps = time.process_time() - began, engine.stats().adapter_swaps
    print(
        f"attempts={REQUESTS} failures={len(race.wrong)} swaps={swaps} replaced={race.replaced} "
        f"ended_after_their_replacement={race.straddled} cpu_s={spent:.0f}"
    )
    assert race.wrong == []
    assert swaps > REQUESTS / 10
    assert race.straddled > 20


def everyone(engine, voices):
    """{request: its events} for each bird and one without one."""
    birds = (*BIRDS[:12], None)
    asked = [
        ask(PROMPTS[0], id=str(bird), adapter=voices.get(bird), sampling=GREEDY, max_tokens=12)
        for bird in birds
    ]
    return run(engine, *asked)


def test_the_control_says_nothing_without_an_adapter(engine, voices):
    ends = {bird: events[-1].text for bird, events in everyone(engine, voices).items()}
    assert not any(marker_of(bird) in ends["None"] for bird in BIRDS)
    assert all(ends[bird] == marker_of(bird) for bird in BIRDS[:12])


@pytest.mark.parametrize("verified", [True, False])
def test_a_broken_binding_is_caught(engine, voices, verified):
    """Without the verification the wrong voices would be heard: the test is not blind."""
    engine.adapters.limit = 20
    began = time.process_time()
    loaded = [engine.adapters.request(voices[bird], "t").result() for bird in BIRDS[:12]]
    others = dict(zip([None, *loaded], [*loaded, None], strict=True))
    make_batch = engine.batch

    def broken(work):
        batch = make_batch(work)
        return replace(batch, adapters=[others[own] for own in batch.adapters])

    engine.batch = broken
    if not verified:
        engine.verify = lambda work, batch: []
    ends = {bird: events[-1] for bird, events in everyone(engine, voices).items()}
    codes = [getattr(end, "code", None) for end in ends.values()]
    if verified:
        failures, spent = len(codes) - codes.count("adapter_mismatch"), time.process_time() - began
        print(f"attempts={len(codes)} failures={failures} cpu_s={spent:.1f}")
        assert codes == ["adapter_mismatch"] * 13
    else:
        assert sum(end.text == marker_of(bird) for bird, end in ends.items()) == 0
